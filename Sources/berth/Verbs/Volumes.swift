import ArgumentParser
import Console
import EngineClient
import EngineWire

/// `berth volumes`: lists the project's volumes.
struct Volumes: Verb {
    static let configuration = CommandConfiguration(commandName: "volumes", abstract: "List the project's volumes")

    @Option(help: "table, json, or a Go template") var format: String?
    @Flag(name: .shortAndLong, help: "Print only names") var quiet = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Only volumes of these services (default: all)", completion: .services) var services: [String] = []

    func run(in session: Session) throws {
        let format = try ListFormat(format)
        let scope = try session.scope(services)
        var volumes = try session.engine.volumes(of: scope.target.name)
        if !services.isEmpty {
            let users = Set(scope.chosen.map(\.name))
            volumes.removeAll { users.isDisjoint(with: $0.users) }
        }
        try session.print(volumes, format: format, quiet: quiet)
    }
}

extension Session {
    func print(_ volumes: [VolumeRow], format: ListFormat, quiet: Bool) throws {
        let volumes = volumes.sorted { $0.name < $1.name }
        if quiet { return stdout.write(volumes.map { "\($0.name)\n" }.joined()) }
        try print(volumes.map(ObjectListings.fields), format: format, shape: .lines) {
            ObjectListings.table(volumes, width: stdout.width)
        }
    }
}
