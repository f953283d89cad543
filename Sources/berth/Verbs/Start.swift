import ArgumentParser
import EngineWire

/// `berth start`: starts existing containers.
struct Start: Verb {
    static let configuration = CommandConfiguration(commandName: "start", abstract: "Start existing containers")

    @Flag(help: "Return when the containers are healthy (running, if they have no health check)") var wait = false
    @Option(help: "The longest time that --wait waits, in seconds") var waitTimeout: GracePeriod?
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)", completion: .services) var services: [String] = []

    func run(in session: Session) throws {
        try session.perform(stored: .start(wait: wait, waitTimeout: waitTimeout?.duration), on: services)
    }
}
