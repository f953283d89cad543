import ArgumentParser
import Console
import EngineClient
import EngineWire
import Linux

/// `berth exec`: runs a command in a running container.
struct Exec: Verb {
    static let configuration = CommandConfiguration(
        commandName: "exec", abstract: "Run a command in a running container")

    @Flag(name: .shortAndLong, help: "Do not wait until it ends") var detach = false
    @OptionGroup var keys: DetachKeysOption
    @Option(
        name: .shortAndLong, parsing: .unconditionalSingleValue,
        help: "NAME=VALUE, or NAME for the value in your environment")
    var env: [String] = []
    @Option(help: "The replica's number (default: the lowest one that runs)") var index: Int?
    @Flag(
        name: [.customLong("no-tty"), .customLong("no-TTY"), .customShort("T")],
        help: "Do not use a terminal")
    var noTTY = false
    @Flag(help: "Give the command all capabilities") var privileged = false
    @Option(name: .shortAndLong, help: "Run as this user") var user: String?
    @Option(name: [.customLong("workdir"), .customShort("w")], help: "The working directory of the command") var folder:
        String?
    @Flag(name: .shortAndLong, inversion: .prefixedNo, help: .hidden) var interactive = true
    @Flag(name: .shortAndLong, help: .hidden) var tty = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "The service, or a container's name", completion: .services) var service: String
    @Argument(parsing: .remaining, help: "The command and its arguments") var command: [String] = []

    func validate() throws {
        if command.isEmpty { throw ValidationError("exec needs a command: berth exec SERVICE COMMAND [ARGS...]") }
    }

    func run(in session: Session) throws {
        try session.refuseDryRun("exec")
        let container = try session.container(of: service, index: index)
        let usesTerminal = !noTTY && !detach && session.hasTerminal
        let size = usesTerminal ? Terminal.size(Terminal.stdin) : nil
        let request = ExecRequest(
            command: command, environment: session.variables(env), user: user, workingDirectory: folder,
            tty: usesTerminal, privileged: privileged, stdin: interactive && !detach, detach: detach, rows: size?.rows,
            columns: size?.columns)
        if detach {
            _ = try session.engine.execDetached(request, in: container.id)
            return
        }
        let stream = try session.engine.exec(request, in: container.id)
        let end = try StreamSession(
            session: session, stream: stream, tty: usesTerminal, stdin: interactive, peer: .exec,
            detachKeys: keys.value(session)
        ).run()
        switch end {
        case .detached: session.tellDetached("the command keeps running in \(container.name)")
        case .exited(let code): if code != 0 { throw ExitStatus.container(code) }
        }
    }
}

extension Session {
    /// The caller uses a terminal and sees the output there.
    var hasTerminal: Bool { Terminal.isTerminal(Terminal.stdin) && stdout.isTerminal }

    /// `NAME=VALUE` unchanged; `NAME` gets the caller's value, and is left out if there is none.
    func variables(_ assignments: [String]) -> [String: String] {
        var result: [String: String] = [:]
        for assignment in assignments {
            if let equals = assignment.firstIndex(of: "=") {
                result[String(assignment[..<equals])] = String(assignment[assignment.index(after: equals)...])
            } else {
                result[assignment] = environment[assignment]
            }
        }
        return result
    }
}
