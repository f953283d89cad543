import ProjectModel

/// What one project should be: its definition and what verbs asked of it. Stored before anything is done.
package struct Desired: Codable, Hashable, Sendable {
    /// Empty for containers of no project.
    package var project: String
    package var workingDirectory: String
    package var configFiles: [String]
    package var environmentFiles: [String]
    /// Sorted by name; services that left the file stay here while they have containers.
    package var services: [DesiredService]
    /// By key; of these only what a service with a goal above `absent` uses is made.
    package var networks: [String: NetworkDefinition]
    package var volumes: [String: VolumeDefinition]
    package var secrets: [String: FileObject]
    package var configs: [String: FileObject]
    /// Names of services that profiles leave out.
    package var disabledServices: [String]
    /// `down` was asked for: everything the project made goes.
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

/// One service and what is wanted of it.
package struct DesiredService: Codable, Hashable, Sendable {
    package var spec: Service
    package var goal: Goal
    /// Replicas: the file's count unless `--scale` said otherwise.
    package var scale: Int
    /// The service is not in the file any more.
    package var isOrphan: Bool
    /// Raised to ask once for new containers, whatever they look like (`--force-recreate`).
    package var recreateRound: Int
    /// Raised to ask once for a restart of what runs.
    package var restartRound: Int
    /// Raised to ask once for a start of what ended by itself; later ends are the restart policy's matter.
    package var startRound: Int
    /// In the present recreate round anonymous volumes are made anew instead of carried over.
    package var renewAnonymousVolumes: Bool
    /// The image id that containers are to be made from, whatever the reference resolves to now; nil follows the
    /// reference. Who makes a container must heed it, or it would be made anew for ever.
    package var pinnedImage: String?
    /// True after `rm` without `-v`: while the goal is `absent`, anonymous volumes outlive their containers. nil is false.
    package var keepsAnonymousVolumes: Bool?
    /// A new version of it has failed: what still is as it was before stays so until a verb asks for more. nil is false.
    package var isUpdatePaused: Bool?
    /// It is on its way back to an earlier version: by `rollback_config`. nil is false.
    package var isRollingBack: Bool?
    /// The number of what it is among its versions, and the image that its reference meant when it became that; nil before the first.
    package var version: Int?
    package var versionImage: String?
    /// What verbs asked of single replicas, by number; the others have the service's goal. nil is none.
    package var replicas: [DesiredReplica]?

    /// What every replica should be of which nothing else was asked.
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
    /// What the names in its services' templates mean.
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
