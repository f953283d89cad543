import EngineWire
import ProjectModel

/// How a container that is there, running or not, becomes what its service is now without being made anew.
///
/// A network is joined in three steps: the place on it is stored, the link is made, and only then the container's own service says that
/// it is there. It is left in the same steps backwards. So a place that the service does not name is one whose joining or leaving was
/// interrupted.
extension ContainerRunner {
    /// Puts a container on the network `key` as `wanted`, which is what it would be if it were made now, says.
    func attach(_ id: String, key: String, as wanted: ContainerRecord) async throws {
        try await locks.with(id) {
            guard let attachment = wanted.template.networks.first(where: { $0.network == key }) else { return }
            guard let there = try await self.takeOffUnjoined(id) else { throw Self.gone(id) }
            // Another asked for it at the same moment.
            guard !there.template.networks.contains(where: { $0.network == key }) else { return }
            let definition = wanted.definitions.networks[key]
            let record = try await self.inventory.addEndpoint(attachment, definition, to: id) { [machine] network in
                machine.linkName(ofContainer: id, network: network)
            }
            do {
                try await self.connect(record)
                _ = try await self.inventory.update(id) { record in
                    record.template.networks.removeAll { $0.network == key }
                    record.template.networks.append(attachment)
                    record.definitions.networks[key] = definition
                }
            } catch {
                _ = try? await self.takeOffUnjoined(id)
                throw error
            }
        }
        try await network.sync()
    }

    /// Takes a container off the network `key`: its names and published ports first.
    func detach(_ id: String, key: String) async throws {
        try await locks.with(id) {
            let record = try await self.inventory.update(id) { $0.template.networks.removeAll { $0.network == key } }
            guard record != nil else { return }
            await self.network.settle()
            _ = try await self.takeOffUnjoined(id)
        }
        await network.settle()
    }

    /// Takes a container off the networks that it is on and that its service does not name. For whoever holds its turn.
    func takeOffUnjoined(_ id: String) async throws -> ContainerRecord? {
        guard let record = await inventory.container(id) else { return nil }
        let left = record.unjoinedEndpoints
        guard !left.isEmpty else { return record }
        for endpoint in left { try await machine.detach(endpoint, from: record) }
        guard let rest = try await inventory.removeUnjoinedEndpoints(of: id) else { return nil }
        // The default route may have gone with one of them.
        if rest.isUp { try await connect(rest) }
        return rest
    }

    /// Takes a container that does not run off a network that goes. Its service still names the network, and its next start looks for
    /// one of that name.
    func lose(network name: String, _ id: String) async throws {
        try await locks.with(id) {
            guard let record = await self.inventory.container(id), [.created, .exited].contains(record.life.phase),
                !self.isHeld(id), let endpoint = record.endpoints.first(where: { $0.network == name })
            else { return }
            try await self.machine.detach(endpoint, from: record)
            try await self.inventory.removeEndpoint(on: name, of: id)
        }
    }

    /// Puts a container that is about to start on the networks that went while it did not run, and are there again.
    func rejoinLost(_ record: ContainerRecord) async throws -> ContainerRecord {
        guard record.template.networkMode == nil else { return record }
        var record = record
        let id = record.id
        let joined = Set(record.endpoints.map(\.key))
        for attachment in record.template.networks where !joined.contains(attachment.network) {
            let definition = record.definitions.networks[attachment.network]
            let name = definition?.name ?? attachment.network
            guard await inventory.network(name) != nil else {
                throw EngineFailure(
                    code: .notFound, message: "network \(name) of \(record.name) was removed",
                    hint: record.number == nil
                        ? "`berth network create \(name)`, or `berth network disconnect --force \(name) \(record.name)`"
                        : "`berth up` creates it again")
            }
            record = try await inventory.addEndpoint(attachment, definition, to: id) { [machine] network in
                machine.linkName(ofContainer: id, network: network)
            }
        }
        return record
    }

    private func connect(_ record: ContainerRecord) async throws {
        try await machine.attach(record, try await surroundings(of: record))
    }

    /// Gives a container all that `wanted` says and that it can have without being made anew; the networks it is on are others' matter.
    func update(_ id: String, to wanted: ContainerRecord) async throws {
        try await locks.with(id) {
            guard let record = await self.inventory.container(id) else { throw Self.gone(id) }
            var next = await self.inventory.described(record, as: wanted)
            let isServed = record.holdsPorts && !record.endpoints.isEmpty && next.ports != record.ports
            if isServed { next.ports = try await self.reservePorts(next.ports, of: next) }
            do {
                if record.isUp, record.template.resources != next.template.resources {
                    try await self.machine.limit(next, insteadOf: record.template.resources)
                }
                if record.isUp, record.endpoints.map(\.gateways) != next.endpoints.map(\.gateways) {
                    try await self.connect(next)
                }
                let stored = next
                try await self.inventory.update(id) { record in
                    record.template = stored.template
                    record.labels = stored.labels
                    record.definitions = stored.definitions
                    record.ports = stored.ports
                    record.endpoints = stored.endpoints
                }
            } catch {
                if isServed { _ = try? await self.machine.reserve(record.ports, for: id) }
                throw error
            }
            if record.isUp, record.template.healthcheck != next.template.healthcheck {
                await self.inventory.forgetHealth(of: id)
                await self.health.begin(next)
            }
        }
        try await network.sync()
        if let fault = await network.faults[id] { throw fault }
    }
}

extension ContainerRecord {
    /// Places on networks that its service does not name: being joined, or being left.
    var unjoinedEndpoints: [Endpoint] {
        let keys = Set(template.networks.map(\.network))
        return endpoints.filter { !keys.contains($0.key) }
    }

    /// As others may know of it: without the networks that it is not on yet, or not any more.
    var asKnown: ContainerRecord {
        guard !endpoints.isEmpty else { return self }
        let keys = Set(template.networks.map(\.network))
        guard endpoints.contains(where: { !keys.contains($0.key) }) else { return self }
        var known = self
        known.endpoints.removeAll { !keys.contains($0.key) }
        return known
    }
}
