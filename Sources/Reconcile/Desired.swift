import ProjectModel

/// What one project should be: its definition and what verbs asked of it. Stored before anything is done.
package struct Desired: Codable, Hashable, Sendable {
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

    /// What every replica should be.
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
