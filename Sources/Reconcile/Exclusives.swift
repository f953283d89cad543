import ProjectModel

/// What only one container can have, and the actions of a plan that give it up: names and fixed addresses when a container
/// is removed, host ports when it stops. So two services can swap a port in one plan.
struct Exclusives {
    private var names: [String: [PlanDraft.Node]] = [:]
    private var addresses: [String: [PlanDraft.Node]] = [:]
    private var ports: [String: [(id: String, node: PlanDraft.Node)]] = [:]

    init(planner: Planner) {
        for (id, node) in planner.nodes.removals {
            guard let container = planner.containersByID[id] else { continue }
            names[container.name, default: []].append(node)
            for address in container.spec.fixedAddresses { addresses[address, default: []].append(node) }
        }
        for (id, node) in planner.nodes.stops {
            guard let container = planner.containersByID[id] else { continue }
            for port in container.spec.fixedPorts { ports[port, default: []].append((id, node)) }
        }
    }

    /// Removals that a creation waits for.
    func removals(before replica: Replica, _ spec: Service, in project: String) -> [PlanDraft.Node] {
        let name = spec.replicaName(replica, in: project)
        return (names[name] ?? []) + spec.fixedAddresses.flatMap { addresses[$0] ?? [] }
    }

    /// Stops that the start of a container waits for; its own stop is among its edges anyway.
    func stops(before id: String?, _ spec: Service) -> [PlanDraft.Node] {
        spec.fixedPorts.flatMap { ports[$0] ?? [] }.filter { $0.id != id }.map(\.node)
    }
}

extension Service {
    /// The name of a container on the machine: `container_name`, or `project-service-number`.
    package func replicaName(_ replica: Replica, in project: String) -> String {
        switch replica {
        case .oneOff(_, let name): name
        case .numbered(let service, let number): containerName ?? "\(project)-\(service)-\(number)"
        }
    }

    /// Host ports that are not a choice, as `tcp/8080`.
    var fixedPorts: [String] {
        ports.compactMap { port in
            guard let published = port.published, let number = UInt16(published), number > 0 else { return nil }
            return "\(port.transport)/\(number)"
        }
    }

    /// Addresses that are not a choice, as `network/address`.
    var fixedAddresses: [String] {
        networks.flatMap { attachment in
            [attachment.ipv4Address, attachment.ipv6Address].compactMap { $0 }.map { "\(attachment.network)/\($0)" }
        }
    }
}
