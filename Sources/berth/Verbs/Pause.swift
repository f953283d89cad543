import ArgumentParser
import EngineWire

/// `berth pause`: freezes the processes of services.
struct Pause: Verb {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Pause services: freeze their processes")

    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)", completion: .services) var services: [String] = []

    func run(in session: Session) throws { try session.perform(stored: .pause, on: services) }
}
