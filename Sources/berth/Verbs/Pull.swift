import ArgumentParser
import EngineWire
import ProjectModel

/// `berth pull`: pulls the services' images.
struct Pull: Verb {
    static let configuration = CommandConfiguration(commandName: "pull", abstract: "Pull the images of services")

    @Option(help: "When to pull: always, or missing (only images that are not on this machine)") var policy:
        PullArgument?
    @Flag(help: "Continue if an image cannot be pulled") var ignorePullFailures = false
    @Flag(name: .customLong("include-deps"), help: "Also for dependencies of these services") var includeDependencies =
        false
    @Flag(help: "Skip services that have a build section") var ignoreBuildable = false
    @Flag(name: .shortAndLong, help: "Do not show progress") var quiet = false
    @Flag(name: .customLong("no-parallel"), help: .hidden) var noParallel = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)", completion: .services) var services: [String] = []

    func run(in session: Session) throws {
        let project = try session.loadProject(services: services)
        try session.check(services: services, among: project.services.map(\.name))
        var wanted = services
        if ignoreBuildable {
            wanted = project.services.filter { !$0.hasBuild && (services.isEmpty || services.contains($0.name)) }.map(
                \.name)
            if wanted.isEmpty { return }
        }
        let request = OperationRequest(
            key: session.makeKey(),
            verb: .pull(
                policy: policy?.policy, ignoreFailures: ignorePullFailures, dependencies: includeDependencies),
            project: project, services: wanted, dryRun: session.global.dryRun)
        try session.perform(request, in: project.name, quiet: quiet, parallelism: noParallel ? 1 : nil)
    }
}
