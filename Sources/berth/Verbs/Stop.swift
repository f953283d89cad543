import ArgumentParser
import EngineWire

/// `berth stop`: stops services and keeps their containers.
struct Stop: Verb {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop services and keep their containers")

    @Option(name: .shortAndLong, help: "Time between stop signal and kill, in seconds") var timeout: GracePeriod?
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)", completion: .services) var services: [String] = []

    func run(in session: Session) throws {
        try session.perform(stored: .stop(timeout: timeout?.duration), on: services)
    }
}
