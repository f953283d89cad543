import ArgumentParser
import Console
import EngineClient
import EngineWire

/// `berth volume`: volumes of all projects.
struct VolumeVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume", abstract: "Make, look at and remove volumes",
        subcommands: [
            VolumeCreate.self, VolumeList.self, VolumeInspect.self, VolumeRemove.self, VolumePrune.self,
        ])
}

struct VolumeList: Verb {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List volumes", aliases: ["list"])

    @Option(help: "table, json, or a Go template") var format: String?
    @Flag(name: .shortAndLong, help: "Only names") var quiet = false
    @OptionGroup(title: "Global") var global: GlobalOptions

    func run(in session: Session) throws {
        try session.print(try session.engine.volumes(), format: try ListFormat(format), quiet: quiet)
    }
}

struct VolumeInspect: Verb {
    static let configuration = CommandConfiguration(commandName: "inspect", abstract: "Show all about volumes, as JSON")

    @Option(name: .shortAndLong, help: "A Go template") var format: String?
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Names") var names: [String]

    func run(in session: Session) throws {
        try session.print(inspected: try names.map { try session.engine.inspect(.volumes, $0) }, format: format)
    }
}

struct VolumeRemove: Verb {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove volumes: their data is lost", aliases: ["remove"])

    @Flag(name: .shortAndLong, help: "No complaint about volumes that do not exist") var force = false
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Names") var names: [String]

    func run(in session: Session) throws {
        try session.refuseDryRun("volume rm")
        for line in try session.engine.remove(.volumes, names, force: force) { session.stdout.line(line) }
    }
}
