/// What a verb asks of a project, with only what changes the wish; time-outs, pulling and waiting are the engine's.
package enum IntentVerb: Hashable, Sendable {
    case up(UpIntent)
    /// Containers exist and are not started; what runs goes on.
    case create(UpIntent)
    case down(removeOrphans: Bool, volumes: Bool)
    case start
    case stop
    /// `dependents`: services with `restart: true` on a named one restart with it.
    case restart(dependents: Bool)
    /// A name or number; the engine sends it, the wish is only whether containers stay down afterwards.
    case kill(signal: String, removeOrphans: Bool)
    case pause
    case unpause
    /// `rm`: containers of services of which nothing runs; `stop` stops what runs first, `volumes` takes their anonymous
    /// volumes along, which otherwise wait for the next container at their place.
    case remove(stop: Bool, volumes: Bool = false)
    case scale([String: Int], dependencies: Bool)
    /// By service.
    case rollback([String: RollbackTarget])
}

/// What `up` and `create` can ask for.
package struct UpIntent: Hashable, Sendable {
    package var recreate: Recreate = .diverged
    /// Also the services that the named ones depend on.
    package var dependencies: Bool = true
    /// `--always-recreate-deps`: what the named ones depend on is made anew too, whatever it looks like.
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

/// What a verb meant and whether it changed anything.
package struct IntentChange: Hashable, Sendable {
    /// Services that the verb is about, sorted: the named ones, and those it drew in.
    package var services: [String] = []
    /// The stored wish is another one now.
    package var changed: Bool = false
    /// Services that left the file and still have containers, sorted.
    package var orphans: [String] = []
    /// What the verb may touch.
    package var scope: PlanScope = .all
    /// What a person should know and that is no error.
    package var notes: [String] = []

    package init() {}
}

/// Why a verb cannot be meant; nothing was changed.
package enum IntentError: Error, Hashable, Sendable, CustomStringConvertible {
    case noSuchService(String, suggestion: String?)
    case serviceHasNoContainer(String)
    /// `up`, `create` and the first `scale` need the file.
    case projectNeeded
    case noServiceSelected
    case badScale(service: String, Int)
    case badSignal(String)
    /// The verb is about services; the container that was named.
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

    /// What to do about it.
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
