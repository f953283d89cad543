import ArgumentParser
import Console
import EngineClient
import EngineWire

/// `berth volume`: volumes of all projects.
struct VolumeVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume", abstract: "Create, show and remove volumes",
        subcommands: [
            VolumeCreate.self, VolumeList.self, VolumeInspect.self, VolumeRemove.self, VolumePrune.self,
        ])
}

struct VolumeList: Verb {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List volumes", aliases: ["list"])

    @Option(help: "table, json, or a Go template") var format: String?
    @Flag(name: .shortAndLong, help: "Print only names") var quiet = false
    @Option(
        parsing: .unconditionalSingleValue, help: "name=TEXT, label=KEY[=VALUE], driver=NAME or dangling=true|false")
    var filter: [String] = []
    @OptionGroup(title: "Global") var global: GlobalOptions

    func run(in session: Session) throws {
        let wanted = try ListFilter(filter, of: .volumes)
        let volumes = try session.engine.volumes().filter { volume in
            wanted.allows(
                ["name": volume.name, "driver": volume.driver, "dangling": "\(volume.users.isEmpty)"],
                labels: volume.labels)
        }
        try session.print(volumes, format: try ListFormat(format), quiet: quiet)
    }
}

struct VolumeInspect: Verb {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show everything about volumes as JSON")

    @Option(name: .shortAndLong, help: "A Go template") var format: String?
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Names", completion: .volumes) var names: [String]

    func run(in session: Session) throws {
        try session.print(inspected: try names.map { try session.engine.inspect(.volumes, $0) }, format: format)
    }
}

struct VolumeRemove: Verb {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove volumes: their data is lost", aliases: ["remove"])

    @Flag(name: .shortAndLong, help: "Do not fail if a volume does not exist") var force = false
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Names", completion: .volumes) var names: [String]

    func run(in session: Session) throws {
        try session.refuseDryRun("volume rm")
        for line in try session.engine.remove(.volumes, names, force: force) { session.stdout.line(line) }
    }
}
