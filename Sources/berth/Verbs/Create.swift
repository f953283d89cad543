import ArgumentParser
import EngineWire
import ProjectModel

/// `berth create`: creates containers without starting them.
struct Create: Verb {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create containers without starting them")

    @OptionGroup var recreation: RecreationFlags
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services; includes their dependencies (default: all)", completion: .services) var services:
        [String] =
            []

    func run(in session: Session) throws {
        let project = try session.loadProject(services: services, actsOn: .services(dependencies: true))
        try session.check(services: services + recreation.scale.map(\.service), among: project.services.map(\.name))
        session.hidesPulls = recreation.quietPull
        try session.buildMissing(
            project, services, dependencies: true, recreation.buildChoice, isQuiet: recreation.quietBuild)
        var options = try recreation.options(in: session)
        options.start = false
        var request = OperationRequest(
            key: session.makeKey(), verb: .create(options), project: project, services: services,
            dryRun: session.global.dryRun)
        if session.global.dryRun {
            request.builds = try session.plannedBuilds(
                project, services, dependencies: true, recreation.buildChoice)
        }
        let result = try session.perform(request, in: project.name, consent: recreation.consent)
        session.say(nothingDoneBy: result, in: project.name)
    }
}
