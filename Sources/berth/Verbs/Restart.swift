import ArgumentParser
import EngineWire

/// `berth restart`: stops and starts containers without replacing them.
struct Restart: Verb {
    static let configuration = CommandConfiguration(
        commandName: "restart", abstract: "Restart services; does not read the file")

    @Option(name: .shortAndLong, help: "Time between stop signal and kill, in seconds") var timeout: GracePeriod?
    @Flag(name: .customLong("no-deps"), help: "Do not restart services that depend on these") var noDependents = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)", completion: .services) var services: [String] = []

    func run(in session: Session) throws {
        try session.perform(stored: .restart(timeout: timeout?.duration, dependents: !noDependents), on: services)
    }
}
