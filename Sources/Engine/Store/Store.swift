import EngineWire
import GRDB
import Glibc
import JSON
import Linux
import Reconcile
import Synchronization

/// The engine's database: desired states, and the records of containers, networks and volumes.
///
/// One thread of its own reads and writes it, in the order of the calls.
package actor Store {
    /// Everything that an engine reads when it starts.
    package struct Content: Sendable {
        package var desired: [String: Desired] = [:]
        package var containers: [ContainerRecord] = []
        package var networks: [NetworkRecord] = []
        package var volumes: [VolumeRecord] = []
        /// The last address that each network gave.
        package var givenAddresses: [GivenAddress] = []
        /// Ids of images that a rollback would need, by project.
        package var versionImages: [String: Set<String>] = [:]
    }

    private nonisolated let executor = ThreadExecutor(name: "store")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private let database: DatabaseQueue
    private let path: String
    private let reserve: Reserve

    /// Disk space held in reserve. The store frees it when the disk is full, so that it can still save `stop` and
    /// `down`, and takes it again when there is room.
    private final class Reserve: Sendable {
        private let path: String
        /// Avoids checking the disk at every write.
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

    /// Opens or creates the database at `path`.
    /// - Throws: `StoreError` when a newer berth wrote it, or SQLite's error.
    package init(path: String) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            // A crash of the engine loses nothing. A power failure may lose the last transactions, but cannot corrupt
            // the file.
            try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        }
        // It contains values of environment variables, so only root may read it. SQLite gives the files beside it the
        // same mode.
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

    package func load() throws -> Content {
        try database.read { database in
            var content = Content()
            for desired in try Self.rows(Desired.self, "project", database) {
                content.desired[desired.project] = desired
            }
            content.containers = try Self.rows(ContainerRecord.self, "container", database)
            content.networks = try Self.rows(NetworkRecord.self, "network", database)
            content.volumes = try Self.rows(VolumeRecord.self, "volume", database)
            content.givenAddresses = try Row.fetchAll(database, sql: "SELECT network, address FROM givenAddress")
                .compactMap { row in IPAddress(row[1] as String).map { GivenAddress(network: row[0], address: $0) } }
            content.versionImages = try Self.versionImages(database)
            return content
        }
    }

    func reading<Result>(_ body: (Database) throws -> Result) throws -> Result { try database.read(body) }

    /// `takesAway`: the new state has less than the old one, so this write may use the reserved disk space.
    package func save(_ desired: Desired, _ versions: [ServiceVersion] = [], takesAway: Bool = false) throws {
        let bytes = try encodeJSON(desired)
        try write(takesAway: takesAway) { database in
            try Self.put("project", desired.project, bytes, database)
            for version in versions { try Self.put(version, database) }
        }
    }
    /// Saves all of them or none.
    package func save(_ containers: [ContainerRecord]) throws {
        let rows = try containers.map { (name: $0.id, bytes: try encodeJSON($0)) }
        try write(takesAway: false) { database in
            for row in rows { try Self.put("container", row.name, row.bytes, database) }
        }
    }
    package func save(_ container: ContainerRecord, takesAway: Bool = false) throws {
        try save("container", container.id, container, takesAway)
    }
    /// Saves a new container and the addresses that its networks gave in sequence: both or neither.
    package func save(_ container: ContainerRecord, given addresses: [GivenAddress]) throws {
        try save("container", container.id, container, false) { database in
            for given in addresses {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO givenAddress (network, family, address) VALUES (?, ?, ?)",
                    arguments: [given.network, given.address.family.width, "\(given.address)"])
            }
        }
    }
    package func save(_ network: NetworkRecord) throws { try save("network", network.name, network, false) }
    package func save(_ volume: VolumeRecord) throws { try save("volume", volume.name, volume, false) }
    package func removeProject(_ name: String) throws {
        try write(takesAway: true) { database in
            try database.execute(sql: "DELETE FROM project WHERE name = ?", arguments: [name])
            try database.execute(sql: "DELETE FROM version WHERE project = ?", arguments: [name])
        }
    }
    package func removeContainer(_ id: String) throws { try remove("container", id) }
    package func removeNetwork(_ name: String) throws {
        try remove("network", name) { database in
            try database.execute(sql: "DELETE FROM givenAddress WHERE network = ?", arguments: [name])
        }
    }
    package func removeVolume(_ name: String) throws { try remove("volume", name) }

    private static func rows<T: Decodable>(_ type: T.Type, _ table: String, _ database: Database) throws -> [T] {
        try Row.fetchAll(database, sql: "SELECT record FROM \(table) ORDER BY name").map { row in
            let bytes: [UInt8] = try row.withUnsafeData(atIndex: 0) { data in data.map { Array($0) } ?? [] }
            return try decodeJSON(type, from: bytes)
        }
    }

    private func save(
        _ table: String, _ name: String, _ record: some Encodable, _ takesAway: Bool,
        along: (Database) throws -> Void = { _ in }
    ) throws {
        let bytes = try encodeJSON(record)
        try write(takesAway: takesAway) { database in
            try Self.put(table, name, bytes, database)
            try along(database)
        }
    }

    private static func put(_ table: String, _ name: String, _ bytes: [UInt8], _ database: Database) throws {
        try database.execute(
            sql:
                "INSERT INTO \(table) (name, record) VALUES (?, CAST(? AS BLOB)) ON CONFLICT DO UPDATE SET record = excluded.record",
            arguments: [name, String(decoding: bytes, as: UTF8.self)])
    }

    private func remove(
        _ table: String, _ name: String, along: (Database) throws -> Void = { _ in }
    ) throws {
        try write(takesAway: true) { database in
            try database.execute(sql: "DELETE FROM \(table) WHERE name = ?", arguments: [name])
            try along(database)
        }
    }

    func write(takesAway: Bool, _ change: (Database) throws -> Void) throws {
        do {
            do {
                try database.write(change)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
                guard takesAway, reserve.give() else { throw error }
                return try database.write(change)
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            throw EngineFailure(
                code: .noSpace, message: "no space left on the disk for \(path)",
                hint: "free some space: remove unneeded images with `berth image rm`, or other files on that disk")
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
