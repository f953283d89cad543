import ArgumentParser
import Console
import EngineClient
import EngineWire

/// `berth ps`: lists the project's containers.
struct PS: Verb {
    static let configuration = CommandConfiguration(commandName: "ps", abstract: "List containers")

    @Flag(name: .shortAndLong, help: "Also list stopped containers and containers of run") var all = false
    @Flag(name: .shortAndLong, help: "Print only ids") var quiet = false
    @Flag(help: "Print only the names of services") var services = false
    @Option(help: "table, json, or a Go template") var format: String?
    @Option(parsing: .unconditionalSingleValue, help: "status=STATE") var filter: [String] = []
    @Option(parsing: .unconditionalSingleValue, help: "List only containers in this state") var status: [State] = []
    @Flag(name: .customLong("no-trunc"), help: "Do not shorten anything") var whole = false
    @Flag(inversion: .prefixedNo, help: "Also show containers of services that are not in the file") var orphans = true
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: ArgumentHelp("Services (default: all)", valueName: "service")) var names: [String] = []

    enum State: String, ExpressibleByArgument, CaseIterable {
        case created, running, paused, restarting, exited, removing, dead
    }

    func run(in session: Session) throws {
        let format = try ListFormat(format)
        let states = Set(try (status + filter.map(Self.state)).map(\.rawValue))
        let rows = try rows(in: session, states).sorted { $0.name < $1.name }
        if quiet { return session.stdout.write(rows.map { "\($0.id)\n" }.joined()) }
        if services { return session.stdout.write(Set(rows.map(\.service)).sorted().map { "\($0)\n" }.joined()) }
        let now = session.now
        try session.print(
            try rows.map { try ContainerListing.fields($0, now: now) }, format: format, shape: .lines
        ) { ContainerListing.table(rows, now: now, whole: whole, width: session.stdout.width) }
        var told: Set<EngineFailure> = []
        for warning in rows.flatMap({ $0.warnings ?? [] }) where told.insert(warning).inserted { session.warn(warning) }
    }

    private func rows(in session: Session, _ states: Set<String>) throws -> [ContainerRow] {
        do {
            let scope = try session.scope(names)
            if scope.containers.isEmpty, let foreign = try foreignRows(in: session, states) { return foreign }
            return scope.chosen.filter { row in
                isShown(row, states, isNamed: scope.named.containers.contains { $0.id == row.id })
            }
        } catch let failure as CommandFailure {
            // Only its containers show which services it has.
            guard let foreign = try foreignRows(in: session, states) else { throw failure }
            return foreign
        }
    }

    /// The containers of a project that docker compose created over the Docker Engine API; nil when there is none with
    /// that name.
    private func foreignRows(in session: Session, _ states: Set<String>) throws -> [ContainerRow]? {
        let rows = try session.engine.foreignContainers(of: try session.target().name)
        guard !rows.isEmpty, names.allSatisfy({ name in rows.contains { $0.service == name || $0.name == name } })
        else { return nil }
        return rows.filter { row in
            (names.isEmpty || names.contains(row.service) || names.contains(row.name))
                && isShown(row, states, isNamed: names.contains(row.name))
        }
    }

    private func isShown(_ row: ContainerRow, _ states: Set<String>, isNamed: Bool) -> Bool {
        if row.isOrphan, !orphans { return false }
        if !states.isEmpty { return states.contains(row.state.rawValue) }
        return all || ((!row.isOneOff || isNamed) && [.running, .paused, .restarting].contains(row.state))
    }

    private static func state(_ filter: String) throws -> State {
        let parts = filter.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.first == "status" else {
            throw UsageFailure("unknown filter \"\(filter)\"", hint: "there is: status=STATE")
        }
        guard parts.count == 2, let state = State(rawValue: parts[1]) else {
            let known = State.allCases.map(\.rawValue)
            let question = Suggestion.question(for: parts.last ?? "", among: known)
            throw UsageFailure(
                "unknown state in \"\(filter)\"\(question)", hint: "states: \(known.joined(separator: ", "))")
        }
        return state
    }
}
