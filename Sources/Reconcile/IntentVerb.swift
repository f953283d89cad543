/// A verb and its options, as far as they change the desired state. The engine handles time-outs, pulling and waiting.
package enum IntentVerb: Hashable, Sendable {
    case up(UpIntent)
    /// Create containers without starting them; running ones run on.
    case create(UpIntent)
    case down(removeOrphans: Bool, volumes: Bool)
    case start
    case stop
    /// `dependents`: services with `restart: true` on a named one restart with it.
    case restart(dependents: Bool)
    /// A name or number. The engine sends the signal; the desired state only says whether containers stay down afterwards.
    case kill(signal: String, removeOrphans: Bool)
    case pause
    case unpause
    /// `rm`: remove containers of services without running containers. `stop` first stops running ones; `volumes` also removes their
    /// anonymous volumes, which otherwise wait for the next container at their place.
    case remove(stop: Bool, volumes: Bool = false)
    case scale([String: Int], dependencies: Bool)
    /// By service.
    case rollback([String: RollbackTarget])
}

/// What `up` and `create` can ask for.
package struct UpIntent: Hashable, Sendable {
    package var recreate: Recreate = .diverged
    /// Include dependencies of the named services.
    package var dependencies: Bool = true
    /// `--always-recreate-deps`: also replace dependencies of the named services, even if nothing changed.
    package var recreateDependencies: Bool = false
    package var removeOrphans: Bool = false
    package var scale: [String: Int] = [:]
    package var renewAnonymousVolumes: Bool = false
    /// `--no-start` makes `up` a `create`.
    package var start: Bool = true

    package enum Recreate: Hashable, Sendable { case diverged, force, never }

    package init(
        recreate: Recreate = .diverged, dependencies: Bool = true, recreateDependencies: Bool = false,
        removeOrphans: Bool = false,
        scale: [String: Int] = [:], renewAnonymousVolumes: Bool = false, start: Bool = true
    ) {
        self.recreate = recreate
        self.dependencies = dependencies
        self.recreateDependencies = recreateDependencies
        self.removeOrphans = removeOrphans
        self.scale = scale
        self.renewAnonymousVolumes = renewAnonymousVolumes
        self.start = start
    }
}

/// The effect of a verb.
package struct IntentChange: Hashable, Sendable {
    /// Services on which the verb acts, sorted: the named ones and those that they need.
    package var services: [String] = []
    /// The desired state changed.
    package var changed: Bool = false
    /// Services that left the file and still have containers, sorted.
    package var orphans: [String] = []
    /// What the verb may touch.
    package var scope: PlanScope = .all
    /// Warnings for the user.
    package var notes: [String] = []

    package init() {}
}

/// Why a verb cannot be carried out; nothing was changed.
package enum IntentError: Error, Hashable, Sendable, CustomStringConvertible {
    case noSuchService(String, suggestion: String?)
    case serviceHasNoContainer(String)
    /// `up`, `create` and the first `scale` need the file.
    case projectNeeded
    case noServiceSelected
    case badScale(service: String, Int)
    case badSignal(String)
    /// The verb acts on services, but the user named this container.
    case needsServices(String)

    package var description: String {
        switch self {
        case .noSuchService(let name, _): "no such service: \(name)"
        case .serviceHasNoContainer(let name): "service \"\(name)\" has no container to start"
        case .projectNeeded: "no configuration file provided: not found"
        case .noServiceSelected: "no service selected"
        case .badScale(let service, let count):
            "invalid scale \(count) for service \"\(service)\": must not be negative"
        case .badSignal(let signal): "Invalid signal: \(signal)"
        case .needsServices(let name): "\(name) is a container; this verb acts on services"
        }
    }

    /// What the user can do.
    package var hint: String? {
        switch self {
        case .noSuchService(_, let suggestion): suggestion.map { "did you mean \"\($0)\"?" }
        case .serviceHasNoContainer(let name): "`berth up \(name)` creates and starts it"
        case .projectNeeded: "run it in a folder with a compose.yaml, or name one with -f"
        case .noServiceSelected: "every service needs a profile: choose one with --profile"
        case .badScale: nil
        case .needsServices: "name its service"
        case .badSignal: "a name such as SIGTERM or HUP, or a number from 1 to 64"
        }
    }
}
