import ArgumentParser
import Console
import EngineClient
import EngineWire
import Linux

/// What `stats` shows, and how often.
struct StatsFlags: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Also show stopped containers") var all = false
    @Option(help: "table, json, or a Go template") var format: String?
    @Flag(name: .customLong("no-stream"), help: "Show the values once and end") var once = false
    @Flag(name: .customLong("no-trunc"), help: "Show ids in full") var whole = false
}

/// `berth stats`: shows the resource usage of services' containers.
struct Stats: Verb {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Show the resource use of containers, updated every second")

    @OptionGroup var flags: StatsFlags
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)") var services: [String] = []

    func run(in session: Session) throws {
        try session.showUsage(flags) { try session.scope(services).chosen }
    }
}

/// `berth container stats`: the same for single containers.
struct ContainerStats: Verb {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Show the resource use of containers, updated every second")

    @OptionGroup var flags: StatsFlags
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Containers (default: all)") var containers: [String] = []

    func run(in session: Session) throws {
        try session.showUsage(flags) {
            guard !containers.isEmpty else { return try session.engine.containers(all: true) }
            return try containers.map { try session.engine.container($0) }
        }
    }
}

extension Session {
    /// Takes readings a second apart; the processor's share is what was used in between.
    fileprivate func showUsage(_ flags: StatsFlags, _ containers: () throws -> [ContainerRow]) throws {
        let format = try ListFormat(flags.format)
        var before = try readings(containers()).usages
        while true {
            var nothing: [Readiness] = []
            try waitForReadiness(&nothing, timeout: .seconds(1))
            let (rows, usages) = try readings(containers())
            let listings = rows.compactMap { row -> UsageListing? in
                if let usage = usages[row.id] {
                    return UsageListing(usage, before: before[row.id], whole: flags.whole)
                }
                return flags.all ? UsageListing(stopped: row.id, name: row.name, whole: flags.whole) : nil
            }
            if !flags.once, case .table = format, stdout.isTerminal { stdout.write("\u{1B}[H\u{1B}[2J") }
            try print(listings.map(\.fields), format: format, shape: .lines) { UsageListing.table(listings) }
            if flags.once { return }
            before = usages
        }
    }

    private func readings(
        _ containers: [ContainerRow]
    ) throws -> (rows: [ContainerRow], usages: [String: ContainerUsage]) {
        var usages: [String: ContainerUsage] = [:]
        for row in containers where [.running, .paused].contains(row.state) {
            do throws(EngineFailure) { usages[row.id] = try engine.usage(of: row.id) } catch {
                // It has ended since the list was made.
                if error.code != .notFound && error.code != .conflict { throw error }
            }
        }
        return (containers.sorted { $0.name < $1.name }, usages)
    }
}
