import EngineWire
import Linux
import Monitor
import Networking
import ProjectModel
import Reconcile

/// Owns what the engine knows about containers, networks and volumes. A change is in the store before anyone relies on
/// it.
package actor Inventory {
    private let store: Store
    /// The source of subnets for networks that name none.
    let addressPools: SubnetPools
    let networkDefaults: NetworkDefaults
    private(set) var containers: [String: ContainerRecord] = [:]
    var index = ContainerIndex()
    private(set) var networks: [String: NetworkRecord] = [:]
    private(set) var volumes: [String: VolumeRecord] = [:]
    var addressMemory: AddressMemory
    /// Ids of images that a rollback would need, by project.
    private var versionImages: [String: Set<String>]
    /// Networks that are being removed; no container may join them.
    private var leavingNetworks: Set<String> = []
    private var unsynced = Unsynced()
    var health = HealthTable()
    private var watch = ChangeWatch()
    /// Records that are being written to the store, each with the tasks that wait to change it next.
    private var writing: [String: [CheckedContinuation<Void, Never>]] = [:]
    private let quiet: Quiet
    /// Gets every event of containers.
    nonisolated let events: EventBus
    /// Stores the events that a person may ask about later.
    nonisolated let history: History

    package init(
        store: Store, content: Store.Content, addressPools: SubnetPools = .standard,
        networkDefaults: NetworkDefaults = NetworkDefaults(), quiet: Quiet = Quiet(),
        events: EventBus = EventBus()
    ) {
        (self.events, self.store, self.quiet) = (events, store, quiet)
        history = History(store: store)
        (self.addressPools, self.networkDefaults) = (addressPools, networkDefaults)
        addressMemory = AddressMemory(content.containers, given: content.givenAddresses)
        versionImages = content.versionImages
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
        everyContainer(of: project).filter { !isHidden($0) }
    }

    /// The containers that one loop looks after.
    func containers(of group: Subject) -> [ContainerRecord] {
        everyContainer(of: group).filter { !isHidden($0) }
    }

    func everyContainer(of group: Subject) -> [ContainerRecord] {
        switch group {
        case .project(let name): everyContainer(of: name)
        case .container(let id): containers[id].map { [$0] } ?? []
        }
    }

    /// Complete containers of `group` with a desired state of their own.
    func singles(of group: Subject) -> [DesiredContainer] {
        everyContainer(of: group).compactMap { record in
            guard record.number == nil, record.life.phase != .creating, record.life.phase != .removing else {
                return nil
            }
            return DesiredContainer(
                id: record.id, owner: record.owner, template: record.template, definitions: record.definitions,
                wish: record.wish ?? ContainerWish(goal: record.life.phase == .created ? .created : .running))
        }
    }

    /// Includes the hidden half of a replacement in progress.
    func everyContainer(of project: String) -> [ContainerRecord] { records(index.projects[project]) }

    func containers(of project: String, service: String) -> [ContainerRecord] {
        records(index.services[.init(project: project, service: service)]).filter { !isHidden($0) }
    }

    /// Containers that publish a host port within `ranges`, whether they run or not.
    func containers(publishing ranges: [ClosedRange<UInt16>]) -> [ContainerRecord] {
        guard !ranges.isEmpty else { return [] }
        let ids = index.ports.filter { port, _ in ranges.contains { $0.contains(port) } }.values
        return records(ids.reduce(into: Set()) { $0.formUnion($1) }).filter { !isHidden($0) }
    }

    func container(named name: String) -> ContainerRecord? {
        (index.names[name] ?? []).sorted().lazy.compactMap { self.containers[$0] }.first { !self.isHidden($0) }
    }

    /// It was created to replace a container that still exists and still has everything.
    func isSuccessor(_ container: ContainerRecord) -> Bool {
        guard let old = predecessor(of: container) else { return false }
        return old.replacedBy != container.id
    }

    /// When two containers share one place, the hidden one of them.
    func isHidden(_ container: ContainerRecord) -> Bool { isSuccessor(container) || successor(of: container) != nil }

    /// The container that it replaces, or replaced and may hand the place back to.
    func predecessor(of container: ContainerRecord) -> ContainerRecord? {
        container.successorOf.flatMap { containers[$0] }
    }

    /// The container that took its place and may hand it back.
    func successor(of container: ContainerRecord) -> ContainerRecord? {
        container.replacedBy.flatMap { containers[$0] }
    }

    /// The containers created to replace `id`, whether `id` still exists or not.
    func successors(of id: String) -> [ContainerRecord] { records(index.successors[id]) }

    /// Finds a container by its id, a unique prefix of it, or its name.
    func find(_ text: String) -> ContainerRecord? {
        if let exact = containers[text] ?? container(named: text) { return exact }
        guard text.utf8.count >= 4 else { return nil }
        let matches = containers.values.filter { $0.id.hasPrefix(text) }
        return matches.count == 1 ? matches.first : nil
    }

    /// Sorted by name, like the other lists.
    func allContainers() -> [ContainerRecord] {
        index.names.sorted { $0.key < $1.key }.flatMap { $0.value.sorted() }.compactMap { containers[$0] }
    }
    func allNetworks() -> [NetworkRecord] { networks.values.sorted { $0.name < $1.name } }
    func allVolumes() -> [VolumeRecord] { volumes.values.sorted { $0.name < $1.name } }
    func network(_ name: String) -> NetworkRecord? { networks[name] }
    /// Finds a network by its name, its id or a unique prefix of the id.
    func findNetwork(_ text: String) -> NetworkRecord? {
        if let exact = networks[text] { return exact }
        guard text.utf8.count >= 4 else { return nil }
        let matches = networks.values.filter { $0.id.hasPrefix(text) }
        return matches.count == 1 ? matches.first : nil
    }
    func isLeaving(network name: String) -> Bool { leavingNetworks.contains(name) }
    /// Without networks that are being removed.
    func standingNetworks() -> [NetworkRecord] { allNetworks().filter { !leavingNetworks.contains($0.name) } }
    func volume(_ name: String) -> VolumeRecord? { volumes[name] }

    /// The run that `container` describes is still going on.
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

    /// Images to keep although no container uses them now.
    var keptImages: Set<String> { versionImages.values.reduce(into: []) { $0.formUnion($1) } }
    func keepImages(_ images: [String: Set<String>]) { versionImages = images }

    func records(_ ids: Set<String>?) -> [ContainerRecord] {
        (ids ?? []).compactMap { containers[$0] }.sorted { $0.name < $1.name }
    }

    /// The only way to add, change or delete a container's record in memory.
    func set(_ record: ContainerRecord?, for id: String) {
        for var event in ContainerRecord.events(from: containers[id], to: record, now: events.now()) {
            if event.kind == .network, let network = networks[event.id] {
                event.attributes["type"] = network.driver
                event.id = network.id
            }
            events.publish(event)
        }
        if let old = containers[id] {
            index.remove(old)
            unsynced.insert(old)
        }
        containers[id] = record
        if let record {
            index.add(record)
            unsynced.insert(record)
        }
    }

    /// Returns what changed since the last call.
    func takeUnsynced() -> Unsynced {
        defer { unsynced = Unsynced() }
        return unsynced
    }

    /// Containers with links to others.
    func linkedContainers() -> [ContainerRecord] { index.linked.compactMap { containers[$0] } }

    /// The anonymous volume of a place, when no container uses it any more.
    func anonymousVolume(_ binding: VolumeRecord.Binding) -> VolumeRecord? {
        volumes.values.first { $0.binding == binding && users(ofVolume: $0.name).isEmpty }
    }

    // MARK: Changing

    /// Adds a record, with the addresses that its networks gave it.
    func insert(_ container: ContainerRecord, given addresses: [GivenAddress] = []) async throws {
        if case .free(let name) = container.owner { try checkIsFree(name, for: container.id) }
        set(container, for: container.id)  // first: nobody else takes its names while the store writes
        await beginWriting(container.id)
        defer { endWriting(container.id) }
        do {
            try await store.save(container, given: addresses)
        } catch {
            set(nil, for: container.id)
            throw error
        }
        changed(container)
    }

    /// Changes a record: first in the store, then in memory. If the store fails, nothing changes. Pass `volatile` when
    /// losing the write is harmless because a restart of the engine finds it out again; then memory changes even if the
    /// store fails.
    @discardableResult
    func update(
        _ id: String, volatile: Bool = false, _ change: @Sendable (inout ContainerRecord) -> Void
    ) async throws -> ContainerRecord? {
        try await decide(id, volatile: volatile) { record in
            change(&record)
            return record
        }
    }

    /// Changes a record and returns the decision of the closure; nil when there is no such container.
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
        changed(record)
        return decision
    }

    /// Changes a record with data that only the inventory has. Memory changes first, so that nobody else takes the same
    /// names or addresses while the store writes.
    func rewrite(
        _ id: String, _ change: (inout ContainerRecord, inout [GivenAddress]) throws -> Void
    ) async throws -> ContainerRecord? {
        await beginWriting(id)
        defer { endWriting(id) }
        guard let before = containers[id] else { return nil }
        var record = before
        var given: [GivenAddress] = []
        try change(&record, &given)
        guard record != before else { return record }
        set(record, for: id)
        do { try await store.save(record, given: given) } catch {
            set(before, for: id)
            throw error
        }
        changed(record)
        return record
    }

    /// Admits a container: from now on it has its place, and the container that it replaces has lost it.
    func admit(_ id: String) async throws {
        let ids = [id, containers[id]?.successorOf].compactMap(\.self)
        for id in ids { await beginWriting(id) }
        defer { for id in ids { endWriting(id) } }
        let before = ids.compactMap { containers[$0] }
        // Both change in memory in one step, so nobody sees two containers in the place, or none.
        let after = before.map { record in
            var record = record
            record.isAside = record.id == id ? nil : true
            if record.id == id { record.runsBeside = nil } else { record.replacedBy = id }
            return record
        }
        for record in after { set(record, for: record.id) }
        do { try await store.save(after) } catch {
            for record in before { set(record, for: record.id) }
            throw error
        }
        for record in after { changed(record) }
    }

    func removeContainer(_ id: String) async throws {
        await beginWriting(id)
        defer { endWriting(id) }
        guard let record = containers[id] else { return }
        try await store.removeContainer(id)
        set(nil, for: id)
        history.forget(record)
        addressMemory.removed(record)
        health.remove(id)
        changed(record)
        quiet.note()
    }

    func insert(_ network: NetworkRecord) async throws {
        networks[network.name] = network
        unsynced.networks.insert(network.name)
        do {
            try await store.save(network)
        } catch {
            networks[network.name] = nil
            unsynced.networks.insert(network.name)
            throw error
        }
        tell("create", network)
    }

    private func tell(_ action: String, _ network: NetworkRecord) {
        events.publish(
            EngineEvent(
                .network, action, id: network.id, attributes: ["name": network.name, "type": network.driver],
                time: events.now()))
    }

    private func tell(_ action: String, _ volume: VolumeRecord) {
        events.publish(
            EngineEvent(.volume, action, id: volume.name, attributes: ["driver": volume.driver], time: events.now()))
    }

    /// Stops new containers from joining a network. If containers use it, returns them and changes nothing.
    func beginRemoval(ofNetwork name: String) -> [ContainerRecord] {
        let users = users(ofNetwork: name)
        if users.isEmpty {
            leavingNetworks.insert(name)
            unsynced.networks.insert(name)
        }
        return users
    }

    /// Undoes `beginRemoval`.
    func cancelRemoval(ofNetwork name: String) {
        leavingNetworks.remove(name)
        unsynced.networks.insert(name)
    }

    func removeNetwork(_ name: String) async throws {
        try await store.removeNetwork(name)
        if let network = networks[name] { tell("destroy", network) }
        networks[name] = nil
        unsynced.networks.insert(name)
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
        tell("create", volume)
    }

    /// Creates a recorded volume on `machine` and stores its path.
    func make(_ volume: VolumeRecord, on machine: any Machine) async throws {
        let mountpoint = try await machine.createVolume(volume)
        guard var record = volumes[volume.name], record.mountpoint != mountpoint else { return }
        record.mountpoint = mountpoint
        volumes[volume.name] = record
        try await store.save(record)
    }

    func removeVolume(_ name: String) async throws {
        try await store.removeVolume(name)
        if let volume = volumes[name] { tell("destroy", volume) }
        volumes[name] = nil
    }

    // MARK: Turns

    /// Allows one writer per record at a time, so that the store and memory see the same changes in the same order.
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

    /// Read this before you check the state that you then wait for.
    func currentEpoch() -> Int { watch.epoch }

    /// Returns at the next change of `subject` after `epoch`, or when the task is cancelled. Returns at once if the
    /// container does not exist.
    func change(of subject: Subject, after epoch: Int) async {
        guard !watch.hasChanged(subject, since: epoch), !Task.isCancelled else { return }
        if case .container(let id) = subject, containers[id] == nil { return }
        let number = watch.nextNumber()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume()
                } else {
                    watch.add(continuation, number, for: subject)
                }
            }
        } onCancel: {
            Task { await self.wake(subject, number) }
        }
    }

    private func wake(_ subject: Subject, _ number: Int) { watch.wake(subject, number) }

    func changed(_ container: ContainerRecord) {
        watch.changed(container.id, isGone: containers[container.id] == nil, project: container.project)
    }
}
