import ArgumentParser
import Console
import EngineClient
import EngineWire
import ProjectModel

/// `berth plan`: shows what `up` would do, action by action, and why.
struct Plan: Verb {
    static let configuration = CommandConfiguration(commandName: "plan", abstract: "Show what `up` would do, and why")

    @OptionGroup var recreation: RecreationFlags
    @Flag(name: .customLong("no-deps"), help: "Do not act on dependencies of the named services") var noDependencies =
        false
    @Option(help: "table or json") var format: String?
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)", completion: .services) var services: [String] = []

    func run(in session: Session) throws {
        let project = try session.loadProject(services: services, actsOn: .services(dependencies: !noDependencies))
        try session.check(services: services + recreation.scale.map(\.service), among: project.services.map(\.name))
        var options = try recreation.options(in: session)
        options.dependencies = !noDependencies
        var request = OperationRequest(
            key: session.makeKey(), verb: .up(options), project: project, services: services, dryRun: true)
        request.builds = try session.plannedBuilds(
            project, services, dependencies: !noDependencies, recreation.buildChoice)
        let plan = try session.engine.plan(request, in: project.name)
        if format == "json" {
            try session.print(json: plan)
        } else {
            session.stdout.write(PlanText.text(plan, style: session.style))
        }
        for warning in plan.warnings ?? [] { session.warn(warning) }
        guard let errors = plan.errors, !errors.isEmpty else { return }
        session.show(errors)
        throw ExitStatus.failure
    }
}
