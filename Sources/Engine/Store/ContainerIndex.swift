/// Ids of containers by what is asked for, so that a look at one project costs nothing by what others have.
struct ContainerIndex {
    private(set) var projects: [String: Set<String>] = [:]
    private(set) var names: [String: Set<String>] = [:]
    private(set) var networks: [String: Set<String>] = [:]
    private(set) var volumes: [String: Set<String>] = [:]

    mutating func add(_ record: ContainerRecord) {
        each(of: record) { table, key in table[key, default: []].insert(record.id) }
    }

    mutating func remove(_ record: ContainerRecord) {
        each(of: record) { table, key in
            table[key]?.remove(record.id)
            if table[key]?.isEmpty == true { table[key] = nil }
        }
    }

    private mutating func each(of record: ContainerRecord, _ body: (inout [String: Set<String>], String) -> Void) {
        body(&projects, record.project)
        body(&names, record.name)
        for endpoint in record.endpoints { body(&networks, endpoint.network) }
        for volume in record.volumeNames { body(&volumes, volume) }
    }
}
