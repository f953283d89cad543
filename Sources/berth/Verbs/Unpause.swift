import ArgumentParser
import EngineWire

/// `berth unpause`: thaws frozen services.
struct Unpause: Verb {
    static let configuration = CommandConfiguration(commandName: "unpause", abstract: "Resume paused services")

    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)", completion: .services) var services: [String] = []

    func run(in session: Session) throws { try session.perform(stored: .unpause, on: services) }
}
