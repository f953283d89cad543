import ProjectModel

/// Finds container ids by project, service, name and so on, so that reading one project costs the same however many
/// containers other projects have.
struct ContainerIndex {
    struct ServiceName: Hashable {
        let project: String
        let service: String
    }

    private(set) var projects: [String: Set<String>] = [:]
    private(set) var services: [ServiceName: Set<String>] = [:]
    private(set) var names: [String: Set<String>] = [:]
    private(set) var networks: [String: Set<String>] = [:]
    private(set) var volumes: [String: Set<String>] = [:]
    /// Successors, keyed by the container that they were created to replace.
    private(set) var successors: [String: Set<String>] = [:]
    /// Containers with links.
    private(set) var linked: Set<String> = []
    /// Keyed by the host port that they publish, whether they run or not.
    private(set) var ports: [UInt16: Set<String>] = [:]

    mutating func add(_ record: ContainerRecord) {
        each(of: record, Addition(id: record.id))
        if !record.template.links.isEmpty || !record.template.everyExternalLink.isEmpty { linked.insert(record.id) }
    }

    mutating func remove(_ record: ContainerRecord) {
        each(of: record, Removal(id: record.id))
        linked.remove(record.id)
    }

    private mutating func each(of record: ContainerRecord, _ edit: some IndexEdit) {
        if let project = record.project {
            edit.apply(to: &projects, project)
            if let service = record.service {
                edit.apply(to: &services, ServiceName(project: project, service: service))
            }
        }
        edit.apply(to: &names, record.name)
        if let old = record.successorOf { edit.apply(to: &successors, old) }
        for endpoint in record.endpoints { edit.apply(to: &networks, endpoint.network) }
        for volume in record.volumeNames { edit.apply(to: &volumes, volume) }
        for port in record.ports where port.hostPort != 0 { edit.apply(to: &ports, port.hostPort) }
    }
}

private protocol IndexEdit {
    func apply<Key>(to table: inout [Key: Set<String>], _ key: Key)
}

private struct Addition: IndexEdit {
    let id: String
    func apply<Key>(to table: inout [Key: Set<String>], _ key: Key) { table[key, default: []].insert(id) }
}

private struct Removal: IndexEdit {
    let id: String
    func apply<Key>(to table: inout [Key: Set<String>], _ key: Key) {
        table[key]?.remove(id)
        if table[key]?.isEmpty == true { table[key] = nil }
    }
}
