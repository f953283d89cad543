import ArgumentParser
import Console
import EngineClient
import EngineWire

/// `berth network`: networks of all projects.
struct NetworkVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network", abstract: "Create, show and remove networks; connect containers",
        subcommands: [
            NetworkCreate.self, NetworkList.self, NetworkInspect.self, NetworkConnect.self, NetworkDisconnect.self,
            NetworkRemove.self, NetworkPrune.self,
        ])
}

struct NetworkList: Verb {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List networks", aliases: ["list"])

    @Option(help: "table, json, or a Go template") var format: String?
    @Flag(name: .shortAndLong, help: "Print only names") var quiet = false
    @Option(
        parsing: .unconditionalSingleValue,
        help: "name=TEXT, id=TEXT, label=KEY[=VALUE], driver=NAME or dangling=true|false")
    var filter: [String] = []
    @OptionGroup(title: "Global") var global: GlobalOptions

    func run(in session: Session) throws {
        let format = try ListFormat(format)
        let wanted = try ListFilter(filter, of: .networks)
        let networks = try session.engine.networks().sorted { $0.name < $1.name }.filter { network in
            wanted.allows(
                [
                    "name": network.name, "id": network.id ?? "", "driver": network.driver,
                    "dangling": "\(network.users.isEmpty)",
                ], labels: network.labels)
        }
        if quiet { return session.stdout.write(networks.map { "\($0.name)\n" }.joined()) }
        try session.print(networks.map(ObjectListings.fields), format: format, shape: .lines) {
            ObjectListings.table(networks, width: session.stdout.width)
        }
    }
}

struct NetworkInspect: Verb {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show everything about networks as JSON")

    @Option(name: .shortAndLong, help: "A Go template") var format: String?
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Names", completion: .networks) var names: [String]

    func run(in session: Session) throws {
        try session.print(inspected: try names.map { try session.engine.inspect(.networks, $0) }, format: format)
    }
}

struct NetworkRemove: Verb {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove networks that no container uses", aliases: ["remove"])

    @Flag(name: .shortAndLong, help: "Do not fail if a network does not exist") var force = false
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Names", completion: .networks) var names: [String]

    func run(in session: Session) throws {
        try session.refuseDryRun("network rm")
        for line in try session.engine.remove(.networks, names, force: force) { session.stdout.line(line) }
    }
}
