import ArgumentParser
import Console
import EngineClient
import EngineWire
import Linux

/// `berth events`: prints events of containers as they happen.
struct Events: Verb {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Show events of containers as they happen")

    @Flag(help: "Print each event as a JSON object") var json = false
    @Option(parsing: .unconditional, help: "From this time (2026-01-02T15:04:05), or from this long ago (10m)")
    var since: String?
    @Option(parsing: .unconditional, help: "Up to this time, or up to this long ago (10m)") var until: String?
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)", completion: .services) var services: [String] = []

    func run(in session: Session) throws {
        var request = EventsRequest()
        request.since = try since.map { try Logs.instant($0, "--since", session.now) }
        request.until = try until.map { try Logs.instant($0, "--until", session.now) }
        if let since = request.since, let until = request.until, since > until {
            throw UsageFailure("--since is later than --until")
        }
        let scope = try session.scope(services)
        request.services = scope.named.services
        request.containers = scope.named.containers.map(\.id)
        let stream = try session.engine.events(request, of: scope.target.name)
        while let event = try stream.next() {
            session.stdout.line(
                json ? EventText.json(event) : EventText.line(event, offset: CallingProcess.localOffset))
        }
    }
}
