import Monitor
import ProjectModel
import Reconcile

/// Collects the observed state of one project for the planner.
struct ProjectObserver: Sendable {
    let inventory: Inventory
    let machine: any Machine

    /// `desired` names networks, volumes and images to look up in addition to the project's own.
    func observe(_ desired: Desired, _ group: Subject) async throws -> Observed {
        var observed = Observed()
        let records = await inventory.containers(of: group)
        for record in records where record.life.phase != .creating && record.life.phase != .removing {
            observed.containers.append(await observedContainer(record))
        }
        try await addNetworks(to: &observed, desired)
        await addVolumes(to: &observed, desired)
        for reference in Set(desired.services.compactMap(\.spec.image)) {
            observed.images[reference] = try await machine.image(reference)?.id
        }
        return observed
    }

    private func observedContainer(_ record: ContainerRecord) async -> ObservedContainer {
        let state: ObservedContainer.State =
            switch record.life.phase {
            case .creating, .created: .created
            case .running: .running
            case .paused: .paused
            case .restarting: .restarting
            case .exited, .removing: .exited
            }
        var container = ObservedContainer(
            id: record.id, name: record.name, owner: record.owner, template: record.template,
            imageID: record.imageID, state: state, health: await inventory.health(of: record.id),
            exitCode: record.life.exit?.code)
        container.networks = record.definitions.networks
        container.volumes = record.definitions.volumes
        container.secrets = record.definitions.secrets
        container.configs = record.definitions.configs
        container.recreateRound = record.recreateRound
        container.restartRound = record.restartRound
        container.startRound = record.startRound
        container.stoppedByUs = record.life.stoppedByUs && state == .exited
        container.joined = record.joined.values.sorted()
        container.hasAnonymousVolumes = !record.anonymousVolumes.isEmpty
        container.isAside = record.isAside == true
        container.isPausedByOthers = record.life.phase == .paused && record.life.isPausedByOthers == true
        return container
    }

    private func addNetworks(to observed: inout Observed, _ desired: Desired) async throws {
        let wanted = Set(desired.networks.values.map(\.name))
        let records = await inventory.allNetworks().filter { wanted.contains($0.name) || $0.project == desired.project }
        let damage = try await machine.damage(of: records)
        for record in records {
            var network = ObservedNetwork(
                name: record.name, project: record.project, key: record.key, definition: record.definition)
            network.damage = damage[record.name]
            network.users = await inventory.users(ofNetwork: record.name).map(\.id)
            observed.networks[record.name] = network
        }
    }

    private func addVolumes(to observed: inout Observed, _ desired: Desired) async {
        let wanted = Set(desired.volumes.values.map(\.name))
        for record in await inventory.allVolumes()
        where wanted.contains(record.name) || record.project == desired.project {
            var volume = ObservedVolume(
                name: record.name, project: record.project, key: record.key, definition: record.definition)
            volume.users = await inventory.users(ofVolume: record.name).map(\.id)
            volume.isAnonymous = record.isAnonymous
            observed.volumes[record.name] = volume
        }
    }
}
