import ArgumentParser
import Console
import EngineClient
import EngineWire
import JSON
import Linux

/// `berth system`: the engine and the machine as a whole.
struct SystemVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "system", abstract: "Show disk usage and the engine; remove unused objects",
        subcommands: [SystemUsage.self, SystemInfo.self, SystemPrune.self])
}

struct SystemUsage: Verb {
    static let configuration = CommandConfiguration(
        commandName: "df", abstract: "Show the disk usage of images, containers, volumes and the build cache")

    @Option(help: "table, json, or a Go template") var format: String?
    @Flag(name: .customShort("v"), help: "Also list each object; --verbose is the same") var lists = false
    @OptionGroup(title: "Global") var global: GlobalOptions

    func run(in session: Session) throws {
        let format = try ListFormat(format)
        let answer = try session.engine.docker(get: "/system/df")
        let cache = try session.engine.buildCache()
        let usage = DiskUsage(answer, cache: cache.map(\.size))
        try session.print(usage.fields, format: format, shape: .lines) { usage.table }
        guard lists || global.verbose, case .table = format else { return }
        func list(_ name: String) -> [JSONValue] { answer[name]?.array ?? [] }
        func size(_ value: JSONValue?) -> String { HumanUnits.size(max(0, Int64(value?.integer ?? 0))) }
        show(session, "Images", ["NAME", "IMAGE ID", "SIZE", "CONTAINERS"]) {
            list("Images").map { image in
                [
                    image["RepoTags"]?.array?.first?.string ?? "<none>",
                    ObjectListings.shortID(image["Id"]?.string ?? ""), size(image["Size"]),
                    "\(image["Containers"]?.integer ?? 0)",
                ]
            }
        }
        show(session, "Containers", ["NAME", "IMAGE", "SIZE", "STATUS"]) {
            list("Containers").map { container in
                let name = container["Names"]?.array?.first?.string ?? ""
                return [
                    String(name.drop { $0 == "/" }), container["Image"]?.string ?? "", size(container["SizeRw"]),
                    container["Status"]?.string ?? "",
                ]
            }
        }
        show(session, "Local Volumes", ["VOLUME NAME", "LINKS", "SIZE"]) {
            list("Volumes").map { volume in
                [
                    volume["Name"]?.string ?? "", "\(volume["UsageData"]?["RefCount"]?.integer ?? 0)",
                    size(volume["UsageData"]?["Size"]),
                ]
            }
        }
        show(session, "Build Cache", ["ID", "KIND", "SIZE", "WHAT"]) {
            cache.map { [$0.id, $0.kind, HumanUnits.size($0.size), $0.title] }
        }
    }

    private func show(_ session: Session, _ title: String, _ columns: [String], _ rows: () -> [[String]]) {
        var table = TextTable(columns)
        for row in rows() { table.add(row) }
        session.stdout.write("\n\(title):\n\(table.render())")
    }
}

struct SystemInfo: Verb {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Show the engine and its machine")

    @Option(name: .shortAndLong, help: "json, or a Go template") var format: String?
    @OptionGroup(title: "Global") var global: GlobalOptions

    func run(in session: Session) throws {
        let info = try session.engine.docker(get: "/info")
        if let format, !format.isEmpty {
            if format == "json" { return session.stdout.line(info.text()) }
            return session.stdout.write(try ListFormat.render(try GoTemplate(format), titled: false, [info]))
        }
        session.stdout.write(SystemText.text(info, engine: try session.engine.version()))
    }
}

struct SystemPrune: Verb {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove stopped containers, unused networks, images without a name, and the build cache")

    @Flag(name: .shortAndLong, help: "Also remove named images that no container uses") var all = false
    @Flag(help: "Also remove anonymous volumes that no container uses: their data is lost") var volumes = false
    @Flag(name: .shortAndLong, help: "Do not ask") var force = false
    @Option(parsing: .unconditionalSingleValue, help: "until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]")
    var filter: [String] = []
    @OptionGroup(title: "Global") var global: GlobalOptions

    func run(in session: Session) throws {
        try session.refuseDryRun("system prune")
        let wanted = try PruneFilter(
            filter, of: .everything, all: all, now: session.now, offset: CallingProcess.localOffset)
        guard !volumes || wanted.request.until == nil else {
            throw UsageFailure(
                "the filter \"until\" is not supported with --volumes",
                hint: "berth does not record when a volume was last used: use `berth volume prune`")
        }
        if !force {
            session.stderr.write(warning)
            guard session.confirm("Are you sure you want to continue?") else { return }
        }
        let engine = session.engine
        var report = PrunedObjects()
        try report.add(containers: engine.docker(post: "/containers/prune\(wanted.query)"))
        try report.add(networks: engine.docker(post: "/networks/prune\(wanted.query)"))
        if volumes {
            try report.add(volumes: engine.docker(post: "/volumes/prune\(wanted.query)"))
        }
        try report.add(images: engine.pruneImages(wanted.request))
        // Build results have no labels.
        if wanted.request.labels.isEmpty, wanted.request.withoutLabels.isEmpty {
            var request = BuildPruneRequest(all: all)
            request.unusedFor = wanted.request.until.map { Int64(session.now - $0) }
            try report.add(cache: engine.pruneBuildCache(request))
        }
        session.show(report)
    }

    private var warning: String {
        var lines = ["all stopped containers", "all networks not used by at least one container"]
        if volumes { lines.append("all anonymous volumes not used by at least one container") }
        lines.append(all ? "all images without at least one container associated to them" : "all dangling images")
        lines.append(all ? "all build cache" : "unused build cache")
        let filters =
            filter.isEmpty
            ? "" : "\n  Items to be pruned will be filtered with:\n" + filter.map { "  - \($0)\n" }.joined()
        return "WARNING! This will remove:\n" + lines.map { "  - \($0)\n" }.joined() + filters
    }
}
