import ProjectModel

/// Resources that only one container can hold, and the actions of a plan that release them: removing a container
/// releases its name and fixed addresses, stopping it releases its host ports. So two services can swap a port in one
/// plan.
struct Exclusives {
    private typealias Holder = (id: String, node: PlanDraft.Node)
    private var names: [String: [Holder]] = [:]
    private var addresses: [String: [Holder]] = [:]
    /// By transport.
    private var ports: [String: [PortStop]] = [:]

    /// A container that releases ports when it stops: all ports that it may have had in a range.
    private struct PortStop {
        let range: ClosedRange<UInt16>
        let id: String
        let node: PlanDraft.Node
    }

    init(planner: Planner) {
        for (id, node) in planner.nodes.removals {
            guard let container = planner.containersByID[id] else { continue }
            names[container.name, default: []].append((id, node))
            for address in container.template.fixedAddresses { addresses[address, default: []].append((id, node)) }
        }
        for (id, detachments) in planner.nodes.detachments {
            guard let container = planner.containersByID[id] else { continue }
            for address in container.template.fixedAddresses {
                addresses[address, default: []] += detachments.map { (id, $0) }
            }
        }
        for (id, node) in planner.nodes.stops.merging(planner.nodes.updates, uniquingKeysWith: { first, _ in first }) {
            guard let container = planner.containersByID[id] else { continue }
            for port in container.template.ports {
                guard let range = port.publishedRange else { continue }
                ports[port.transport, default: []].append(PortStop(range: range, id: id, node: node))
            }
        }
    }

    /// The removals for which a creation waits. The container that it replaces is not among them, because it hands over
    /// what it holds.
    func removals(before task: ReplicaTask, _ spec: Service, in project: String) -> [PlanDraft.Node] {
        holders(before: task.replica, task.existing?.id, spec, in: project).map(\.node)
    }

    /// Containers other than `id` must release something for the container that replaces `id`.
    func needsOthers(_ replica: Replica, _ id: String, _ spec: Service, in project: String) -> Bool {
        !holders(before: replica, id, spec, in: project).isEmpty
    }

    /// Containers that must be removed before a creation.
    func leaving(before task: ReplicaTask, _ spec: Service, in project: String) -> [String] {
        holders(before: task.replica, task.existing?.id, spec, in: project).map(\.id)
    }

    private func holders(before replica: Replica, _ id: String?, _ spec: Service, in project: String) -> [Holder] {
        let name = spec.replicaName(replica, in: project)
        return ((names[name] ?? []) + spec.fixedAddresses.flatMap { addresses[$0] ?? [] }).filter { $0.id != id }
    }

    /// Stops for which the start of a container waits; its own stop is an edge of it anyway. A container that shares a port range
    /// takes another port of the range, and does not wait for a container that has the same one.
    func stops(before id: String?, _ spec: Service) -> [PlanDraft.Node] {
        spec.ports.flatMap { port -> [PlanDraft.Node] in
            guard let range = port.publishedRange else { return [] }
            return (ports[port.transport] ?? []).filter { stop in
                stop.id != id && stop.range.overlaps(range) && (stop.range != range || range.count == 1)
            }.map(\.node)
        }
    }
}

extension Service {
    /// The name of a container on the machine: `container_name`, or `project-service-number`.
    package func replicaName(_ replica: Replica, in project: String) -> String {
        switch replica {
        case .oneOff(_, let name), .free(let name): name
        case .numbered(let service, let number): template.containerName ?? "\(project)-\(service)-\(number)"
        }
    }
}

extension ContainerTemplate {
    /// Fixed addresses, as `network/address`.
    var fixedAddresses: [String] {
        networks.flatMap { attachment in
            [attachment.ipv4Address, attachment.ipv6Address].compactMap { $0 }.map { "\(attachment.network)/\($0)" }
        }
    }
}
