import EngineWire
import ProjectModel

/// Names of containers of no project. Checking and taking a name is one step, so that if two calls want it at the same
/// moment, one of them gets an error.
extension Inventory {
    /// - Throws: `EngineFailure` if another container has the name.
    func checkIsFree(_ name: String, for id: String) throws {
        if let other = container(named: name), other.id != id { throw EngineFailure.nameTaken(name, by: other.id) }
    }

    /// Other containers find it by its new name from now on, and no longer by the old one.
    /// - Throws: `EngineFailure` if another container has the name.
    func rename(_ id: String, to name: String) async throws {
        _ = try await rewrite(id) { record, _ in
            try checkIsFree(name, for: id)
            for index in record.endpoints.indices {
                record.endpoints[index].aliases = record.endpoints[index].aliases.map { $0 == record.name ? name : $0 }
            }
            record.name = name
            record.owner = .free(name: name)
        }
    }
}
