import ArgumentParser
import Console
import EngineWire

/// `berth kill`: sends a signal, SIGKILL by default.
struct Kill: Verb {
    static let configuration = CommandConfiguration(
        commandName: "kill", abstract: "Send a signal to services, SIGKILL by default")

    @Option(name: .shortAndLong, help: "The signal, by name or number") var signal = "SIGKILL"
    @Flag(help: "Also kill and remove containers of services that are not in the file") var removeOrphans = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)", completion: .services) var services: [String] = []

    func run(in session: Session) throws {
        let orphans = try session.orphans(remove: removeOrphans).remove
        let result = try session.perform(stored: .kill(signal: signal, removeOrphans: orphans), on: services)
        if result.objectEvents == 0, !session.global.dryRun { session.stderr.line("no container to kill") }
    }
}
