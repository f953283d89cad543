import ProjectModel

/// The desired state of a single container; stored with its record.
package struct ContainerWish: Codable, Hashable, Sendable {
    package var goal: DesiredService.Goal
    /// Incremented to request one restart, or one start after it ended by itself.
    package var restartRound = 0
    package var startRound = 0
    /// Its anonymous volumes survive its removal.
    package var keepsAnonymousVolumes = false

    package init(goal: DesiredService.Goal) { self.goal = goal }
}

/// A container with its own desired state: a one-off, or one without a project. It keeps its template and is never replaced.
package struct DesiredContainer: Hashable, Sendable {
    /// The id of the existing container, or of the one to create.
    package var id: String
    package var owner: Owner
    package var template: ContainerTemplate
    package var definitions: Definitions
    package var wish: ContainerWish
    /// Services that must be up before its first start.
    package var dependsOn: [Dependency] = []
    /// Its process is created, but waits at its gate until the client has connected its streams.
    package var isHeld = false

    package init(
        id: String, owner: Owner, template: ContainerTemplate, definitions: Definitions, wish: ContainerWish
    ) {
        self.id = id
        self.owner = owner
        self.template = template
        self.definitions = definitions
        self.wish = wish
    }

    package var replica: Replica {
        switch owner {
        case .replica(_, let service, let number): .numbered(service: service, number)
        case .oneOff(_, let service, let name): .oneOff(service: service, name: name)
        case .free(let name): .free(name: name)
        }
    }
}

extension Desired {
    /// Adds the networks and volumes of single containers that the project itself does not define.
    package var completed: Desired {
        var desired = self
        for single in singles {
            desired.networks.merge(single.definitions.networks) { own, _ in own }
            desired.volumes.merge(single.definitions.volumes) { own, _ in own }
        }
        return desired
    }

    package func single(_ replica: Replica) -> DesiredContainer? { singles.first { $0.replica == replica } }
}
