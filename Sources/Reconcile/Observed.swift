import ProjectModel

/// The observed state of one project on the machine.
package struct Observed: Codable, Hashable, Sendable {
    package var containers: [ObservedContainer]
    /// By full name; networks of other projects or made by hand too, when the project names them.
    package var networks: [String: ObservedNetwork]
    package var volumes: [String: ObservedVolume]
    /// The current image (`sha256:…`) of each reference that a service names; absent if the image is not here.
    package var images: [String: String]
    /// By replica (`web.1`): the id of a removed container whose successor does not exist yet. Its anonymous volumes wait for the
    /// successor.
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
    /// The template that it was created from.
    package var template: ContainerTemplate
    package var imageID: String
    /// The definitions of its networks, volumes, secrets and configs at its creation, by key.
    package var networks: [String: NetworkDefinition]
    package var volumes: [String: VolumeDefinition]
    package var secrets: [String: FileObject]
    package var configs: [String: FileObject]
    package var state: State
    package var health: Health?
    package var exitCode: Int?
    /// The rounds of its `DesiredService` at its creation, its last restart and its last start. Creating and starting
    /// set the restart and start rounds; unpausing sets the start round.
    package var recreateRound: Int
    package var restartRound: Int
    package var startRound: Int
    /// The ids of containers whose namespaces it joined (`network_mode: service:x`, `pid`, `ipc`).
    package var joined: [String]
    /// Another program paused it. (A process that somebody kills from outside looks like one that ended by itself.)
    package var isPausedByOthers: Bool
    /// It is down because berth stopped it, for a verb or as a step of another change, and nothing has started it since.
    package var stoppedByUs: Bool = false
    package var hasAnonymousVolumes: Bool
    /// It has its place but no names and published ports, because an update was interrupted.
    package var isAside = false

    /// Empty for a container without a service.
    package var service: String { owner.service ?? "" }
    /// nil unless it is a replica.
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
    /// The project that created it and the key in its file; nil if a person created it.
    package var project: String?
    package var key: String?
    package var definition: NetworkDefinition
    /// The part of it that is missing in the kernel ("bridge br-… is gone"); nil when it is complete.
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
