import ProjectModel

/// What is wanted of one container by itself; stored with its record.
package struct ContainerWish: Codable, Hashable, Sendable {
    package var goal: DesiredService.Goal
    /// Raised to ask once for a restart, or for a start of what ended by itself.
    package var restartRound = 0
    package var startRound = 0
    /// Its anonymous volumes stay when it goes.
    package var keepsAnonymousVolumes = false

    package init(goal: DesiredService.Goal) { self.goal = goal }
}

/// A container that is wanted by itself: a one-off, or one of no project. It is what it was made from, and never made anew.
package struct DesiredContainer: Hashable, Sendable {
    /// Of the container that is there, or that is to be made.
    package var id: String
    package var owner: Owner
    package var template: ContainerTemplate
    package var definitions: Definitions
    package var wish: ContainerWish
    /// What has to be up before it starts the first time.
    package var dependsOn: [Dependency] = []
    /// Its process is made and waits at its gate until whoever asked for it has its streams.
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
    /// With what the networks and volumes of its single containers are, where the project does not say it.
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
