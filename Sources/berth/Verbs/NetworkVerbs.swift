import ArgumentParser
import Console
import EngineClient
import EngineWire

/// `berth network`: networks of all projects.
struct NetworkVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network", abstract: "Make, look at and remove networks",
        subcommands: [
            NetworkCreate.self, NetworkList.self, NetworkInspect.self, NetworkRemove.self, NetworkPrune.self,
        ])
}

struct NetworkList: Verb {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List networks", aliases: ["list"])

    @Option(help: "table, json, or a Go template") var format: String?
    @Flag(name: .shortAndLong, help: "Only names") var quiet = false
    @OptionGroup(title: "Global") var global: GlobalOptions

    func run(in session: Session) throws {
        let format = try ListFormat(format)
        let networks = try session.engine.networks().sorted { $0.name < $1.name }
        if quiet { return session.stdout.write(networks.map { "\($0.name)\n" }.joined()) }
        try session.print(networks.map(ObjectListings.fields), format: format, shape: .lines) {
            ObjectListings.table(networks, width: session.stdout.width)
        }
    }
}

struct NetworkInspect: Verb {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show all about networks, as JSON")

    @Option(name: .shortAndLong, help: "A Go template") var format: String?
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Names") var names: [String]

    func run(in session: Session) throws {
        try session.print(inspected: try names.map { try session.engine.inspect(.networks, $0) }, format: format)
    }
}

struct NetworkRemove: Verb {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove networks that no container uses", aliases: ["remove"])

    @Flag(name: .shortAndLong, help: "No complaint about networks that do not exist") var force = false
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Names") var names: [String]

    func run(in session: Session) throws {
        try session.refuseDryRun("network rm")
        for line in try session.engine.remove(.networks, names, force: force) { session.stdout.line(line) }
    }
}
