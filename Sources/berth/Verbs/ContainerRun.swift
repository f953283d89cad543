import ArgumentParser
import ComposeFile
import Console
import EngineClient
import EngineWire
import Linux
import ProjectModel

/// Flags of `container run` and `container create` that describe the container.
struct ContainerFlags: ParsableArguments {
    @Option(help: "Its name") var name: String?
    @Option(parsing: .unconditionalSingleValue, help: "A network: a name, host, or none") var network: [String] = []
    @Option(help: "no, always, unless-stopped, on-failure[:COUNT]") var restart: String?
    @Flag(name: .customLong("init"), help: "Run a small init that reaps processes and forwards signals")
    var usesInit = false
    @Flag(help: "Give it full access to the host") var privileged = false
    @Flag(name: .customLong("rm"), help: "Remove the container when it has ended") var remove = false
    @Option(help: "always, missing or never") var pull: PullArgument?
    @Flag(name: .shortAndLong, help: "Keep its input open") var interactive = false
    @Flag(name: .shortAndLong, help: "Give it a terminal") var tty = false
    @OptionGroup var overrides: RunOverrides

    func template(image: String, command: [String], _ session: Session) throws -> ContainerTemplate {
        var service = try overrides.applied(
            to: Service(name: name ?? "container", image: image), command: command, project: nil, keepsPorts: true,
            session: session)
        if let restart {
            guard let policy = RestartPolicyText.parse(restart) else {
                throw UsageFailure(
                    "there is no restart policy \"\(restart)\"",
                    hint: "no, always, unless-stopped, on-failure or on-failure:COUNT")
            }
            service.restart = policy
        }
        guard !remove || service.restart == .no else {
            throw UsageFailure("--rm and --restart exclude each other", hint: "a removed container cannot be restarted")
        }
        service.useInit = usesInit
        service.privileged = privileged
        service.autoRemove = remove ? true : nil
        service.stdinOpen = interactive
        service.tty = tty
        for name in network {
            switch name {
            case "host": service.networkMode = .host
            case "none": service.networkMode = ProjectModel.NetworkMode.none
            case let other where other.hasPrefix("container:"):
                service.networkMode = .container(String(other.dropFirst("container:".count)))
            default: service.networks.append(NetworkAttachment(network: name))
            }
        }
        guard service.networkMode == nil || network.count == 1 else {
            throw UsageFailure(
                "host, none and container:NAME cannot be combined with other networks", hint: "give one --network")
        }
        return service.template
    }
}

struct ContainerCreate: Verb {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create a container that belongs to no project, without starting it")

    @OptionGroup(title: "Container") var flags: ContainerFlags
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "The image", completion: .images) var image: String
    @Argument(parsing: .remaining, help: "The command and its arguments (default: the image's)") var command: [String] =
        []

    func run(in session: Session) throws {
        try session.refuseDryRun("container create")
        var request = ContainerRequest(
            key: session.makeKey(), name: flags.name,
            template: try flags.template(image: image, command: command, session), starts: false,
            pull: flags.pull?.policy)
        request.logins = session.logins(forImage: image)
        session.stdout.line(try session.make(request).id)
    }
}

struct ContainerRun: Verb {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a container that belongs to no project")

    @Flag(name: .shortAndLong, help: "Run in the background and print the id") var detach = false
    @OptionGroup var keys: DetachKeysOption
    @OptionGroup(title: "Container") var flags: ContainerFlags
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "The image", completion: .images) var image: String
    @Argument(parsing: .remaining, help: "The command and its arguments (default: the image's)") var command: [String] =
        []

    func run(in session: Session) throws {
        try session.refuseDryRun("container run")
        var template = try flags.template(image: image, command: command, session)
        let detachKeys = try keys.value(session)
        if !detach { template.stdinOnce = true }
        var request = ContainerRequest(
            key: session.makeKey(), name: flags.name, template: template, starts: true, isHeld: !detach,
            pull: flags.pull?.policy)
        request.logins = session.logins(forImage: image)
        let signals = try CaughtSignals(StreamSession.signals)
        let container = try session.make(request, signals)
        if detach { return session.stdout.line(container.id) }
        let stream = try session.engine.attach(to: container.id)
        let end = try StreamSession(
            session: session, stream: stream, tty: template.tty, stdin: template.stdinOpen,
            peer: .container(id: container.id), detachKeys: detachKeys
        ).run(catching: signals)
        guard case .exited(let code) = end else { return session.tellDetached(container) }
        if flags.remove { try? session.engine.waitUntilGone(container.id) }
        if code != 0 { throw ExitStatus.container(code) }
    }
}

extension Session {
    fileprivate func make(_ request: ContainerRequest) throws -> ContainerRow {
        try make(request, try CaughtSignals(CaughtSignals.ending))
    }

    /// A signal meanwhile removes it again.
    fileprivate func make(_ request: ContainerRequest, _ signals: borrowing CaughtSignals) throws -> ContainerRow {
        let reporter = makeReporter(quiet: false)
        let operation = RunningOperation(try engine.create(request), in: self, reporter: reporter)
        try follow(operation, reporter: reporter, signals: signals, mayLeave: false)
        let result = try conclude(operation, try unwrap(operation.outcome))
        guard let container = result.created else {
            throw EngineFailure(code: .protocolViolated, message: "the engine did not say which container it created")
        }
        if operation.wasCancelled {
            try engine.remove(container: container.id)
            throw ExitStatus.interrupted
        }
        return container
    }

    fileprivate func logins(forImage image: String) -> RegistryLogins {
        RegistryAccounts(environment: environment).logins(at: [RegistryAccounts.host(of: image)])
    }
}
