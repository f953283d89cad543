import CLinux
import Glibc
import JSON
import Linux
import OCI

/// Runs the hooks of a runtime spec at certain points of a container's lifecycle (config.md, "POSIX-platform Hooks").
package enum Hooks {
    /// In which namespaces a hook runs and where its path is resolved.
    package enum Place: Sendable {
        /// The runtime's own namespaces.
        case runtime
        /// The namespaces of the container's process, whose root is still the host's: the hook is a program of the
        /// host.
        case container(pid: Int32)
        /// In the container, like its process.
        case process(ContainerRecord, filterCache: String?)
    }

    /// Runs `hooks` one after the other, each with `state` as JSON on its standard input.
    /// - Throws: `RuntimeFailure` for the first hook that cannot run, fails, or exceeds its timeout and is killed.
    package static func run(_ hooks: [RuntimeSpec.Hook]?, _ kind: String, in place: Place, state: ContainerState)
        throws(RuntimeFailure)
    {
        guard let hooks, !hooks.isEmpty else { return }
        let text: [UInt8]
        do {
            text = try encodeJSON(state)
        } catch {
            throw RuntimeFailure(step: kind, message: "\(kind) hook: \(error)")
        }
        for hook in hooks {
            guard hook.path.isAbsolutePath else { throw failure(hook, kind, "its path is not absolute") }
            try run(hook, kind, in: place, text)
        }
    }

    private static func run(
        _ hook: RuntimeSpec.Hook, _ kind: String, in place: Place, _ state: [UInt8]
    ) throws(RuntimeFailure) {
        let input = try naming("\(kind) hook") { () throws(SyscallError) in try file(of: state) }
        var launch = try start(hook, kind, in: place, input)
        do throws(RuntimeFailure) {
            loop: while true {
                switch try launch.next() {
                case .gate: launch.proceed()
                case .running: break loop
                case .hooks, .terminal: continue
                }
            }
        } catch {
            launch.abandon()
            throw failure(hook, kind, error.message)
        }
        var request = pollfd(fd: launch.handle.pollable, events: Int16(POLLIN), revents: 0)
        let limit = hook.timeout.map { CInt(clamping: $0 * 1000) } ?? -1
        var ready = poll(&request, 1, limit)
        while ready < 0 && Errno.current == .interrupted { ready = poll(&request, 1, limit) }
        guard ready > 0 else {
            launch.abandon()
            throw failure(hook, kind, "took longer than \(hook.timeout ?? 0) s")
        }
        var status: CInt = 0
        while waitpid(launch.pid, &status, 0) < 0 && Errno.current == .interrupted {}
        guard status == 0 else {
            throw failure(hook, kind, status & 0x7F == 0 ? "exit status \(status >> 8)" : "signal \(status & 0x7F)")
        }
    }

    /// A file in memory, so a hook that does not read its state blocks nothing.
    private static func file(of state: [UInt8]) throws(SyscallError) -> OwnedFD {
        let closeOnExec: CUnsignedInt = 1  // MFD_CLOEXEC
        let file = OwnedFD(
            owning: try syscall("memfd_create", on: "state") { berth_memfd_create("state", closeOnExec) })
        try file.write(state)
        lseek(file.raw, 0, SEEK_SET)
        return file
    }

    private static func start(
        _ hook: RuntimeSpec.Hook, _ kind: String, in place: Place, _ input: borrowing OwnedFD
    ) throws(RuntimeFailure) -> Launch {
        if case .process(let record, let filterCache) = place {
            return try startInside(hook, kind, record, filterCache, input)
        }
        let descriptor = input.raw
        return try naming("\(kind) hook") { () throws(SyscallError) in
            let program = StepProgram()
            program.add(BERTH_RESET_INHERITED, .doing("reset what was inherited"))
            guard case .container(let pid) = place else {
                addStart(of: hook, program, descriptor)
                return try Launch(program, flags: 0, cgroup: nil)
            }
            let process = try ProcessHandle(pid: pid)
            let kinds = Launcher.differingNamespaces(of: pid).filter { $0 != .pid && $0 != .time }
            let handle = program.register(holding: process.pollable)
            if !kinds.isEmpty {
                program.add(BERTH_SETNS, .doing("enter the container"), in: handle, a: kinds.reduce(0) { $0 | $1.flag })
            }
            addStart(of: hook, program, descriptor)
            return try Launch(program, flags: 0, cgroup: nil)
        }
    }

    /// Starts it like the container's process: with its user, capabilities, filter, limits and cgroup, because the
    /// program comes from the image.
    private static func startInside(
        _ hook: RuntimeSpec.Hook, _ kind: String, _ record: ContainerRecord, _ filterCache: String?,
        _ input: borrowing OwnedFD
    ) throws(RuntimeFailure) -> Launch {
        var process = record.spec.process ?? RuntimeSpec.Process()
        process.args = hook.args.flatMap { $0.isEmpty ? nil : $0 } ?? [hook.path]
        process.env = hook.env ?? []
        process.cwd = "/"
        process.terminal = nil
        let stdio = StandardStreams.descriptors(input: input.raw, output: 2, error: 2)
        var request = ExecRequest(
            process: process, target: record.pid, stdio: stdio, seccomp: record.spec.linux?.seccomp)
        request.program = hook.path
        request.filterCache = filterCache
        let target = try naming("\(kind) hook") { () throws(SyscallError) in try record.process() }
        let cgroup = try naming("\(kind) hook") { () throws(SyscallError) in try record.cgroup() }
        return try Launcher.launch(request, target: target, cgroup: cgroup)
    }

    private static func addStart(of hook: RuntimeSpec.Hook, _ program: StepProgram, _ input: CInt) {
        let register = program.register(holding: input)
        let standardError = program.register(holding: 2)
        program.add(BERTH_DUP, .doing("set descriptor 0"), in: register, a: 0)
        program.add(BERTH_DUP, .doing("set descriptor 1"), in: standardError, a: 1)
        program.add(BERTH_UMASK, .doing("set the umask"), a: 0o022)
        let arguments = hook.args.flatMap { $0.isEmpty ? nil : $0 } ?? [hook.path]
        program.add(
            BERTH_EXEC, .exec(hook.path), data: UnsafeRawPointer(program.strings(arguments)),
            data2: UnsafeRawPointer(program.strings(hook.env ?? [])),
            a: UInt64(UInt(bitPattern: program.strings([hook.path]))))
    }

    private static func failure(_ hook: RuntimeSpec.Hook, _ kind: String, _ reason: String) -> RuntimeFailure {
        RuntimeFailure(step: "\(kind) hook", message: "\(kind) hook \(hook.path): \(reason)")
    }
}
