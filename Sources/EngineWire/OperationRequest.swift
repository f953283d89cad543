import ProjectModel

/// The request of a verb to the engine: `POST /v1/projects/NAME/operations`.
///
/// The answer is a stream of `ProgressEvent` lines that ends with `finished`. The operation continues when its reader
/// leaves.
package struct OperationRequest: Codable, Hashable, Sendable {
    /// Chosen by the client: a repeated request with the same key joins the first one.
    package var key: String
    package var verb: Verb
    /// The loaded project; nil for verbs that act on the stored one.
    package var project: Project?
    /// Named services; empty means all.
    package var services: [String]
    /// Ids of containers that were named individually; the verb does not affect their siblings. nil means none.
    package var containers: [String]?
    /// Only plan and check; store and change nothing.
    package var dryRun: Bool
    /// Names of objects whose data may be lost, because the person agreed.
    package var consent: [String]
    /// Names of objects that the person wants to keep; they and their users stay as they are.
    package var refused: [String]
    /// For pulling images.
    package var logins: RegistryLogins?
    /// For a dry run: services whose images the client would build first, and why.
    package var builds: [String: String]?
    /// The maximum number of steps at a time; nil, 0 and less mean as many as possible.
    package var parallelism: Int?

    package init(
        key: String, verb: Verb, project: Project? = nil, services: [String] = [],
        containers: [String]? = nil, dryRun: Bool = false,
        consent: [String] = [], refused: [String] = [], parallelism: Int? = nil
    ) {
        self.key = key
        self.verb = verb
        self.project = project
        self.services = services
        self.containers = containers
        self.dryRun = dryRun
        self.consent = consent
        self.refused = refused
        self.parallelism = parallelism
    }
}

/// The intent behind a verb, with the options of that verb.
package enum Verb: Codable, Hashable, Sendable {
    case up(UpOptions)
    /// Create containers without starting them.
    case create(UpOptions)
    case down(DownOptions)
    case start(wait: Bool, waitTimeout: Duration?)
    /// nil means each service's own grace period.
    case stop(timeout: Duration?)
    case restart(timeout: Duration?, dependents: Bool)
    case kill(signal: String, removeOrphans: Bool)
    case pause
    case unpause
    /// Remove stopped containers.
    case remove(stop: Bool, volumes: Bool)
    case scale([String: Int], dependencies: Bool)
    /// Restore an earlier version of the named services: the one with this number, or the previous one.
    case rollback(to: Int?)
    case pull(policy: PullPolicy?, ignoreFailures: Bool, dependencies: Bool)
}

package struct UpOptions: Codable, Hashable, Sendable {
    package var recreate: Recreate = .diverged
    /// Also replace the dependencies of the named services, even if nothing changed.
    package var recreateDependencies: Bool = false
    /// Include the dependencies of the named services.
    package var dependencies: Bool = true
    package var removeOrphans: Bool = false
    /// No warning about containers whose services are not in the file.
    package var ignoreOrphans: Bool?
    package var scale: [String: Int] = [:]
    package var pull: PullPolicy?
    /// The operation ends when every container is healthy (or running, without a check).
    package var wait: Bool = false
    package var waitTimeout: Duration?
    /// The grace period for containers that must be stopped; nil means each service's own.
    package var timeout: Duration?
    package var renewAnonymousVolumes: Bool = false
    /// Also start the created containers.
    package var start: Bool = true

    package enum Recreate: String, Codable, Hashable, Sendable {
        case diverged, force, never
    }

    package init() {}
}

package struct DownOptions: Codable, Hashable, Sendable {
    package var removeOrphans: Bool = false
    package var volumes: Bool = false
    package var timeout: Duration?
    package var images: ImageRemoval?

    /// `--rmi`.
    package enum ImageRemoval: String, Codable, Hashable, Sendable { case all, local }

    package init() {}
}
