import EngineWire
import GRDB
import JSON

/// Stores the history of containers.
extension Store {
    /// The number of entries to keep for each place. Changes count separately from starts, ends and the like, so that a
    /// container that keeps restarting does not push them out.
    static let keptOccurrences = (course: 200, changes: 50)

    static func makeOccurrenceTable(_ database: Database) throws {
        try database.create(table: "occurrence") { definition in
            definition.autoIncrementedPrimaryKey("number")
            definition.column("project", .text).notNull()
            definition.column("place", .text).notNull()
            definition.column("isChange", .boolean).notNull()
            definition.column("record", .blob).notNull()
        }
        try database.create(
            index: "occurrencePlace", on: "occurrence", columns: ["project", "place", "isChange", "number"])
    }

    func write(_ entries: [History.Entry]) throws {
        try write(takesAway: false) { database in
            var touched: Set<Kept> = []
            for entry in entries {
                switch entry {
                case .add(let occurrence, let place):
                    touched.insert(Kept(place: place, isChange: occurrence.kind.isChange))
                    let text = String(decoding: try encodeJSON(occurrence), as: UTF8.self)
                    try database.execute(
                        sql:
                            "INSERT INTO occurrence (project, place, isChange, record) VALUES (?, ?, ?, CAST(? AS BLOB))",
                        arguments: [place.project ?? "", place.name, occurrence.kind.isChange, text])
                case .forget(let place):
                    try database.execute(
                        sql: "DELETE FROM occurrence WHERE project = ? AND place = ?",
                        arguments: [place.project ?? "", place.name])
                case .forgetProject(let project):
                    try database.execute(sql: "DELETE FROM occurrence WHERE project = ?", arguments: [project])
                }
            }
            for kept in touched {
                let (project, place) = (kept.place.project ?? "", kept.place.name)
                let limit = kept.isChange ? Self.keptOccurrences.changes : Self.keptOccurrences.course
                try database.execute(
                    sql: """
                        DELETE FROM occurrence WHERE project = ? AND place = ? AND isChange = ? AND number <= (
                            SELECT number FROM occurrence WHERE project = ? AND place = ? AND isChange = ?
                            ORDER BY number DESC LIMIT 1 OFFSET ?)
                        """,
                    arguments: [project, place, kept.isChange, project, place, kept.isChange, limit])
            }
        }
    }

    private struct Kept: Hashable {
        let place: History.Place
        let isChange: Bool
    }

    /// Oldest first. Skips entries that a newer release wrote in another form.
    func occurrences(at place: History.Place) throws -> [Occurrence] {
        try reading { database in
            try Row.fetchAll(
                database, sql: "SELECT record FROM occurrence WHERE project = ? AND place = ? ORDER BY number",
                arguments: [place.project ?? "", place.name]
            ).compactMap { row in
                let bytes: [UInt8] = try row.withUnsafeData(atIndex: 0) { data in data.map { Array($0) } ?? [] }
                return try? decodeJSON(Occurrence.self, from: bytes)
            }
        }
    }
}

extension Occurrence.Kind {
    /// The container was replaced or its settings changed.
    var isChange: Bool {
        switch self {
        case .created, .replaced, .changed, .removed: true
        case .started, .startFailed, .stopping, .signalled, .ended, .paused, .unpaused, .health, .failed, .pulled,
            .pullFailed:
            false
        }
    }
}
