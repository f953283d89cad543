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
        let scope = try session.scope(services)
        let stopped: Set<ContainerRow.State> = [.created, .exited, .dead]
        var named = scope.named
        // What `run` made is none of a service's replicas: it goes only when it is named itself.
        let oneOffs = named.containers.filter(\.isOneOff)
        named.containers.removeAll(where: \.isOneOff)
        let whole = try named.wholeServices(among: scope.containers)
        let leaving = scope.chosen.filter { stop || stopped.contains($0.state) }.map(\.name).sorted()
        guard !leaving.isEmpty else { return session.stderr.line("No stopped containers") }
        if !force, !session.global.dryRun {
            session.stderr.line("Going to remove \(leaving.joined(separator: ", "))")
            guard session.confirm("Are you sure?") else { return }
        }
        for row in oneOffs where leaving.contains(row.name) && !session.global.dryRun {
            try session.engine.remove(container: row.id)
        }
        guard oneOffs.isEmpty || !whole.isEmpty else { return }
        try session.perform(stored: .remove(stop: stop, volumes: volumes), services: whole, in: scope.target)
    }
}
