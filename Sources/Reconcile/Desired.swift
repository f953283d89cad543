import ProjectModel

/// The desired state of one project: its definition and what verbs asked for. It is stored before the engine acts on it.
package struct Desired: Codable, Hashable, Sendable {
    /// Empty for containers of no project.
    package var project: String
    package var workingDirectory: String
    package var configFiles: [String]
    package var environmentFiles: [String]
    /// Sorted by name; services that left the file stay here while they have containers.
    package var services: [DesiredService]
    /// By key; the engine creates only those that a service with a goal above `absent` uses.
    package var networks: [String: NetworkDefinition]
    package var volumes: [String: VolumeDefinition]
    package var secrets: [String: FileObject]
    package var configs: [String: FileObject]
    /// Names of services whose profiles are not enabled.
    package var disabledServices: [String]
    /// Somebody asked for `down`: everything that the project created must go.
    package var removal: Removal?

    /// One-offs, and containers of no project. Each is stored with its own record, not here.
    package var singles: [DesiredContainer] = []

    enum CodingKeys: String, CodingKey {
        case project, workingDirectory, configFiles, environmentFiles, services, networks, volumes, secrets, configs
        case disabledServices, removal
    }

    /// How far `down` goes.
    package struct Removal: Codable, Hashable, Sendable {
        package var orphans: Bool
        package var volumes: Bool

        package init(orphans: Bool, volumes: Bool) {
            self.orphans = orphans
            self.volumes = volumes
        }
    }

    package init(project: String) {
        self.project = project
        workingDirectory = "/"
        configFiles = []
        environmentFiles = []
        services = []
        networks = [:]
        volumes = [:]
        secrets = [:]
        configs = [:]
        disabledServices = []
    }

    package func service(_ name: String) -> DesiredService? { services.first { $0.spec.name == name } }
}

/// One service and its desired state.
package struct DesiredService: Codable, Hashable, Sendable {
    package var spec: Service
    package var goal: Goal
    /// The number of replicas: from the file, unless `--scale` overrides it.
    package var scale: Int
    /// The service is not in the file any more.
    package var isOrphan: Bool
    /// Incremented to request new containers once, even if nothing changed (`--force-recreate`).
    package var recreateRound: Int
    /// Incremented to request a restart of running containers once.
    package var restartRound: Int
    /// Incremented to request a start of containers that ended by themselves; the restart policy decides about later ends.
    package var startRound: Int
    /// In the current recreate round, containers get new anonymous volumes instead of the old ones.
    package var renewAnonymousVolumes: Bool
    /// Containers must use the image with this id, even if the reference now means another image; nil follows the reference. The
    /// code that creates containers must respect it, or the planner would replace them again and again.
    package var pinnedImage: String?
    /// True after `rm` without `-v`: while the goal is `absent`, anonymous volumes outlive their containers. nil is false.
    package var keepsAnonymousVolumes: Bool?
    /// A new version of the service failed: replicas of the old version stay until a verb asks for more. nil is false.
    package var isUpdatePaused: Bool?
    /// The service returns to an earlier version, by `rollback_config`. nil is false.
    package var isRollingBack: Bool?
    /// The number of the current version, and the image that the reference meant when it became current; nil before the first.
    package var version: Int?
    package var versionImage: String?
    /// Goals of single replicas, by number; the others have the service's goal. nil is none.
    package var replicas: [DesiredReplica]?

    /// The goal of every replica that has none of its own.
    package enum Goal: String, Codable, Hashable, Sendable { case absent, created, running, paused, stopped }

    package init(spec: Service, goal: Goal, scale: Int? = nil) {
        self.spec = spec
        self.goal = goal
        self.scale = scale ?? spec.scale
        isOrphan = false
        recreateRound = 0
        restartRound = 0
        startRound = 0
        renewAnonymousVolumes = false
    }
}

extension Desired {
    /// The definitions of the names in its services' templates.
    package var definitions: Definitions {
        var definitions = Definitions()
        definitions.workingDirectory = workingDirectory
        definitions.configFiles = configFiles
        definitions.environmentFiles = environmentFiles
        definitions.networks = networks
        definitions.volumes = volumes
        definitions.secrets = secrets
        definitions.configs = configs
        return definitions
    }
}
