import ProjectModel

/// What the machine shows of one project.
package struct Observed: Codable, Hashable, Sendable {
    package var containers: [ObservedContainer]
    /// By full name; networks of other projects or made by hand too, when the project names them.
    package var networks: [String: ObservedNetwork]
    package var volumes: [String: ObservedVolume]
    /// What each image reference that a service names resolves to now (`sha256:…`); absent when there is none here.
    package var images: [String: String]
    /// By replica (`web.1`): the id of a container that was removed to be replaced and whose successor is not made yet.
    /// Its anonymous volumes wait for the successor.
    package var predecessors: [String: String] = [:]

    package init(
        containers: [ObservedContainer] = [], networks: [String: ObservedNetwork] = [:],
        volumes: [String: ObservedVolume] = [:], images: [String: String] = [:]
    ) {
        self.containers = containers
        self.networks = networks
        self.volumes = volumes
        self.images = images
    }
}

package struct ObservedContainer: Codable, Hashable, Sendable {
    package var id: String
    package var name: String
    package var owner: Owner
    /// What it was made from.
    package var template: ContainerTemplate
    package var imageID: String
    /// The definitions of the networks, volumes, secrets and configs it was made with, by key.
    package var networks: [String: NetworkDefinition]
    package var volumes: [String: VolumeDefinition]
    package var secrets: [String: FileObject]
    package var configs: [String: FileObject]
    package var state: State
    package var health: Health?
    package var exitCode: Int?
    /// The rounds of its `DesiredService` that were in force when it was made, last restarted and last started.
    /// Making and starting set the restart and start rounds, unpausing the start round.
    package var recreateRound: Int
    package var restartRound: Int
    package var startRound: Int
    /// The ids of containers whose namespaces it joined (`network_mode: service:x`, `pid`, `ipc`).
    package var joined: [String]
    /// It was paused by somebody else than berth. Who ends a process from outside is not told apart from a process that ends by itself.
    package var isPausedByOthers: Bool
    /// It is down because berth stopped it, on a verb or on the way to something else, and nobody started it since.
    package var stoppedByUs: Bool = false
    package var hasAnonymousVolumes: Bool
    /// It has no names and published ports although it has its place: an update broke off.
    package var isAside = false

    /// Empty for a container of its own: no service has that name.
    package var service: String { owner.service ?? "" }
    /// nil for all but replicas.
    package var number: Int? { owner.number }

    package enum State: String, Codable, Hashable, Sendable { case created, running, paused, restarting, exited }
    package enum Health: String, Codable, Hashable, Sendable { case starting, healthy, unhealthy }

    package init(
        id: String, name: String, owner: Owner, template: ContainerTemplate, imageID: String,
        state: State,
        health: Health? = nil, exitCode: Int? = nil
    ) {
        self.id = id
        self.name = name
        self.owner = owner
        self.template = template
        self.imageID = imageID
        networks = [:]
        volumes = [:]
        secrets = [:]
        configs = [:]
        self.state = state
        self.health = health
        self.exitCode = exitCode
        recreateRound = 0
        restartRound = 0
        startRound = 0
        joined = []
        isPausedByOthers = false
        hasAnonymousVolumes = false
    }
}

package struct ObservedNetwork: Codable, Hashable, Sendable {
    package var name: String
    /// The project that made it and the key in its file; nil for one made by hand.
    package var project: String?
    package var key: String?
    package var definition: NetworkDefinition
    /// What the kernel lacks of it ("bridge br-… is gone"); nil when it is whole.
    package var damage: String?
    /// Ids of containers attached to it, of any project.
    package var users: [String]

    package init(name: String, project: String?, key: String?, definition: NetworkDefinition) {
        self.name = name
        self.project = project
        self.key = key
        self.definition = definition
        users = []
    }
}

package struct ObservedVolume: Codable, Hashable, Sendable {
    package var name: String
    package var project: String?
    package var key: String?
    package var definition: VolumeDefinition
    package var users: [String]
    package var isAnonymous: Bool

    package init(name: String, project: String?, key: String?, definition: VolumeDefinition) {
        self.name = name
        self.project = project
        self.key = key
        self.definition = definition
        users = []
        isAnonymous = false
    }
}
