import ArgumentParser
import Console
import EngineWire
import Linux
import ProjectModel

/// `berth up`: brings the machine to the state in the file, then shows the containers' output or returns.
struct Up: Verb {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Create and start everything in the file")

    @OptionGroup var recreation: RecreationFlags
    @Flag(name: .shortAndLong, help: "Run the containers in the background") var detach = false
    @Flag(help: "Return when all containers are healthy (running, if they have no health check); implies --detach")
    var wait = false
    @Option(help: "The longest time that --wait waits, in seconds") var waitTimeout: GracePeriod?
    @Option(name: .shortAndLong, help: "Time between stop signal and kill, in seconds") var timeout: GracePeriod?
    @Flag(name: .customLong("no-deps"), help: "Do not act on dependencies of the named services") var noDependencies =
        false
    @Flag(name: .customLong("no-start"), help: "Create containers without starting them") var noStart = false
    @Flag(name: .customLong("always-recreate-deps"), help: "Also recreate dependencies of the named services")
    var alwaysRecreateDependencies = false
    @Flag(
        name: [.customLong("renew-anon-volumes"), .customShort("V")],
        help: "Create new anonymous volumes for recreated containers")
    var renewAnonymousVolumes = false
    @Flag(help: "Stop everything when a container ends") var abortOnContainerExit = false
    @Flag(help: "Stop everything when a container fails") var abortOnContainerFailure = false
    @Option(help: "Stop everything when a container ends; exit with the code of this service") var exitCodeFrom: String?
    @Option(parsing: .unconditionalSingleValue, help: "Show only this service's output") var attach: [String] = []
    @Option(
        name: .customLong("no-attach"), parsing: .unconditionalSingleValue, help: "Do not show this service's output")
    var noAttach: [String] = []
    @Flag(name: .customLong("attach-dependencies"), help: "Also show the output of dependencies")
    var attachDependencies = false
    @Flag(name: .customLong("no-color"), help: "Do not colour prefixes") var noColour = false
    @Flag(name: .customLong("no-log-prefix"), help: "Do not print prefixes") var noLogPrefix = false
    @Flag(help: "Show when each line was written") var timestamps = false
    @Flag(inversion: .prefixedNo, help: .hidden) var menu = false
    @Flag(name: .shortAndLong, help: "Update containers when source files change, as `watch` does") var watch = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services; includes their dependencies (default: all)", completion: .services) var services:
        [String] =
            []

    func validate() throws {
        if detach, abortOnContainerExit || abortOnContainerFailure || !attach.isEmpty || attachDependencies || watch {
            throw ValidationError(
                "--detach cannot be combined with --abort-on-container-exit, --abort-on-container-failure, --attach, "
                    + "--attach-dependencies or --watch")
        }
        if wait, abortOnContainerExit || !attach.isEmpty || attachDependencies || watch {
            throw ValidationError(
                "--wait cannot be combined with --abort-on-container-exit, --attach, --attach-dependencies or --watch")
        }
        if watch, noStart { throw ValidationError("--watch and --no-start are incompatible") }
        if alwaysRecreateDependencies, recreation.noRecreate {
            throw ValidationError("--always-recreate-deps and --no-recreate are incompatible")
        }
    }

    func run(in session: Session) throws {
        let project = try session.loadProject(services: services, actsOn: .services(dependencies: !noDependencies))
        try check(project, in: session)
        let rules = try watch ? watchRules(project, session) : nil
        session.hidesPulls = recreation.quietPull
        try session.buildMissing(
            project, services, dependencies: !noDependencies, recreation.buildChoice, isQuiet: recreation.quietBuild)
        var options = try recreation.options(in: session)
        options.dependencies = !noDependencies
        options.recreateDependencies = alwaysRecreateDependencies
        options.wait = wait
        options.waitTimeout = waitTimeout?.duration
        options.timeout = timeout?.duration
        options.renewAnonymousVolumes = renewAnonymousVolumes
        options.start = !noStart
        var request = OperationRequest(
            key: session.makeKey(), verb: .up(options), project: project, services: services,
            dryRun: session.global.dryRun, parallelism: try session.parallelism())
        if session.global.dryRun {
            request.builds = try session.plannedBuilds(
                project, services, dependencies: !noDependencies, recreation.buildChoice)
        }
        if detach || wait || noStart || session.global.dryRun {
            let result = try session.perform(request, in: project.name, consent: recreation.consent)
            session.say(nothingDoneBy: result, in: project.name)
        } else {
            let up = try AttachedUp(
                session: session, project: project, request: request, choice: try outputChoice(project),
                consent: recreation.consent)
            if let rules {
                let work = WatchWork.Options(isQuiet: recreation.quietBuild, scale: recreation.scale.counts)
                up.watch = { try WatchSession(session, project, rules, work).run() }
            }
            try up.run()
        }
    }

    private func watchRules(_ project: Project, _ session: Session) throws -> WatchRules {
        let selected = project.selection(of: services, dependencies: !noDependencies)
        return try WatchRules(of: selected, in: project, mayBuild: !recreation.noBuild, session)
    }

    private func check(_ project: Project, in session: Session) throws {
        let known = project.services.map(\.name)
        let named = services + recreation.scale.map(\.service) + attach + noAttach + (exitCodeFrom.map { [$0] } ?? [])
        try session.check(services: named, among: known)
        if project.services.isEmpty {
            throw CommandFailure(
                "no service selected", hint: "the file has no services, or their profiles are not enabled")
        }
    }

    /// Whose output to show, and what ends the command.
    private func outputChoice(_ project: Project) throws -> AttachedUp.Choice {
        let selected = project.selection(of: services, dependencies: !noDependencies).sorted()
        var shown = Set(services.isEmpty || attachDependencies ? selected : services)
        shown = shown.filter { project.service($0)?.attach ?? true }
        if !attach.isEmpty { shown = Set(attach) }
        shown.subtract(noAttach)
        let abort: AttachedUp.Abort =
            exitCodeFrom.map { .onExit(codeOf: $0) } ?? (abortOnContainerExit ? .onExit(codeOf: nil) : nil)
            ?? (abortOnContainerFailure ? .onFailure : .never)
        return AttachedUp.Choice(
            selected: selected, shown: shown.sorted(), abort: abort, timeout: timeout?.duration,
            printing: LogPrinter.Options(prefix: !noLogPrefix, timestamps: timestamps), isColoured: !noColour)
    }
}

extension Session {
    /// Says so when an `up` had nothing to do.
    func say(nothingDoneBy result: OperationResult, in project: String) {
        guard result.outcome.changes == 0, !global.dryRun, progress != .json, progress != .quiet else { return }
        stderr.line("Nothing to do: \(project) already matches the file.")
    }
}
