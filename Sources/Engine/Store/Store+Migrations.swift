import GRDB
import JSON

/// Converts records of earlier releases. A migration works on the stored JSON and never on today's types, because those
/// keep changing.
extension Store {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            for table in ["project", "container", "network", "volume"] {
                try database.create(table: table) { definition in
                    definition.primaryKey("name", .text).notNull()
                    definition.column("record", .blob).notNull()
                }
            }
        }
        migrator.registerMigration("2: owners and templates") { database in
            try rewrite("container", database, Self.giveOwner)
        }
        migrator.registerMigration("given addresses") { database in
            try database.create(table: "givenAddress") { definition in
                definition.column("network", .text).notNull()
                definition.column("family", .integer).notNull()
                definition.column("address", .text).notNull()
                definition.primaryKey(["network", "family"])
            }
        }
        migrator.registerMigration("versions of services") { try makeVersionTable($0) }
        migrator.registerMigration("what became of containers") { try makeOccurrenceTable($0) }
        return migrator
    }

    private static func rewrite(
        _ table: String, _ database: Database, _ change: (inout JSONObject) -> Void
    ) throws {
        for row in try Row.fetchAll(database, sql: "SELECT name, record FROM \(table)") {
            let name: String = row["name"]
            let bytes: [UInt8] = try row.withUnsafeData(named: "record") { data in data.map { Array($0) } ?? [] }
            guard case .object(var record) = try decodeJSON(JSONValue.self, from: bytes) else { continue }
            change(&record)
            let text = String(decoding: JSONValue.object(record).serialized(.compact), as: UTF8.self)
            try database.execute(
                sql: "UPDATE \(table) SET record = CAST(? AS BLOB) WHERE name = ?", arguments: [text, name])
        }
    }

    /// `project`, `service`, `number` and `oneOff` become `owner`; `spec`, which was a service, becomes `template`.
    private static func giveOwner(_ record: inout JSONObject) {
        let project = record["project"] ?? ""
        let service = record["service"] ?? ""
        let oneOff = record["oneOff"]?.object
        var template = record["spec"]?.object ?? JSONObject()
        for key in ["name", "build", "pull_policy", "profiles", "scale", "depends_on", "attach", "heal"] {
            template[key] = nil
        }
        if let oneOff {
            record["owner"] = [
                "oneOff": ["project": project, "service": service, "name": record["name"] ?? ""]
            ]
            template["stdin_open"] = true
            template["stdin_once"] = true
            if oneOff["autoRemove"] == true { template["auto_remove"] = true }
            template["networks"] = answering(template["networks"], to: oneOff["useAliases"] == true ? service : nil)
        } else {
            record["owner"] = [
                "replica": ["project": project, "service": service, "number": record["number"] ?? 1]
            ]
        }
        record["template"] = .object(template)
        for key in ["project", "service", "number", "oneOff", "spec"] { record[key] = nil }
    }

    /// A one-off is reachable by its service's names only if its user asked for that.
    private static func answering(_ networks: JSONValue?, to service: JSONValue?) -> JSONValue {
        .array(
            (networks?.array ?? []).map { network in
                guard case .object(var attachment) = network else { return network }
                attachment["aliases"] = .array(service.map { [$0] + (attachment["aliases"]?.array ?? []) } ?? [])
                return .object(attachment)
            })
    }
}
