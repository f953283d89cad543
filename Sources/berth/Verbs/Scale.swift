import ArgumentParser
import EngineWire
import ProjectModel

/// `berth scale`: sets the number of replicas of services, until the next `up`.
struct Scale: Verb {
    static let configuration = CommandConfiguration(
        commandName: "scale", abstract: "Change the number of replicas of services")

    @Flag(name: .customLong("no-deps"), help: "Do not act on dependencies of the services") var noDependencies = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: ArgumentHelp("Replicas", valueName: "service=count")) var scales: [ScaleArgument]

    func run(in session: Session) throws {
        let names = scales.map(\.service)
        let project = try session.loadProject(services: names, actsOn: .services(dependencies: !noDependencies))
        try session.check(services: names, among: project.services.map(\.name))
        let request = OperationRequest(
            key: session.makeKey(), verb: .scale(scales.counts, dependencies: !noDependencies), project: project,
            services: names, dryRun: session.global.dryRun)
        try session.perform(request, in: project.name)
    }
}
