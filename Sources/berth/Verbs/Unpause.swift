import ArgumentParser
import EngineWire

/// `berth unpause`: lets frozen services go on.
struct Unpause: Verb {
    static let configuration = CommandConfiguration(commandName: "unpause", abstract: "Let frozen services go on")

    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)") var services: [String] = []

    func run(in session: Session) throws { try session.perform(stored: .unpause, on: services) }
}
