import Glibc
import JSON
import Linux
import OCI
import Runtime

extension CommandLineRuntime {
    private struct RunOptions {
        var create = ContainerRuntime.CreateOptions()
        var bundle = "."
        var isDetached = false
        var isKept = false
        var id = ""
    }

    private func parse(_ arguments: inout Arguments, isRun: Bool) throws -> RunOptions {
        var options = RunOptions()
        while true {
            guard let flag = try arguments.nextFlag() else {
                if arguments.words.isEmpty { break }
                guard options.id.isEmpty else {
                    try arguments.end()
                    break
                }
                options.id = try arguments.positional("the container's id")
                continue
            }
            switch flag {
            case "-b", "--bundle": options.bundle = try arguments.value()
            case "-f", "--config": options.create.configuration = try arguments.value()
            case "--pid-file": options.create.pidFile = try arguments.value()
            case "--console-socket": options.create.consoleSocket = try arguments.value()
            case "--preserve-fds": options.create.keptDescriptors = try Self.keptDescriptors(&arguments)
            case "--no-new-keyring": options.create.hasOwnKeyring = false
            case "-d" where isRun, "--detach" where isRun: options.isDetached = true
            case "--keep" where isRun: options.isKept = true
            case "--no-subreaper" where isRun: break
            case "--no-pivot":
                throw Arguments.Problem(description: "--no-pivot is not supported: the old root would stay in reach")
            default: throw Arguments.unknown(flag)
            }
        }
        guard !options.id.isEmpty else { throw Arguments.Problem(description: "the container's id is missing") }
        guard let folder = realpath(options.bundle, nil) else {
            throw RuntimeFailure(step: "bundle", message: "bundle \(options.bundle): \(Errno.current)")
        }
        defer { free(folder) }
        options.bundle = String(cString: folder)
        return options
    }

    /// Check this before opening any descriptors of our own, which would count as descriptors to keep.
    private static func keptDescriptors(_ arguments: inout Arguments) throws -> Int {
        let count = try arguments.number(Int.self)
        guard count >= 0 else { throw Arguments.Problem(description: "--preserve-fds: \(count) is below zero") }
        for descriptor in 0..<count where fcntl(CInt(clamping: 3 + descriptor), F_GETFD) < 0 {
            let message = "--preserve-fds \(count): the caller has no descriptor \(3 + descriptor) to keep"
            throw Arguments.Problem(description: message)
        }
        return count
    }

    func create(_ arguments: inout Arguments) throws -> CInt {
        let options = try parse(&arguments, isRun: false)
        if let terminal = try runtime.create(options.id, bundle: options.bundle, options.create) {
            close(terminal)
            try? runtime.delete(options.id, force: true)
            throw Arguments.Problem(description: "process.terminal needs --console-socket")
        }
        return 0
    }

    func steps(_ arguments: inout Arguments) throws -> CInt {
        let options = try parse(&arguments, isRun: false)
        return try say(runtime.steps(options.id, bundle: options.bundle, options.create).joined(separator: "\n"))
    }

    func runContainer(_ arguments: inout Arguments) throws -> CInt {
        let options = try parse(&arguments, isRun: true)
        let terminal = try runtime.create(options.id, bundle: options.bundle, options.create)
        do {
            if options.isDetached, let terminal {
                close(terminal)
                throw Arguments.Problem(description: "a detached terminal needs --console-socket")
            }
            let record = try runtime.store.load(options.id)
            try runtime.start(options.id)
            if options.isDetached { return 0 }
            let status = try Foreground(pid: record.pid, terminal: terminal).wait()
            if !options.isKept { try runtime.delete(options.id, force: true) }
            return status
        } catch {
            try? runtime.delete(options.id, force: true)
            throw error
        }
    }

    func exec(_ arguments: inout Arguments) throws -> CInt {
        var exec = ContainerRuntime.ExecOptions()
        var isDetached = false
        var changes: [(inout RuntimeSpec.Process) throws -> Void] = []
        var processFile: String?
        var id: String?
        while true {
            guard let flag = try arguments.nextFlag() else {
                // What follows the id is the command, including its flags.
                id = try arguments.positional("the container's id")
                break
            }
            switch flag {
            case "-p", "--process": processFile = try arguments.value()
            case "-d", "--detach": isDetached = true
            case "--pid-file": exec.pidFile = try arguments.value()
            case "--console-socket": exec.consoleSocket = try arguments.value()
            case "--preserve-fds": exec.keptDescriptors = try Self.keptDescriptors(&arguments)
            case "--ignore-paused": exec.ignoresPause = true
            case "--cgroup": _ = try arguments.value()
            default: changes.append(try Self.change(flag, &arguments))
            }
        }
        guard let id else { throw Arguments.Problem(description: "the container's id is missing") }
        var words = Array(arguments.words)
        if words.first == "--" { words.removeFirst() }
        var process: RuntimeSpec.Process
        if let processFile {
            process = try decodeJSON(RuntimeSpec.Process.self, from: try readFile(processFile, limit: 16 << 20))
        } else {
            process = try runtime.process(id, arguments: words)
        }
        for change in changes { try change(&process) }
        let running = try runtime.exec(id, process, exec)
        if isDetached {
            if let terminal = running.terminal { close(terminal) }
            return 0
        }
        return try Foreground(pid: running.pid, terminal: running.terminal).wait()
    }

    private static func change(
        _ flag: String, _ arguments: inout Arguments
    ) throws -> (inout RuntimeSpec.Process) throws -> Void {
        switch flag {
        case "-t", "--tty": return { $0.terminal = true }
        case "--no-new-privs": return { $0.noNewPrivileges = true }
        case "-u", "--user":
            let ids = try arguments.value().split(separator: ":").map { UInt32($0) }
            guard let uid = ids.first ?? nil, ids.count <= 2, !ids.contains(nil) else {
                throw Arguments.Problem(description: "--user takes UID or UID:GID")
            }
            return { process in
                process.user.uid = uid
                process.user.gid = ids.count == 2 ? ids[1] ?? 0 : 0
                // As at any change from root to another user: effective capabilities end, and the bounding set limits
                // the rest.
                if uid != 0 { process.capabilities?.effective = [] }
                if uid != 0 { process.capabilities?.permitted = [] }
            }
        case "-g", "--additional-gids":
            let gid = try arguments.number(UInt32.self)
            return { $0.user.additionalGids = ($0.user.additionalGids ?? []) + [gid] }
        case "-e", "--env":
            let variable = try arguments.value()
            return { $0.env = ($0.env ?? []) + [variable] }
        case "--cwd":
            let folder = try arguments.value()
            return { $0.cwd = folder }
        case "-c", "--cap":
            let name = try arguments.value()
            return { process in
                var sets = process.capabilities ?? RuntimeSpec.Capabilities()
                sets.bounding = (sets.bounding ?? []) + [name]
                sets.effective = (sets.effective ?? []) + [name]
                sets.permitted = (sets.permitted ?? []) + [name]
                process.capabilities = sets
            }
        case "--apparmor":
            let profile = try arguments.value()
            return { $0.apparmorProfile = profile }
        case "--process-label":
            let label = try arguments.value()
            return { $0.selinuxLabel = label }
        default: throw Arguments.unknown(flag)
        }
    }
}
