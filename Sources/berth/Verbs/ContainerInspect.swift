import ArgumentParser
import Console
import EngineClient
import EngineWire
import JSON
import Linux

/// `berth container inspect`: shows everything about single containers, with docker's field names.
struct ContainerInspect: Verb {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show everything about containers as JSON")

    @Option(name: .shortAndLong, help: "A Go template") var format: String?
    @Flag(name: .shortAndLong, help: "Also show the size of their files (SizeRw, SizeRootFs)") var size = false
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Containers", completion: .containers) var containers: [String]

    func run(in session: Session) throws {
        let values = try containers.map { name in
            let row = try session.engine.container(name)
            return try session.engine.docker(get: "/containers/\(row.id)/json\(size ? "?size=1" : "")")
        }
        try session.print(inspected: values, format: format)
    }
}

/// `berth container prune`: removes containers that do not run.
struct ContainerPrune: Verb {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove all stopped containers, including those of projects")

    @Flag(name: .shortAndLong, help: "Do not ask") var force = false
    @Option(parsing: .unconditionalSingleValue, help: "until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]")
    var filter: [String] = []
    @OptionGroup(title: "Global") var global: GlobalOptions

    func run(in session: Session) throws {
        try session.refuseDryRun("container prune")
        let wanted = try PruneFilter(
            filter, of: .containers, all: true, now: session.now, offset: CallingProcess.localOffset)
        if !force {
            session.stderr.line("WARNING! This will remove all stopped containers.")
            guard session.confirm("Are you sure you want to continue?") else { return }
        }
        var report = PrunedObjects()
        try report.add(containers: session.engine.docker(post: "/containers/prune\(wanted.query)"))
        session.show(report)
    }
}

extension PruneFilter {
    /// The same for the Docker Engine API.
    var query: String { EngineClient.query(filters: filters) }

    var filters: [String: [String]] {
        [
            "until": request.until.map { ["\($0)"] } ?? [], "label": request.labels, "label!": request.withoutLabels,
        ]
    }
}

extension Session {
    /// The summary of docker's prune verbs.
    func show(_ report: PrunedObjects) {
        stdout.write(report.text)
    }
}
