import ArgumentParser
import Console
import EngineClient
import EngineWire

/// `berth container`: single containers. Those of `run` and `create` belong to no project; the other verbs accept any
/// container by name or id and do not affect its siblings; `ls` lists all containers.
struct ContainerVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "container", abstract: "Work with single containers, with or without a project",
        subcommands: [
            ContainerList.self, ContainerRun.self, ContainerCreate.self, ContainerStart.self, ContainerStop.self,
            ContainerRestart.self, ContainerKill.self, ContainerPause.self, ContainerUnpause.self, ContainerRemove.self,
            ContainerLogs.self, ContainerWait.self, ContainerDiff.self, ContainerExport.self,
            ContainerStats.self, ContainerInspect.self, ContainerPrune.self,
        ])
}

struct ContainerList: Verb {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the containers of all projects, and of none", aliases: ["list"])

    @Flag(name: .shortAndLong, help: "Also show stopped ones") var all = false
    @Flag(name: .shortAndLong, help: "Print only ids") var quiet = false
    @Option(help: "table, json, or a Go template") var format: String?
    @Flag(name: .customLong("no-trunc"), help: "Do not shorten anything") var whole = false
    @Option(
        parsing: .unconditionalSingleValue,
        help: "name=TEXT, id=TEXT, label=KEY[=VALUE], status=STATE, ancestor=IMAGE, health=STATE or project=NAME")
    var filter: [String] = []
    @OptionGroup(title: "Global") var global: GlobalOptions

    func run(in session: Session) throws {
        let format = try ListFormat(format)
        let wanted = try ListFilter(filter, of: .containers)
        // A filter by state includes containers that do not run.
        let rows = try session.engine.containers(all: all || wanted.names("status")).filter { row in
            wanted.allows(
                [
                    "name": row.name, "id": row.id, "status": row.state.rawValue, "ancestor": row.image,
                    "health": row.health?.rawValue ?? "none", "project": row.project,
                ], labels: row.labels)
        }
        if quiet { return session.stdout.write(rows.map { "\($0.id)\n" }.joined()) }
        let now = session.now
        try session.print(
            try rows.map { try ContainerListing.fields($0, now: now) }, format: format, shape: .lines
        ) { ContainerListing.table(rows, now: now, whole: whole, width: session.stdout.width) }
    }
}

struct ContainerLogs: Verb {
    static let configuration = CommandConfiguration(commandName: "logs", abstract: "Show a container's output")

    @Flag(name: .shortAndLong, help: "Follow new output") var follow = false
    @Option(name: [.customLong("tail"), .customShort("n")], help: "The number of last lines, or all") var tail =
        TailArgument(
            all: ())
    @Flag(name: .shortAndLong, help: "Show when each line was written") var timestamps = false
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "The container", completion: .containers) var container: String

    func run(in session: Session) throws {
        let row = try session.engine.container(container)
        let printer = LogPrinter(
            stdout: session.stdout, stderr: session.stderr, style: session.style,
            options: LogPrinter.Options(prefix: false, timestamps: timestamps, mergesErrors: false), services: [],
            labels: [Logs.label(of: row)])
        let stream = try session.engine.logs(LogRequest(follow: follow, tail: tail.lines), ofContainer: row.id)
        while let lines = try stream.nextBatch() { printer.print(lines) }
        printer.finish()
    }
}

struct ContainerWait: Verb {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait until containers have ended; print their exit codes")

    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Containers", completion: .containers) var containers: [String]

    func run(in session: Session) throws {
        for name in containers {
            let end = try session.engine.waitUntilEnded(name)
            session.stdout.line(end.code.map(String.init) ?? "-")
        }
    }
}
