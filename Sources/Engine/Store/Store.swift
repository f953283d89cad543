import EngineWire
import GRDB
import Glibc
import JSON
import Linux
import Reconcile
import Synchronization

/// The engine's database: desired states and the records of what was made.
///
/// One thread of its own reads and writes it, in the order of the calls.
package actor Store {
    /// Everything at the start of an engine.
    package struct Content: Sendable {
        package var desired: [String: Desired] = [:]
        package var containers: [ContainerRecord] = []
        package var networks: [NetworkRecord] = []
        package var volumes: [VolumeRecord] = []
    }

    private nonisolated let executor = ThreadExecutor(name: "store")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private let database: DatabaseQueue
    private let path: String
    private let reserve: Reserve

    /// Room that is given up when the disk is full, so that `stop` and `down` can still be stored, and taken again when there is some.
    private final class Reserve: Sendable {
        private let path: String
        /// Spares a look at the disk with every write.
        private let isTaken = Atomic(false)

        init(path: String) { self.path = path }

        func give() -> Bool {
            isTaken.store(false, ordering: .relaxed)
            return unlink(path) == 0
        }

        func take() {
            guard !isTaken.load(ordering: .relaxed), let file = try? openFile(path, O_RDWR | O_CREAT, mode: 0o600)
            else { return }
            let hasRoom = posix_fallocate(file.raw, 0, 512 << 10) == 0
            if !hasRoom { unlink(path) }
            isTaken.store(hasRoom, ordering: .relaxed)
        }
    }

    /// Opens or makes the database at `path`.
    /// - Throws: `StoreError` when it was written by a newer berth, or what SQLite says.
    package init(path: String) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            // A crash of the engine loses nothing; a power cut may lose the last transactions but never the file.
            try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        }
        // Values of environment variables are in it: for root alone, and SQLite's files beside it take the mode over.
        let file = try openFile(path, O_RDWR | O_CREAT, mode: 0o600)
        try syscall("fchmod", on: path) { fchmod(file.raw, 0o600) }
        database = try DatabaseQueue(path: path, configuration: configuration)
        self.path = path
        reserve = Reserve(path: "\(path).reserve")
        reserve.take()
        try Self.migrator.migrate(database)
        let known = try database.read { try Self.migrator.hasBeenSuperseded($0) }
        guard !known else { throw StoreError.newer(path: path) }
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            for table in ["project", "container", "network", "volume"] {
                try database.create(table: table) { definition in
                    definition.primaryKey("name", .text).notNull()
                    definition.column("record", .blob).notNull()
                }
            }
        }
        return migrator
    }

    package func load() throws -> Content {
        try database.read { database in
            var content = Content()
            for desired in try Self.rows(Desired.self, "project", database) {
                content.desired[desired.project] = desired
            }
            content.containers = try Self.rows(ContainerRecord.self, "container", database)
            content.networks = try Self.rows(NetworkRecord.self, "network", database)
            content.volumes = try Self.rows(VolumeRecord.self, "volume", database)
            return content
        }
    }

    /// `takesAway`: what it says is less than before, so it may use the last room on the disk.
    package func save(_ desired: Desired, takesAway: Bool = false) throws {
        try save("project", desired.project, desired, takesAway)
    }
    package func save(_ container: ContainerRecord, takesAway: Bool = false) throws {
        try save("container", container.id, container, takesAway)
    }
    package func save(_ network: NetworkRecord) throws { try save("network", network.name, network, false) }
    package func save(_ volume: VolumeRecord) throws { try save("volume", volume.name, volume, false) }
    package func removeProject(_ name: String) throws { try remove("project", name) }
    package func removeContainer(_ id: String) throws { try remove("container", id) }
    package func removeNetwork(_ name: String) throws { try remove("network", name) }
    package func removeVolume(_ name: String) throws { try remove("volume", name) }

    private static func rows<T: Decodable>(_ type: T.Type, _ table: String, _ database: Database) throws -> [T] {
        try Row.fetchAll(database, sql: "SELECT record FROM \(table) ORDER BY name").map { row in
            let bytes: [UInt8] = try row.withUnsafeData(atIndex: 0) { data in data.map { Array($0) } ?? [] }
            return try decodeJSON(type, from: bytes)
        }
    }

    private func save(_ table: String, _ name: String, _ record: some Encodable, _ takesAway: Bool) throws {
        let bytes = try encodeJSON(record)
        try write(takesAway: takesAway) { database in
            try database.execute(
                sql:
                    "INSERT INTO \(table) (name, record) VALUES (?, CAST(? AS BLOB)) ON CONFLICT DO UPDATE SET record = excluded.record",
                arguments: [name, String(decoding: bytes, as: UTF8.self)])
        }
    }

    private func remove(_ table: String, _ name: String) throws {
        try write(takesAway: true) {
            try $0.execute(sql: "DELETE FROM \(table) WHERE name = ?", arguments: [name])
        }
    }

    private func write(takesAway: Bool, _ change: (Database) throws -> Void) throws {
        do {
            do {
                try database.write(change)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
                guard takesAway, reserve.give() else { throw error }
                return try database.write(change)
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            throw EngineFailure(
                code: "no_space", message: "no space left on the disk for \(path)",
                hint: "free some: `berth image rm` of images that nothing needs, or other files on that disk")
        }
        reserve.take()
    }
}

package enum StoreError: Error, CustomStringConvertible {
    case newer(path: String)

    package var description: String {
        switch self {
        case .newer(let path): "\(path) was written by a newer berth; install that version or use another BERTH_ROOT"
        }
    }
}
