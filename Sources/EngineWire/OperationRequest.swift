import ProjectModel

/// What a verb asks of the engine: `POST /v1/projects/NAME/operations`.
///
/// The answer is a stream of `ProgressEvent` lines that ends with `finished`; the operation goes on when its reader leaves.
package struct OperationRequest: Codable, Hashable, Sendable {
    /// Chosen by the client: a request sent again with the same key joins the first one.
    package var key: String
    package var verb: Verb
    /// The project as loaded; nil for verbs that work on what is stored.
    package var project: Project?
    /// Named services; empty means all.
    package var services: [String]
    /// Ids of containers that are named by themselves: the verb says nothing about their siblings. nil is none.
    package var containers: [String]?
    /// Plan and preflight only; nothing is stored or changed.
    package var dryRun: Bool
    /// Names of objects whose data may be lost: the client asked the person.
    package var consent: [String]
    /// Names of objects that the person wants to keep: they stay as they are, and so do their users.
    package var refused: [String]
    /// For images that have to be fetched.
    package var logins: RegistryLogins?
    /// Of a trial: services whose images the client would build before, and why.
    package var builds: [String: String]?
    /// So many steps at once; nil, 0 and less: as many as can.
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

/// The intent behind a verb, with what only that verb can say.
package enum Verb: Codable, Hashable, Sendable {
    case up(UpOptions)
    /// Containers exist and are not started.
    case create(UpOptions)
    case down(DownOptions)
    case start(wait: Bool, waitTimeout: Duration?)
    /// nil: each service's own grace period.
    case stop(timeout: Duration?)
    case restart(timeout: Duration?, dependents: Bool)
    case kill(signal: String, removeOrphans: Bool)
    case pause
    case unpause
    /// Removes stopped containers.
    case remove(stop: Bool, volumes: Bool)
    case scale([String: Int], dependencies: Bool)
    /// The named services become what they were: the version of that number, or the one before.
    case rollback(to: Int?)
    case pull(policy: PullPolicy?, ignoreFailures: Bool, dependencies: Bool)
}

package struct UpOptions: Codable, Hashable, Sendable {
    package var recreate: Recreate = .diverged
    /// Recreate what the named services depend on as well, diverged or not.
    package var recreateDependencies: Bool = false
    /// Also the services that the named ones depend on.
    package var dependencies: Bool = true
    package var removeOrphans: Bool = false
    /// Nothing is said of containers whose services are not in the file.
    package var ignoreOrphans: Bool?
    package var scale: [String: Int] = [:]
    package var pull: PullPolicy?
    /// The operation ends when every container is healthy (or running, without a check).
    package var wait: Bool = false
    package var waitTimeout: Duration?
    /// For containers that must be stopped on the way; nil: each service's own.
    package var timeout: Duration?
    package var renewAnonymousVolumes: Bool = false
    /// Create containers and do not start them.
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
