import ArgumentParser
import EngineWire
import ProjectModel

/// `berth create`: containers without starting them.
struct Create: Verb {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create containers, do not start them")

    @OptionGroup var recreation: RecreationFlags
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services, with what they depend on (default: all)") var services: [String] = []

    func run(in session: Session) throws {
        let project = try session.loadProject(services: services, actsOn: .services(dependencies: true))
        try session.check(services: services + recreation.scale.map(\.service), among: project.services.map(\.name))
        session.hidesPulls = recreation.quietPull
        var options = try recreation.options(in: session)
        options.start = false
        let request = OperationRequest(
            key: session.makeKey(), verb: .create(options), project: project, services: services,
            dryRun: session.global.dryRun)
        let result = try session.perform(request, in: project.name, consent: recreation.consent)
        session.say(nothingDoneBy: result, in: project.name)
    }
}
