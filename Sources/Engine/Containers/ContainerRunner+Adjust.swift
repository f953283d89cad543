import EngineWire
import ProjectModel

/// Brings an existing container, running or not, to the current template of its service in place.
///
/// Joining a network has three steps: store the endpoint, create the link, and only then name the network in the container's own
/// service. Leaving has the same steps backwards. So an endpoint that the service does not name comes from an interrupted join
/// or leave.
extension ContainerRunner {
    /// Connects a container to the network `key`. `wanted` is the record that the container would get if it were
    /// created now.
    func attach(_ id: String, key: String, as wanted: ContainerRecord) async throws {
        try await locks.with(id) {
            guard let attachment = wanted.template.networks.first(where: { $0.network == key }) else { return }
            guard let there = try await self.takeOffUnjoined(id) else { throw Self.gone(id) }
            // Somebody else requested the same at the same moment.
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

    /// Disconnects a container from the network `key`: first its names and published ports.
    func detach(_ id: String, key: String) async throws {
        try await locks.with(id) {
            let record = try await self.inventory.update(id) { $0.template.networks.removeAll { $0.network == key } }
            guard record != nil else { return }
            await self.network.settle()
            _ = try await self.takeOffUnjoined(id)
        }
        await network.settle()
    }

    /// Disconnects a container from networks that its service does not name. The caller must hold the container's turn.
    func takeOffUnjoined(_ id: String) async throws -> ContainerRecord? {
        guard let record = await inventory.container(id) else { return nil }
        let left = record.unjoinedEndpoints
        guard !left.isEmpty else { return record }
        for endpoint in left { try await machine.detach(endpoint, from: record) }
        guard let rest = try await inventory.removeUnjoinedEndpoints(of: id) else { return nil }
        // One of the removed endpoints may have had the default route.
        if rest.isUp { try await connect(rest) }
        return rest
    }

    /// Disconnects a stopped container from a network that is removed. Its service still names the network, and its next start looks
    /// for a network of that name.
    func lose(network name: String, _ id: String) async throws {
        try await locks.with(id) {
            guard let record = await self.inventory.container(id), [.created, .exited].contains(record.life.phase),
                !self.isHeld(id), let endpoint = record.endpoints.first(where: { $0.network == name })
            else { return }
            try await self.machine.detach(endpoint, from: record)
            try await self.inventory.removeEndpoint(on: name, of: id)
        }
    }

    /// Before a start, connects a container to networks that were removed while it was stopped and exist again.
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
            for holder in await inventory.restingHolders(of: attachment, for: record) {
                try await lose(network: name, holder)
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

    /// Applies every setting of `wanted` that can change in place, except networks, which other functions handle.
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
    /// Endpoints on networks that its service does not name: a join or leave is in progress.
    var unjoinedEndpoints: [Endpoint] {
        let keys = Set(template.networks.map(\.network))
        return endpoints.filter { !keys.contains($0.key) }
    }

    /// The record as others may see it: without networks that it is joining or leaving.
    var asKnown: ContainerRecord {
        guard !endpoints.isEmpty else { return self }
        let keys = Set(template.networks.map(\.network))
        guard endpoints.contains(where: { !keys.contains($0.key) }) else { return self }
        var known = self
        known.endpoints.removeAll { !keys.contains($0.key) }
        return known
    }
}
