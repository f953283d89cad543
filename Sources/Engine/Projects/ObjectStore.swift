import EngineWire
import ProjectModel
import Reconcile

/// Creates and removes networks and volumes: the record first, then the object.
final class ObjectStore: Sendable {
    let inventory: Inventory
    let machine: any Machine
    let network: NetworkSync
    private let locks = KeyedLocks()

    init(inventory: Inventory, machine: any Machine, network: NetworkSync) {
        self.inventory = inventory
        self.machine = machine
        self.network = network
    }

    func image(of service: Service, pinned: String? = nil, project: String) async throws -> MachineImage {
        if let pinned, let image = try await machine.image(pinned) { return image }
        let reference = service.image ?? "\(project)-\(service.name)"
        if let image = try await machine.image(reference) { return image }
        throw EngineFailure(
            code: .imageMissing, message: "service \"\(service.name)\": there is no local image \(reference)",
            hint: service.hasBuild
                ? "`berth build` or `berth up --build` creates it"
                : "`berth pull \(service.name)`, or `berth image import FILE \(reference)`")
    }

    func image(of single: DesiredContainer) async throws -> MachineImage {
        guard case .free(let name) = single.owner else {
            let service = Service(name: single.owner.service ?? "", template: single.template)
            return try await image(of: service, project: single.owner.project ?? "")
        }
        let reference = single.template.image ?? ""
        if let image = try await machine.image(reference) { return image }
        throw EngineFailure(
            code: .imageMissing, message: "container \"\(name)\": there is no local image \(reference)",
            hint: "`berth image pull \(reference)`, or `berth image load` and `berth image import`")
    }

    // MARK: Networks

    /// Creates a network unless its name is in use. For a network that a person creates by hand, `project` and `key`
    /// are nil, and a name in use is an error.
    func createNetwork(_ definition: NetworkDefinition, project: String?, key: String?) async throws {
        try await locks.with("network") {  // choose one subnet at a time
            guard await self.inventory.network(definition.name) == nil else {
                guard project == nil else { return }
                throw EngineFailure(code: .conflict, message: "network with name \(definition.name) already exists")
            }
            let findings = PreflightFinding.unsupported(definition, key: key ?? definition.name)
            if let finding = findings.first { throw EngineFailure(finding) }
            let id = self.machine.newID()
            let choice = RealisationChoice(inventory: self.inventory, machine: self.machine)
            let realisation = try await choice.realisation(of: definition, id: id)
            let hostSubnets = try await self.machine.hostSubnets()
            let (subnets, gateways) = try await self.inventory.chooseSubnets(definition, hostSubnets: hostSubnets)
            let record = NetworkRecord(
                name: definition.name, id: id, project: project, key: key, definition: definition,
                realisation: realisation, subnets: subnets, gateways: gateways,
                createdAt: self.machine.now())
            try await self.inventory.insert(record)
            do {
                try await self.machine.createNetwork(record)
            } catch {
                // If something is left, keep the record: the next plan repairs or removes it.
                if (try? await self.machine.removeNetwork(record)) != nil {
                    try? await self.inventory.removeNetwork(record.name)
                }
                throw error
            }
        }
        try await network.sync()
    }

    /// Restores what the kernel lost: the bridge, the containers' links to it, the rules.
    func repairNetwork(_ name: String) async throws {
        guard let record = await inventory.network(name) else { return }
        try await machine.createNetwork(record)
        try await machine.reattach(await inventory.users(ofNetwork: name), to: record)
        try await network.sync()
    }

    /// Removes the record after the bridge, so that the bridge is never unknown.
    func removeNetwork(_ name: String) async throws {
        try await locks.with("network") {
            guard let record = await self.inventory.network(name) else { return }
            let users = await self.inventory.beginRemoval(ofNetwork: name)
            guard users.isEmpty else {
                throw EngineFailure(
                    code: .conflict,
                    message: "network \(name) is used by \(users.map(\.name).joined(separator: ", "))",
                    hint: "remove those containers first")
            }
            do {
                // Remove the bridge even if the rules cannot be changed now; that is tried again later.
                await self.network.settle()
                try await self.machine.removeNetwork(record)
                try await self.inventory.removeNetwork(name)
            } catch {
                await self.inventory.cancelRemoval(ofNetwork: name)
                await self.network.settle()
                throw error
            }
        }
    }

    // MARK: Volumes

    /// Creates a volume unless its name is in use; `project` and `key` are nil for a volume that a person creates by
    /// hand.
    func createVolume(
        _ definition: VolumeDefinition, project: String?, key: String?, isAnonymous: Bool = false
    ) async throws {
        guard await inventory.volume(definition.name) == nil else { return }
        let findings = PreflightFinding.unsupported(definition, key: key ?? definition.name)
        if let finding = findings.first { throw EngineFailure(finding) }
        let record = VolumeRecord(
            name: definition.name, project: project, key: key, definition: definition, isAnonymous: isAnonymous,
            createdAt: machine.now(), binding: nil)
        try await inventory.insert(record)
        do {
            try await inventory.make(record, on: machine)
        } catch {
            try? await inventory.removeVolume(record.name)
            throw error
        }
    }

    func removeVolume(_ name: String) async throws {
        guard let record = await inventory.volume(name) else { return }
        let users = await inventory.users(ofVolume: name)
        guard users.isEmpty else {
            throw EngineFailure(
                code: .conflict, message: "volume \(name) is used by \(users.map(\.name).joined(separator: ", "))",
                hint: "remove those containers first")
        }
        try await machine.removeVolume(record)
        try await inventory.removeVolume(name)
    }
}
