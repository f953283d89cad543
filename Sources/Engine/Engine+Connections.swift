import EngineWire
import ProjectModel

/// Connects and disconnects containers of no project after their creation. They keep these networks as if created with them.
extension Engine {
    /// `attachment` names the network by its name or id.
    package func connect(_ name: String, _ attachment: NetworkAttachment) async throws {
        await gate.wait(for: .ready)
        let record = try await connectable(name)
        if let mode = record.template.networkMode {
            throw EngineFailure(
                code: .refused,
                message: mode == .none
                    ? "\(record.name) was created without networks and cannot be connected to one"
                    : "\(record.name) shares the network of the host or of another container and cannot be connected to another network"
            )
        }
        if attachment.network == Self.commonNetwork { _ = try await networksWithCommon() }
        let network = try await networkRecord(attachment.network)
        guard !record.endpoints.contains(where: { $0.network == network.name }) else {
            throw EngineFailure(
                code: .refused, message: "\(record.name) is already on network \(network.name)")
        }
        _ = try EndpointOptions(attachment.driverOptions)
        var wanted = record
        var place = attachment
        place.network = network.name
        wanted.template.networks.append(place)
        wanted.definitions.networks[network.name] = network.definition
        wanted.definitions.networks[network.name]?.external = true
        try await parts.runner.attach(record.id, key: network.name, as: wanted)
        tell("connect", record, network)
    }

    /// `force`: succeed when the container is gone.
    package func disconnect(_ name: String, from text: String, force: Bool) async throws {
        await gate.wait(for: .ready)
        let network = try await networkRecord(text)
        if force, await parts.inventory.find(name) == nil { return }
        let record = try await connectable(name)
        guard let endpoint = record.endpoints.first(where: { $0.network == network.name }) else {
            throw EngineFailure(
                code: .conflict, message: "container \(record.name) is not connected to network \(network.name)")
        }
        try await parts.runner.detach(record.id, key: endpoint.key)
        tell("disconnect", record, network)
    }

    /// Containers of projects are only on the networks that their files name.
    private func connectable(_ name: String) async throws -> ContainerRecord {
        let record = try await find(name)
        guard case .free = record.owner else {
            throw EngineFailure(
                code: .refused,
                message: "\(record.name) belongs to a berth project, and its file decides which networks it is on",
                hint:
                    "change `networks` of the service, then run `berth up`, which connects the running container"
            )
        }
        guard record.life.phase != .removing else {
            throw EngineFailure(code: .conflict, message: "container \(record.name) is being removed")
        }
        return record
    }

    /// A stopped container is on no network yet; its start sends the event.
    private func tell(_ action: String, _ record: ContainerRecord, _ network: NetworkRecord) {
        guard record.isUp else { return }
        let attributes = ["container": record.id, "name": network.name, "type": network.driver]
        parts.inventory.events.publish(
            EngineEvent(.network, action, id: network.id, attributes: attributes, time: parts.machine.now()))
    }
}
