import EngineWire
import Linux
import Monitor
import Networking
import ProjectModel
import Reconcile

/// Owns what the engine knows of containers, networks and volumes: in memory, and in the store before anyone relies on it.
package actor Inventory {
    private let store: Store
    /// Where subnets of networks that name none come from.
    let addressPools: SubnetPools
    private(set) var containers: [String: ContainerRecord] = [:]
    private var index = ContainerIndex()
    private(set) var networks: [String: NetworkRecord] = [:]
    private(set) var volumes: [String: VolumeRecord] = [:]
    var addressMemory: AddressMemory
    /// Networks whose removal is under way: nothing joins them any more.
    private var leavingNetworks: Set<String> = []
    /// Health is not stored: after a restart of the engine it is unknown until the next probe.
    private var health: [String: ObservedContainer.Health] = [:]
    private var answers: [String: HealthAnswer] = [:]
    /// Raised at every change of a project's containers, so that waiting never misses one.
    private var epochs: [String: Int] = [:]
    private var waiters: [String: [Int: CheckedContinuation<Void, Never>]] = [:]
    private var nextWaiter = 0
    /// Records on their way to the store, with whoever changes the same one next.
    private var writing: [String: [CheckedContinuation<Void, Never>]] = [:]
    private let quiet: Quiet

    package init(
        store: Store, content: Store.Content, addressPools: SubnetPools = .standard, quiet: Quiet = Quiet()
    ) {
        self.addressPools = addressPools
        self.store = store
        self.quiet = quiet
        addressMemory = AddressMemory(content.containers)
        for record in content.containers {
            containers[record.id] = record
            index.add(record)
        }
        for record in content.networks { networks[record.name] = record }
        for record in content.volumes { volumes[record.name] = record }
    }

    // MARK: Reading

    func container(_ id: String) -> ContainerRecord? { containers[id] }

    func containers(of project: String) -> [ContainerRecord] {
        everyContainer(of: project).filter { !isSuccessor($0) }
    }

    /// Those too that were made to take the place of another one that is still there.
    func everyContainer(of project: String) -> [ContainerRecord] { records(index.projects[project]) }

    func containers(of project: String, service: String) -> [ContainerRecord] {
        records(index.services[.init(project: project, service: service)]).filter { !isSuccessor($0) }
    }

    /// Those that publish a port of the host within `ranges`, whether they run or not.
    func containers(publishing ranges: [ClosedRange<UInt16>]) -> [ContainerRecord] {
        guard !ranges.isEmpty else { return [] }
        let ids = index.ports.filter { port, _ in ranges.contains { $0.contains(port) } }.values
        return records(ids.reduce(into: Set()) { $0.formUnion($1) }).filter { !isSuccessor($0) }
    }

    func container(named name: String) -> ContainerRecord? {
        (index.names[name] ?? []).sorted().lazy.compactMap { self.containers[$0] }.first { !self.isSuccessor($0) }
    }

    /// The container whose place it takes is still there.
    func isSuccessor(_ container: ContainerRecord) -> Bool {
        container.successorOf.map { containers[$0] != nil } ?? false
    }

    /// By id, a prefix of it that fits only one, or name.
    func find(_ text: String) -> ContainerRecord? {
        if let exact = containers[text] ?? container(named: text) { return exact }
        guard text.utf8.count >= 4 else { return nil }
        let matches = containers.values.filter { $0.id.hasPrefix(text) }
        return matches.count == 1 ? matches.first : nil
    }

    /// By name, like the other lists.
    func allContainers() -> [ContainerRecord] {
        index.names.sorted { $0.key < $1.key }.flatMap { $0.value.sorted() }.compactMap { containers[$0] }
    }
    func allNetworks() -> [NetworkRecord] { networks.values.sorted { $0.name < $1.name } }
    func allVolumes() -> [VolumeRecord] { volumes.values.sorted { $0.name < $1.name } }
    func network(_ name: String) -> NetworkRecord? { networks[name] }
    /// By name, id, or the beginning of an id that fits only one.
    func findNetwork(_ text: String) -> NetworkRecord? {
        if let exact = networks[text] { return exact }
        guard text.utf8.count >= 4 else { return nil }
        let matches = networks.values.filter { $0.id.hasPrefix(text) }
        return matches.count == 1 ? matches.first : nil
    }
    func isLeaving(network name: String) -> Bool { leavingNetworks.contains(name) }
    /// Without those whose removal is under way.
    func standingNetworks() -> [NetworkRecord] { allNetworks().filter { !leavingNetworks.contains($0.name) } }
    func volume(_ name: String) -> VolumeRecord? { volumes[name] }
    func health(of id: String) -> ObservedContainer.Health? { health[id] }
    /// Why a container is not healthy: nil when its last probe succeeded, or there was none.
    func lastAnswer(of id: String) -> HealthAnswer? { answers[id] }

    /// The run that `container` shows is not over.
    func runs(_ container: ContainerRecord) -> Bool {
        guard let current = containers[container.id], current.isUp else { return false }
        return current.life.startedAt == container.life.startedAt
    }

    func users(ofNetwork name: String) -> [ContainerRecord] {
        records(index.networks[name])
    }

    func users(ofVolume name: String) -> [ContainerRecord] {
        records(index.volumes[name])
    }

    private func records(_ ids: Set<String>?) -> [ContainerRecord] {
        (ids ?? []).compactMap { containers[$0] }.sorted { $0.name < $1.name }
    }

    /// The one way in which a container's record gets into memory, changes there, and leaves it.
    private func set(_ record: ContainerRecord?, for id: String) {
        if let old = containers[id] { index.remove(old) }
        containers[id] = record
        if let record { index.add(record) }
    }

    /// The anonymous volume of a place, when no container holds it any more.
    func anonymousVolume(_ binding: VolumeRecord.Binding) -> VolumeRecord? {
        volumes.values.first { $0.binding == binding && users(ofVolume: $0.name).isEmpty }
    }

    // MARK: Changing

    /// Adds a record: in the store before it is in memory.
    func insert(_ container: ContainerRecord) async throws {
        set(container, for: container.id)  // first, so that names and addresses are taken while the store works
        await beginWriting(container.id)
        defer { endWriting(container.id) }
        do {
            try await store.save(container)
        } catch {
            set(nil, for: container.id)
            throw error
        }
        changed(container.project)
    }

    /// Changes a record: in the store, then in memory; a change that cannot be stored is not made. Pass `volatile` when losing the
    /// write is harmless because a restart of the engine finds it out again: then it is made in any case.
    @discardableResult
    func update(
        _ id: String, volatile: Bool = false, _ change: @Sendable (inout ContainerRecord) -> Void
    ) async throws -> ContainerRecord? {
        try await decide(id, volatile: volatile) { record in
            change(&record)
            return record
        }
    }

    /// Changes a record and answers with what was decided on the way; nil when there is no such container.
    func decide<Decision: Sendable>(
        _ id: String, volatile: Bool = false, _ change: @Sendable (inout ContainerRecord) -> Decision
    ) async throws -> Decision? {
        await beginWriting(id)
        defer { endWriting(id) }
        guard var record = containers[id] else { return nil }
        let before = record
        let decision = change(&record)
        guard record != before else { return decision }
        do { try await store.save(record, takesAway: volatile) } catch { guard volatile else { throw error } }
        set(record, for: id)
        changed(record.project)
        return decision
    }

    func removeContainer(_ id: String) async throws {
        await beginWriting(id)
        defer { endWriting(id) }
        guard let record = containers[id] else { return }
        try await store.removeContainer(id)
        set(nil, for: id)
        addressMemory.removed(record)
        health[id] = nil
        answers[id] = nil
        changed(record.project)
        quiet.note()
    }

    /// What a probe found in the run that `container` shows, with its answer when it failed; nothing when that run is over.
    func setHealth(
        _ value: ObservedContainer.Health, of container: ContainerRecord, answer: HealthAnswer? = nil
    ) {
        guard runs(container), answers[container.id] != answer || health[container.id] != value else { return }
        answers[container.id] = answer
        health[container.id] = value
        changed(container.project)
    }

    func forgetHealth(of id: String) {
        answers[id] = nil
        guard health.removeValue(forKey: id) != nil, let record = containers[id] else { return }
        changed(record.project)
    }

    func insert(_ network: NetworkRecord) async throws {
        networks[network.name] = network
        do {
            try await store.save(network)
        } catch {
            networks[network.name] = nil
            throw error
        }
    }

    /// Takes a network out of reach of new containers; those that use it are the answer, and then nothing was done.
    func beginRemoval(ofNetwork name: String) -> [ContainerRecord] {
        let users = users(ofNetwork: name)
        if users.isEmpty { leavingNetworks.insert(name) }
        return users
    }

    /// It stays after all.
    func cancelRemoval(ofNetwork name: String) { leavingNetworks.remove(name) }

    func removeNetwork(_ name: String) async throws {
        try await store.removeNetwork(name)
        networks[name] = nil
        addressMemory.removed(network: name)
        leavingNetworks.remove(name)
    }

    func insert(_ volume: VolumeRecord) async throws {
        volumes[volume.name] = volume
        do {
            try await store.save(volume)
        } catch {
            volumes[volume.name] = nil
            throw error
        }
    }

    func removeVolume(_ name: String) async throws {
        try await store.removeVolume(name)
        volumes[name] = nil
    }

    // MARK: Turns

    /// One writes a record at a time, so that store and memory see the same changes in the same order.
    private func beginWriting(_ id: String) async {
        guard writing[id] != nil else {
            writing[id] = []
            return
        }
        await withCheckedContinuation { writing[id]?.append($0) }
    }

    private func endWriting(_ id: String) {
        guard writing[id]?.isEmpty == false else {
            writing[id] = nil
            return
        }
        writing[id]?.removeFirst().resume()
    }

    // MARK: Waiting

    func epoch(of project: String) -> Int { epochs[project, default: 0] }

    /// Returns at the next change of `project` after `epoch`, or when the task is cancelled.
    func change(of project: String, after epoch: Int) async {
        guard epochs[project, default: 0] == epoch, !Task.isCancelled else { return }
        let number = nextWaiter
        nextWaiter += 1
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume()
                } else {
                    waiters[project, default: [:]][number] = continuation
                }
            }
        } onCancel: {
            Task { await self.wake(project, number) }
        }
    }

    private func wake(_ project: String, _ number: Int) {
        waiters[project]?.removeValue(forKey: number)?.resume()
    }

    private func changed(_ project: String) {
        epochs[project, default: 0] += 1
        guard let waiting = waiters.removeValue(forKey: project) else { return }
        for continuation in waiting.values { continuation.resume() }
    }
}

extension ContainerRecord {
    var volumeNames: [String] {
        mounts.compactMap { mount in
            guard case .volume(let name, _, _, _) = mount.source else { return nil }
            return name
        }
    }

    var anonymousVolumes: [(name: String, target: String)] {
        mounts.compactMap { mount in
            guard case .volume(let name, true, _, _) = mount.source else { return nil }
            return (name, mount.target)
        }
    }
}
