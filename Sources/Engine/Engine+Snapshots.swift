import EngineWire
import Linux
import ProjectModel
import Reconcile

/// One container and everything connected with it, at one moment.
package struct ContainerSnapshot: Sendable {
    package var record: ContainerRecord
    package var health: HealthHistory?
    /// The networks it is on, by name.
    package var networks: [String: NetworkRecord]
    /// Folders of its volumes, by name.
    package var mountpoints: [String: String]
    package var paths: EnginePaths
}

/// The results of the probes of one run.
package struct HealthHistory: Hashable, Sendable {
    package struct Probe: Hashable, Sendable {
        /// Nanoseconds since 1970.
        package var began: Int64
        package var ended: Int64
        package var code: Int
        package var output: String
    }

    /// The number of probes to keep, the same as in dockerd.
    static let memory = 5

    /// `starting`, `healthy` or `unhealthy`.
    package var status: String
    /// Consecutive failures.
    package var failures = 0
    /// The last probes, oldest first.
    package var probes: [Probe] = []

    mutating func add(_ probe: Probe) {
        failures = probe.code == 0 ? 0 : failures + 1
        probes.append(probe)
        if probes.count > Self.memory { probes.removeFirst() }
    }
}

extension Engine {
    /// Finds a container by its id, a unique prefix of it, or its name.
    package func snapshot(_ name: String) async throws -> ContainerSnapshot {
        await gate.wait(for: .known)
        guard let snapshot = await parts.inventory.snapshot(name, paths: parts.paths) else {
            throw EngineFailure(code: .notFound, message: "No such container: \(name)")
        }
        return told(snapshot)
    }

    /// Fills in the engine's default logging where the container has none of its own.
    private func told(_ snapshot: ContainerSnapshot) -> ContainerSnapshot {
        guard settings.defaults.logging != nil else { return snapshot }
        var snapshot = snapshot
        snapshot.record.template.logging = settings.defaults.logging(snapshot.record.template.logging)
        return snapshot
    }

    /// All visible containers, by name.
    package func snapshots() async -> [ContainerSnapshot] {
        await gate.wait(for: .known)
        return await parts.inventory.snapshots(paths: parts.paths).map(told)
    }

    /// Bytes that a container has written into its own layer.
    package func writableSize(of id: String) async -> Int64 { await parts.machine.writableSize(of: id) }

    package func networkRecords() async -> [NetworkRecord] {
        await gate.wait(for: .known)
        return await parts.inventory.standingNetworks()
    }

    /// Finds a network by its name, its id or a prefix of the id.
    package func networkRecord(_ text: String) async throws -> NetworkRecord {
        await gate.wait(for: .known)
        guard let record = await parts.inventory.findNetwork(text) else {
            throw EngineFailure(code: .notFound, message: "network \(text) not found")
        }
        return record
    }

    /// Includes the network for containers of no project, and creates it if it is missing.
    package func networksWithCommon() async throws -> [NetworkRecord] {
        await gate.wait(for: .ready)
        if await parts.inventory.network(Self.commonNetwork) == nil {
            // Another task may create it at the same moment.
            try? await parts.objects.createNetwork(
                settings.networkDefaults.common(Self.commonNetwork), project: nil, key: nil)
        }
        return await networkRecords()
    }

    /// Names of volumes that containers use.
    package func volumesInUse() async -> Set<String> {
        await parts.inventory.allContainers().reduce(into: []) { $0.formUnion($1.volumeNames) }
    }

    /// The size of a volume's content in bytes.
    package func volumeSize(_ name: String) async -> Int64 {
        guard let folder = await parts.inventory.volume(name)?.mountpoint else { return 0 }
        return await parts.machine.size(ofFolder: folder)
    }

    /// A key for a request that must not be carried out twice.
    package nonisolated func newKey() -> String { parts.machine.newID() }

    package func volumeRecords() async -> [VolumeRecord] {
        await gate.wait(for: .known)
        return await parts.inventory.allVolumes()
    }

    package func volumeRecord(_ name: String) async throws -> VolumeRecord {
        await gate.wait(for: .known)
        guard let record = await parts.inventory.volume(name) else {
            throw EngineFailure(code: .notFound, message: "get \(name): no such volume")
        }
        return record
    }
}

extension Inventory {
    func snapshot(_ text: String, paths: EnginePaths) -> ContainerSnapshot? {
        find(text).map { snapshot($0, paths) }
    }

    func snapshots(paths: EnginePaths) -> [ContainerSnapshot] {
        allContainers().filter { $0.life.phase != .creating && !isHidden($0) }.map { snapshot($0, paths) }
    }

    private func snapshot(_ record: ContainerRecord, _ paths: EnginePaths) -> ContainerSnapshot {
        var networks: [String: NetworkRecord] = [:]
        for endpoint in record.endpoints { networks[endpoint.network] = network(endpoint.network) }
        var mountpoints: [String: String] = [:]
        for name in record.volumeNames { mountpoints[name] = volume(name)?.mountpoint }
        return ContainerSnapshot(
            record: record, health: healthHistory(of: record.id), networks: networks, mountpoints: mountpoints,
            paths: paths)
    }
}
