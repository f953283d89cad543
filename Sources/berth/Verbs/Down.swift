import ArgumentParser
import EngineClient
import EngineWire

/// `berth down`: removes everything that the project created.
struct Down: Verb {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Stop and remove containers and networks")

    @Flag(help: "Also remove containers of services that are not in the file") var removeOrphans = false
    @Flag(name: .shortAndLong, help: "Also remove the project's volumes: their data is lost") var volumes = false
    @Option(name: .shortAndLong, help: "Time between stop signal and kill, in seconds") var timeout: GracePeriod?
    @Option(help: "Also remove images: all, or local (only those named PROJECT-SERVICE)") var rmi: ImageRemoval?
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all services, and the networks)", completion: .services) var services:
        [String] = []

    enum ImageRemoval: String, ExpressibleByArgument, CaseIterable { case all, local }

    func run(in session: Session) throws {
        let target: ProjectTarget
        var whole: [String] = []
        if services.isEmpty {
            target = try session.target()
        } else {
            let scope = try session.scope(services)
            target = scope.target
            whole = try scope.named.wholeServices(among: scope.containers)
        }
        var options = DownOptions()
        options.removeOrphans = try session.orphans(remove: removeOrphans).remove
        options.volumes = volumes
        options.timeout = timeout?.duration
        options.images = rmi.flatMap { DownOptions.ImageRemoval(rawValue: $0.rawValue) }
        let request = OperationRequest(
            key: session.makeKey(), verb: .down(options), project: target.project, services: whole,
            dryRun: session.global.dryRun)
        let result = try session.perform(request, in: target.name)
        if result.objectEvents == 0, result.outcome.changes == 0, target.project == nil, !session.global.dryRun {
            session.warn("No resource found to remove for project \"\(target.name)\".")
        }
    }
}
