import ArgumentParser
import Console
import EngineClient
import EngineWire

/// `berth rm`: removes stopped containers.
struct Remove: Verb {
    static let configuration = CommandConfiguration(commandName: "rm", abstract: "Remove stopped containers")

    @Flag(name: .shortAndLong, help: "Do not ask") var force = false
    @Flag(name: .shortAndLong, help: "Stop them first") var stop = false
    @Flag(name: .shortAndLong, help: "Remove their anonymous volumes, too") var volumes = false
    @Flag(name: .shortAndLong, help: .hidden) var all = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)") var services: [String] = []

    func run(in session: Session) throws {
        let target = try session.target()
        let containers = try session.engine.containers(of: target.name, all: true)
        try session.check(services: services, among: try session.knownServices(of: target, containers: containers))
        let stopped: Set<ContainerRow.State> = [.created, .exited, .dead]
        let leaving = containers.filter { services.isEmpty || services.contains($0.service) }
            .filter { stop || stopped.contains($0.state) }.map(\.name).sorted()
        guard !leaving.isEmpty else { return session.stderr.line("No stopped containers") }
        if !force, !session.global.dryRun {
            session.stderr.line("Going to remove \(leaving.joined(separator: ", "))")
            guard session.confirm("Are you sure?") else { return }
        }
        try session.perform(stored: .remove(stop: stop, volumes: volumes), on: services, in: target)
    }
}
