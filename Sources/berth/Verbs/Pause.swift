import ArgumentParser
import EngineWire

/// `berth pause`: freezes the processes of services.
struct Pause: Verb {
    static let configuration = CommandConfiguration(commandName: "pause", abstract: "Freeze services where they are")

    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)") var services: [String] = []

    func run(in session: Session) throws { try session.perform(stored: .pause, on: services) }
}
