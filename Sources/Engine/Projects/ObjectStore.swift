import EngineWire
import ProjectModel

/// Makes and removes networks and volumes: the record first, then the thing.
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
            code: "image_missing", message: "service \"\(service.name)\": there is no image \(reference) here",
            hint: service.hasBuild
                ? "berth does not build images yet: `docker build -t \(reference) … && docker save \(reference) | berth image load`"
                : "`berth pull \(service.name)`, or `berth image import FILE \(reference)`")
    }

    // MARK: Networks

    func createNetwork(_ definition: NetworkDefinition, project: String, key: String) async throws {
        try await locks.with("network") {  // one subnet is chosen at a time
            guard await self.inventory.network(definition.name) == nil else { return }
            if let driver = definition.driver, driver != "bridge" {
                throw EngineFailure(
                    code: "unsupported", message: "network \(definition.name): driver \"\(driver)\" is not supported",
                    hint: "use the bridge driver")
            }
            if let driver = definition.ipam?.driver, driver != "default" {
                throw EngineFailure(
                    code: "unsupported",
                    message: "network \(definition.name): ipam driver \"\(driver)\" is not supported",
                    hint: "remove it: berth gives addresses itself")
            }
            let id = self.machine.newID()
            let bridge = try await self.bridgeName(of: definition, id: id)
            let hostSubnets = try await self.machine.hostSubnets()
            let (subnets, gateways) = try await self.inventory.chooseSubnets(definition, hostSubnets: hostSubnets)
            let record = NetworkRecord(
                name: definition.name, id: id, project: project, key: key, definition: definition,
                bridge: bridge, subnets: subnets, gateways: gateways,
                createdAt: self.machine.now())
            try await self.inventory.insert(record)
            do {
                try await self.machine.createNetwork(record)
            } catch {
                // With something left of it the record stays: the next plan repairs or removes it.
                if (try? await self.machine.removeNetwork(record)) != nil {
                    try? await self.inventory.removeNetwork(record.name)
                }
                throw error
            }
        }
        try await network.sync()
    }

    /// The one that the file wants, or one made from the id. A bridge that is there already is somebody else's: its addresses
    /// would be taken away.
    private func bridgeName(of definition: NetworkDefinition, id: String) async throws -> String {
        guard let name = definition.driverOptions["com.docker.network.bridge.name"], !name.isEmpty else {
            return machine.bridgeName(ofNetwork: id)
        }
        guard name.utf8.count <= 15, !name.contains(where: { $0 == "/" || $0 == ":" || $0.isWhitespace }), name != ".",
            name != ".."
        else {
            throw EngineFailure(
                code: "invalid", message: "network \(definition.name): \"\(name)\" cannot be an interface's name",
                hint: "it has at most 15 bytes, without spaces and slashes")
        }
        if let other = await inventory.allNetworks().first(where: { $0.bridge == name }) {
            throw EngineFailure(
                code: "conflict", message: "network \(definition.name): bridge \(name) belongs to network \(other.name)"
            )
        }
        guard try await !machine.hasInterface(name) else {
            throw EngineFailure(
                code: "conflict", message: "network \(definition.name): this host has an interface \(name) already",
                hint: "choose another com.docker.network.bridge.name, or `ip link delete \(name)`")
        }
        return name
    }

    /// Puts back what the kernel lost: the bridge, the containers' links to it, the rules.
    func repairNetwork(_ name: String) async throws {
        guard let record = await inventory.network(name) else { return }
        try await machine.createNetwork(record)
        try await machine.reattach(await inventory.users(ofNetwork: name), to: record)
        try await network.sync()
    }

    /// The record goes after the bridge: until then somebody knows of it.
    func removeNetwork(_ name: String) async throws {
        try await locks.with("network") {
            guard let record = await self.inventory.network(name) else { return }
            let users = await self.inventory.beginRemoval(ofNetwork: name)
            guard users.isEmpty else {
                throw EngineFailure(
                    code: "conflict",
                    message: "network \(name) is used by \(users.map(\.name).joined(separator: ", "))",
                    hint: "remove those containers first")
            }
            do {
                // The bridge goes even when the rules cannot be changed now: they are tried again.
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

    func createVolume(_ definition: VolumeDefinition, project: String, key: String) async throws {
        guard await inventory.volume(definition.name) == nil else { return }
        if let driver = definition.driver, driver != "local" {
            throw EngineFailure(
                code: "unsupported", message: "volume \(definition.name): driver \"\(driver)\" is not supported",
                hint: "use the local driver")
        }
        try VolumeMount.check(definition)
        let record = VolumeRecord(
            name: definition.name, project: project, key: key, definition: definition, isAnonymous: false,
            createdAt: machine.now(), isPopulated: false, binding: nil)
        try await inventory.insert(record)
        do {
            try await machine.createVolume(record)
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
                code: "conflict", message: "volume \(name) is used by \(users.map(\.name).joined(separator: ", "))",
                hint: "remove those containers first")
        }
        try await machine.removeVolume(record)
        try await inventory.removeVolume(name)
    }
}
