import EngineWire
import Networking
import ProjectModel
import Reconcile

/// Decides how a new network exists on this machine.
struct RealisationChoice: Sendable {
    let inventory: Inventory
    let machine: any Machine

    /// - Throws: `EngineFailure` for a name or an interface that cannot be used.
    func realisation(of definition: NetworkDefinition, id: String) async throws -> Realisation {
        switch definition.kind {
        case .bridge:
            let wanted = try await BridgeName(inventory: inventory, machine: machine).wanted(by: definition)
            return .bridge(wanted ?? machine.bridgeName(ofNetwork: id))
        case .macvlan(let options):
            let parent = try await parent(options.parent, definition, id)
            return .macvlan(parent, MacvlanMode(rawValue: options.mode) ?? .bridge)
        case .ipvlan(let options):
            let parent = try await parent(options.parent, definition, id)
            return .ipvlan(
                parent, IpvlanMode(rawValue: options.mode) ?? .l2, IpvlanReach(rawValue: options.reach) ?? .bridge)
        case nil:
            throw EngineFailure(
                code: .unsupported,
                message: "network \(definition.name): there is no driver \"\(definition.driverName)\"")
        }
    }

    private func parent(_ name: String?, _ definition: NetworkDefinition, _ id: String) async throws -> ParentLink {
        guard let name else {
            return ParentLink(
                name: machine.linkName(ofContainer: id, network: "parent"),
                origin: .pair(peer: machine.linkName(ofContainer: id, network: "peer")))
        }
        for other in await inventory.allNetworks() where other.realisation.ownLinks.contains(name) {
            throw EngineFailure(
                code: .conflict,
                message: "network \(definition.name): interface \(name) belongs to network \(other.name)",
                hint: "choose another parent, or use that network")
        }
        if try await !machine.hasInterface(name), let vlan = ParentLink.vlan(named: name) { return vlan }
        return ParentLink(name: name, origin: .host)
    }
}
