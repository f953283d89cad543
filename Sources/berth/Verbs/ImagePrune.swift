import ArgumentParser
import Console
import EngineClient
import EngineWire
import Linux

/// `berth image prune`: removes images that nothing needs.
struct ImagePrune: Verb {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove images without a name, or all images that no container uses")

    @Flag(name: .shortAndLong, help: "Also remove named images that no container uses") var all = false
    @Flag(name: .shortAndLong, help: "Do not ask") var force = false
    @Option(
        parsing: .unconditionalSingleValue,
        help:
            "until=TIME (of creation), label=KEY[=VALUE], label!=KEY[=VALUE], dangling=false"
    )
    var filter: [String] = []
    @OptionGroup(title: "Global") var global: GlobalOptions

    func run(in session: Session) throws {
        try session.refuseDryRun("image prune")
        let request = try PruneFilter(filter, all: all, now: session.now, offset: CallingProcess.localOffset).request
        if !force {
            session.stderr.line(
                request.all
                    ? "WARNING! This will remove all images without at least one container associated to them."
                    : "WARNING! This will remove all dangling images.")
            for line in filter { session.stderr.line("  - \(line)") }
            guard session.confirm("Are you sure you want to continue?") else { return }
        }
        let report = try session.engine.pruneImages(request)
        if !report.lines.isEmpty {
            session.stdout.line("Deleted Images:")
            for line in report.lines { session.stdout.line(line) }
            session.stdout.line()
        }
        session.stdout.line("Total reclaimed space: \(HumanUnits.size(report.reclaimed))")
    }
}
