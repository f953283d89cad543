import Glibc
import JSON
import Linux
import OCI
import Runtime

/// Options before the verb.
struct GlobalOptions: Sendable {
    var root = "/run/berth-runtime"
    var log = Log()
    var showsVersion = false
    var showsHelp = false

    init(_ arguments: inout Arguments) throws {
        while let flag = try arguments.nextFlag() {
            switch flag {
            case "--root": root = try arguments.value()
            case "--log": log.path = try arguments.value()
            case "--log-format":
                let name = try arguments.value()
                guard let format = Log.Format(rawValue: name) else {
                    throw Arguments.Problem(description: "--log-format is text or json, not \"\(name)\"")
                }
                log.format = format
            case "--version", "-v": showsVersion = true
            case "--help", "-h": showsHelp = true
            // Accepted for compatibility: cgroups are always created directly, and there is one log level.
            case "--systemd-cgroup", "--debug": break
            case "--log-level", "--cgroup-manager", "--rootless", "--criu": _ = try arguments.value()
            default: throw Arguments.unknown(flag)
            }
        }
    }
}

/// The verbs.
struct CommandLineRuntime {
    let options: GlobalOptions
    let runtime: ContainerRuntime

    init(_ options: GlobalOptions) {
        self.options = options
        let log = options.log
        runtime = ContainerRuntime(store: ContainerStore(root: options.root)) { log.warning($0) }
    }

    static let version = "berth-runtime version 0.1.0\nspec: 1.2.0"

    static let help = """
        usage: berth-runtime [--root DIR] [--log FILE] [--log-format text|json] VERB …

          create ID [-b BUNDLE] [--pid-file FILE] [--console-socket PATH] [--preserve-fds N] [--no-new-keyring]
          start ID
          run ID [create's flags] [-d] [--keep]
          exec ID [-d] [-t] [-p FILE] [-u UID[:GID]] [-e NAME=VALUE] [--cwd DIR] [--cap CAP] [--pid-file FILE]
                  [--console-socket PATH] [--no-new-privs] [--ignore-paused] [COMMAND …]
          kill ID [SIGNAL] [-a]
          delete ID [-f]
          state ID
          list [-q] [-f table|json]
          ps ID [-f table|json]
          pause ID, resume ID
          update ID [-r FILE] [--memory BYTES] [--cpu-quota US] [--pids-limit N] …
          spec [-b BUNDLE]
          steps ID [-b BUNDLE] [-f FILE]                  what create would do in the container, without doing it
        """

    /// Returns the exit status.
    func run(_ arguments: inout Arguments) throws -> CInt {
        if options.showsVersion { return try say(Self.version) }
        if options.showsHelp { return try say(Self.help) }
        let verb = try arguments.positional("a verb (see berth-runtime help)")
        switch verb {
        case "help": return try say(Self.help)
        case "create": return try create(&arguments)
        case "start":
            try runtime.start(try onlyID(&arguments))
            return 0
        case "run": return try runContainer(&arguments)
        case "exec": return try exec(&arguments)
        case "kill": return try kill(&arguments)
        case "delete": return try delete(&arguments)
        case "state": return try state(&arguments)
        case "list": return try list(&arguments)
        case "ps": return try processes(&arguments)
        case "pause":
            try runtime.pause(try onlyID(&arguments))
            return 0
        case "resume":
            try runtime.resume(try onlyID(&arguments))
            return 0
        case "update": return try update(&arguments)
        case "spec": return try spec(&arguments)
        case "steps": return try steps(&arguments)
        default: throw Arguments.Problem(description: "unknown verb \"\(verb)\" (see berth-runtime help)")
        }
    }

    func say(_ text: String) throws -> CInt {
        let bytes = Array((text + "\n").utf8)
        try syscall("write", on: "standard output") { write(1, bytes, bytes.count) }
        return 0
    }

    func onlyID(_ arguments: inout Arguments) throws -> String {
        if let flag = try arguments.nextFlag() { throw Arguments.unknown(flag) }
        let id = try arguments.positional("the container's id")
        try arguments.end()
        return id
    }

    private func kill(_ arguments: inout Arguments) throws -> CInt {
        var all = false
        var words: [String] = []
        while true {
            if let flag = try arguments.nextFlag() {
                guard flag == "-a" || flag == "--all" else { throw Arguments.unknown(flag) }
                all = true
            } else if arguments.words.isEmpty {
                break
            } else {
                words.append(try arguments.positional("id"))
            }
        }
        guard let id = words.first, words.count <= 2 else {
            throw Arguments.Problem(description: "usage: kill ID [SIGNAL] [-a]")
        }
        let name = words.count > 1 ? words[1] : "TERM"
        guard let number = SignalName.number(name) else {
            throw Arguments.Problem(description: "unknown signal \"\(name)\"")
        }
        try runtime.kill(id, signal: number, all: all)
        return 0
    }

    private func delete(_ arguments: inout Arguments) throws -> CInt {
        var force = false
        var ids: [String] = []
        while true {
            if let flag = try arguments.nextFlag() {
                guard flag == "-f" || flag == "--force" else { throw Arguments.unknown(flag) }
                force = true
            } else if arguments.words.isEmpty {
                break
            } else {
                ids.append(try arguments.positional("id"))
            }
        }
        guard !ids.isEmpty else { throw Arguments.Problem(description: "usage: delete ID [-f]") }
        for id in ids { try runtime.delete(id, force: force) }
        return 0
    }
}
