import ArgumentParser
import Console
import EngineClient
import EngineWire

/// `berth rm`: removes stopped containers.
struct Remove: Verb {
    static let configuration = CommandConfiguration(commandName: "rm", abstract: "Remove stopped containers")

    @Flag(name: .shortAndLong, help: "Do not ask") var force = false
    @Flag(name: .shortAndLong, help: "Stop them first") var stop = false
    @Flag(name: .shortAndLong, help: "Also remove their anonymous volumes") var volumes = false
    @Flag(name: .shortAndLong, help: .hidden) var all = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)", completion: .services) var services: [String] = []

    func run(in session: Session) throws {
        let scope = try session.scope(services)
        let stopped: Set<ContainerRow.State> = [.created, .exited, .dead]
        let leaving = scope.chosen.filter { row in
            // A one-off is not a replica of its service, so it is removed only if it is named itself.
            let isMeant = !row.isOneOff || scope.named.containers.contains { $0.id == row.id }
            return isMeant && (stop || stopped.contains(row.state))
        }.map(\.name).sorted()
        guard !leaving.isEmpty else { return session.stderr.line("No stopped containers") }
        if !force, !session.global.dryRun {
            session.stderr.line("Going to remove \(leaving.joined(separator: ", "))")
            guard session.confirm("Are you sure?") else { return }
        }
        try session.perform(stored: .remove(stop: stop, volumes: volumes), on: scope.named, in: scope.target)
    }
}
