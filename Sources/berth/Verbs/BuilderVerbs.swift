import ArgumentParser
import Console
import EngineClient
import EngineWire
import Linux

/// `berth builder`: the build cache.
struct BuilderVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "builder", abstract: "Show and prune the build cache",
        subcommands: [BuilderUsage.self, BuilderPrune.self])
}

struct BuilderUsage: Verb {
    static let configuration = CommandConfiguration(commandName: "du", abstract: "Show the content of the build cache")

    @Option(help: "table or json") var format: String?
    @OptionGroup(title: "Global") var global: GlobalOptions

    func run(in session: Session) throws {
        let rows = try session.engine.buildCache()
        if format == "json" { return try session.print(json: rows) }
        let now = session.now
        var table = "ID            KIND    SIZE       LAST USED      WHAT\n"
        for row in rows {
            let age = HumanUnits.ago(Double(row.used), now: now)
            table +=
                "\(pad(row.id, 13)) \(pad(row.kind, 7)) \(pad(HumanUnits.size(row.size), 10)) \(pad(age, 14)) \(row.title)\n"
        }
        session.stdout.write(table)
        session.stdout.line("Total: \(HumanUnits.size(rows.reduce(0) { $0 + $1.size }))")
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}

struct BuilderPrune: Verb {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove entries from the build cache")

    @Flag(name: .shortAndLong, help: "Also remove cache mounts") var all = false
    @Flag(name: .shortAndLong, help: "Do not ask") var force = false
    @Option(
        parsing: .unconditionalSingleValue, help: "until=DURATION: only entries not used for this long")
    var filter: [String] = []
    @Option(help: "Remove the least recently used entries until this much is left, such as 10gb") var keepStorage:
        String?
    @OptionGroup(title: "Global") var global: GlobalOptions

    func run(in session: Session) throws {
        try session.refuseDryRun("builder prune")
        var request = BuildPruneRequest(all: all)
        for text in filter {
            let pair = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2, pair[0] == "until" || pair[0] == "unused-for",
                let seconds = InstantArgument.goDuration(pair[1])
            else {
                throw UsageFailure("--filter \(text): the build cache knows until=DURATION", hint: "--filter until=24h")
            }
            request.unusedFor = Int64(seconds)
        }
        if let keepStorage {
            guard let bytes = Self.bytes(keepStorage) else {
                throw UsageFailure("--keep-storage \(keepStorage) is not a size", hint: "write it as 512mb or 10gb")
            }
            request.keepBytes = bytes
        }
        if !force {
            session.stderr.line("WARNING! This will remove results of builds; the next ones run those steps again.")
            guard session.confirm("Are you sure you want to continue?") else { return }
        }
        let report = try session.engine.pruneBuildCache(request)
        for line in report.lines { session.stdout.line(line) }
        session.stdout.line("Total reclaimed space: \(HumanUnits.size(report.reclaimed))")
    }

    /// `512mb`, `10GB`: powers of 1000, as sizes are shown.
    private static func bytes(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        guard let number = Double(digits) else { return nil }
        let factors = [
            "": 1.0, "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "t": 1e12, "tb": 1e12,
        ]
        return factors[text.dropFirst(digits.count).lowercased()].map { Int64(number * $0) }
    }
}
