import ArgumentParser
import Console
import EngineWire
import ProjectModel

/// `berth watch`: copies changes of source files into the containers, by the rules in `develop: watch:`.
struct Watch: Verb {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Update containers when source files change",
        discussion: """
            The Compose file contains the rules:

              develop:
                watch:
                  - {path: ./src, action: sync, target: /app/src, ignore: [node_modules/]}
                  - {path: ./settings.ini, action: sync+restart, target: /etc/settings.ini}
                  - {path: ./package.json, action: rebuild}

            The actions are sync, sync+restart, sync+exec, restart and rebuild.
            """)

    @Flag(name: .customLong("no-up"), help: "Do not build and start the services first") var noUp = false
    @Flag(inversion: .prefixedNo, help: .hidden) var prune = true
    @Flag(help: "Hide the output of builds") var quiet = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services; includes their dependencies (default: all)") var services: [String] = []

    func run(in session: Session) throws {
        try session.refuseDryRun("watch")
        let project = try session.loadProject(services: services, actsOn: .services(dependencies: true))
        try session.check(services: services, among: project.services.map(\.name))
        let selected = project.selection(of: services, dependencies: true)
        let rules = try WatchRules(of: selected, in: project, mayBuild: true, session)
        if !noUp { try up(project, selected, in: session) }
        let options = WatchWork.Options(isQuiet: quiet)
        try WatchSession(session, project, rules, options).run()
    }

    /// Builds services with rules, because their sources may have changed, and starts everything.
    private func up(_ project: Project, _ selected: Set<String>, in session: Session) throws {
        let stale = project.services.filter { selected.contains($0.name) && $0.hasBuild && !$0.watch.isEmpty }
        let missing = try session.neededBuilds(project, services, dependencies: true, .missing).map(\.service)
        var builds = ServiceBuilds(project: project, session: session)
        builds.isForRunning = true
        let wishes = try builds.wishes(for: Array(Set(stale.map(\.name) + missing)))
        if !wishes.isEmpty { _ = try session.build(wishes, BuildShow(isQuiet: quiet, warnings: false)) }
        var options = UpOptions()
        options.ignoreOrphans = try session.orphans(remove: false).ignore
        try session.perform(
            OperationRequest(key: session.makeKey(), verb: .up(options), project: project, services: services),
            in: project.name)
    }
}
