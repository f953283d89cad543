import ArgumentParser
import Console
import EngineClient
import EngineWire
import Linux
import ProjectModel

/// `berth run`: creates a container for one command, like a service's.
struct Run: Verb {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run one command in a new container of a service")

    @Flag(name: [.customLong("rm")], help: "Remove the container when it ends") var remove = false
    @Flag(name: .shortAndLong, help: "Leave it running in the background and print its id") var detach = false
    @OptionGroup var keys: DetachKeysOption
    @Flag(
        name: [.customLong("no-tty"), .customLong("no-TTY"), .customShort("T")],
        help: "Do not use a terminal")
    var noTTY = false
    @OptionGroup var overrides: RunOverrides
    @Option(help: "The container's name") var name: String?
    @Flag(name: .customLong("no-deps"), help: "Do not start dependencies of the service") var noDependencies = false
    @Flag(help: "Use the service's network aliases") var useAliases = false
    @Option(help: "When to pull the image: always, missing, never, policy") var pull: PullArgument?
    @Flag(help: "Remove containers of services that are not in the file") var removeOrphans = false
    @Flag(name: .shortAndLong, inversion: .prefixedNo, help: .hidden) var interactive = true
    @Flag(name: .shortAndLong, help: .hidden) var tty = false
    @Flag(name: .shortAndLong, help: "Do not show progress") var quiet = false
    @Flag(help: "Build the image first") var build = false
    @Flag(help: "Build without showing progress") var quietBuild = false
    @Flag(help: "Pull the image without showing progress") var quietPull = false
    @Flag(name: [.customLong("service-ports"), .customShort("P")], help: "Publish the service's ports")
    var servicePorts = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "The service", completion: .services) var service: String
    @Argument(parsing: .remaining, help: "The command and its arguments (default: the service's)") var command:
        [String] = []

    func run(in session: Session) throws {
        try session.refuseDryRun("run")
        session.hidesPulls = quietPull
        let detachKeys = try keys.value(session)
        let project = try session.loadProject(services: [service], actsOn: .services(dependencies: !noDependencies))
        try session.check(services: [service], among: project.services.map(\.name))
        guard let template = project.service(service) else { throw CommandFailure("no such service: \(service)") }
        try session.buildMissing(
            project, [service], dependencies: !noDependencies, build ? .all : .missing, isQuiet: quiet || quietBuild)
        let usesTerminal = !noTTY && !detach && session.hasTerminal
        var oneOff = try overrides.applied(
            to: template, command: command, project: project, keepsPorts: servicePorts, session: session)
        oneOff.tty = usesTerminal
        oneOff.stdinOpen = interactive && !detach
        var request = RunRequest(
            key: session.makeKey(), project: project, service: oneOff, name: name, remove: remove,
            dependencies: !noDependencies, useAliases: useAliases, pull: pull?.policy)
        request.logins = session.logins(project, always: pull?.policy == .always)
        let orphans = try session.orphans(remove: removeOrphans)
        request.ignoreOrphans = orphans.ignore
        request.parallelism = try session.parallelism()
        request.removeOrphans = orphans.remove
        // Catch signals from here to the end, without a gap in which one would leave the container behind.
        let signals = try CaughtSignals(StreamSession.signals)
        let container = try create(request, in: session, project.name, signals)
        if detach {
            try session.engine.release(container.id)
            return session.stdout.line(container.id)
        }
        let stream = try session.engine.attach(to: container.id)
        let end = try StreamSession(
            session: session, stream: stream, tty: usesTerminal, stdin: interactive, peer: .container(id: container.id),
            detachKeys: detachKeys
        ).run(catching: signals)
        guard case .exited(let code) = end else { return session.tellDetached(container) }
        // Wait, so that the next command does not find the container. If the engine ends meanwhile, the next engine
        // removes it.
        if remove { try? session.engine.waitUntilGone(container.id) }
        if code != 0 { throw ExitStatus.container(code) }
    }

    /// Creates the one-off, which waits for its streams. A signal meanwhile removes it again.
    private func create(
        _ request: RunRequest, in session: Session, _ project: String, _ signals: borrowing CaughtSignals
    ) throws -> ContainerRow {
        let reporter = session.makeReporter(quiet: quiet)
        let operation = RunningOperation(
            try session.engine.run(request, in: project), in: session, reporter: reporter)
        try session.follow(operation, reporter: reporter, signals: signals, mayLeave: false)
        let result = try session.conclude(operation, try session.unwrap(operation.outcome))
        guard let container = result.created else {
            throw EngineFailure(code: .protocolViolated, message: "the engine did not say which container it created")
        }
        if operation.wasCancelled {
            try session.engine.remove(container: container.id)
            throw ExitStatus.interrupted
        }
        return container
    }
}
