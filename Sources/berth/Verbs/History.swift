import ArgumentParser
import Console
import EngineClient
import EngineWire

/// `berth history`: lists the versions of a service.
struct History: Verb {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Show the versions of a service: when, why and with which changes")

    @Option(help: "table or json") var format: String?
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "The service", completion: .services) var service: String

    func run(in session: Session) throws {
        let scope = try session.scope([service])
        let names = try scope.named.wholeServices(among: scope.containers)
        let versions = try session.engine.history(of: names.first ?? service, in: scope.target.name)
        if format == "json" { return try session.print(json: versions) }
        session.stdout.write(VersionListing.table(versions, now: session.now, width: session.stdout.width))
    }
}

/// `berth rollback`: restores an earlier version of a service.
struct Rollback: Verb {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Bring a service back to the previous or another version")

    @Option(help: ArgumentHelp("The version (default: the previous one)", valueName: "version")) var to: Int?
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "The service", completion: .services) var service: String

    func run(in session: Session) throws {
        try session.perform(stored: .rollback(to: to), on: [service])
    }
}
