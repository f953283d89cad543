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
    let networkDefaults: NetworkDefaults
    private(set) var containers: [String: ContainerRecord] = [:]
    var index = ContainerIndex()
    private(set) var networks: [String: NetworkRecord] = [:]
    private(set) var volumes: [String: VolumeRecord] = [:]
    var addressMemory: AddressMemory
    /// The ids of images that a rollback would need, by project.
    private var versionImages: [String: Set<String>]
    /// Networks whose removal is under way: nothing joins them any more.
    private var leavingNetworks: Set<String> = []
    private var unsynced = Unsynced()
    /// Health is not stored: after a restart of the engine it is unknown until the next probe.
    private var health: [String: ObservedContainer.Health] = [:]
    private var answers: [String: HealthAnswer] = [:]
    /// Counts the changes of containers, so that waiting never misses one.
    private var epoch = 0
    /// The last change of each subject.
    private var lastChanges: [Subject: Int] = [:]
    private var waiters: [Subject: [Int: CheckedContinuation<Void, Never>]] = [:]
    private var nextWaiter = 0
    /// Records on their way to the store, with whoever changes the same one next.
    private var writing: [String: [CheckedContinuation<Void, Never>]] = [:]
    private let quiet: Quiet
    /// What the probes of those found that have a health check.
    private var healthHistories: [String: HealthHistory] = [:]
    /// Told of all that becomes of containers.
    nonisolated let events: EventBus
    /// Keeps what of that a person may want to know later.
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

    /// Those that are looked after together.
    func containers(of group: Subject) -> [ContainerRecord] {
        everyContainer(of: group).filter { !isHidden($0) }
    }

    func everyContainer(of group: Subject) -> [ContainerRecord] {
        switch group {
        case .project(let name): everyContainer(of: name)
        case .container(let id): containers[id].map { [$0] } ?? []
        }
    }

    /// Containers of `group` that are wanted by themselves, whole ones only.
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

    /// Those too of a replacement under way that nobody sees.
    func everyContainer(of project: String) -> [ContainerRecord] { records(index.projects[project]) }

    func containers(of project: String, service: String) -> [ContainerRecord] {
        records(index.services[.init(project: project, service: service)]).filter { !isHidden($0) }
    }

    /// Those that publish a port of the host within `ranges`, whether they run or not.
    func containers(publishing ranges: [ClosedRange<UInt16>]) -> [ContainerRecord] {
        guard !ranges.isEmpty else { return [] }
        let ids = index.ports.filter { port, _ in ranges.contains { $0.contains(port) } }.values
        return records(ids.reduce(into: Set()) { $0.formUnion($1) }).filter { !isHidden($0) }
    }

    func container(named name: String) -> ContainerRecord? {
        (index.names[name] ?? []).sorted().lazy.compactMap { self.containers[$0] }.first { !self.isHidden($0) }
    }

    /// It was made to take the place of another, which is still there and has everything.
    func isSuccessor(_ container: ContainerRecord) -> Bool {
        guard let old = predecessor(of: container) else { return false }
        return old.replacedBy != container.id
    }

    /// Of two in one place, the one that nobody sees.
    func isHidden(_ container: ContainerRecord) -> Bool { isSuccessor(container) || successor(of: container) != nil }

    /// The container whose place it takes, or has taken and may give back.
    func predecessor(of container: ContainerRecord) -> ContainerRecord? {
        container.successorOf.flatMap { containers[$0] }
    }

    /// What took its place and may give it back.
    func successor(of container: ContainerRecord) -> ContainerRecord? {
        container.replacedBy.flatMap { containers[$0] }
    }

    /// What was made to take the place of `id`, whether that is still there or not.
    func successors(of id: String) -> [ContainerRecord] { records(index.successors[id]) }

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

    /// Images that must stay although no container is made from them now.
    var keptImages: Set<String> { versionImages.values.reduce(into: []) { $0.formUnion($1) } }
    func keepImages(_ images: [String: Set<String>]) { versionImages = images }

    func records(_ ids: Set<String>?) -> [ContainerRecord] {
        (ids ?? []).compactMap { containers[$0] }.sorted { $0.name < $1.name }
    }

    /// The one way in which a container's record gets into memory, changes there, and leaves it.
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

    /// What changed since the last call.
    func takeUnsynced() -> Unsynced {
        defer { unsynced = Unsynced() }
        return unsynced
    }

    /// Containers with links to others.
    func linkedContainers() -> [ContainerRecord] { index.linked.compactMap { containers[$0] } }

    /// The anonymous volume of a place, when no container holds it any more.
    func anonymousVolume(_ binding: VolumeRecord.Binding) -> VolumeRecord? {
        volumes.values.first { $0.binding == binding && users(ofVolume: $0.name).isEmpty }
    }

    // MARK: Changing

    /// Adds a record, with the addresses that its networks gave it: in the store before it is in memory.
    func insert(_ container: ContainerRecord, given addresses: [GivenAddress] = []) async throws {
        set(container, for: container.id)  // first, so that names and addresses are taken while the store works
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
        changed(record)
        return decision
    }

    /// Changes a record by what only the inventory knows; in memory first, so that what it takes is taken while the store works.
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

    /// Lets a container in: from now on it has its place, and what it replaces has nothing any more.
    func admit(_ id: String) async throws {
        let ids = [id, containers[id]?.successorOf].compactMap(\.self)
        for id in ids { await beginWriting(id) }
        defer { for id in ids { endWriting(id) } }
        let before = ids.compactMap { containers[$0] }
        // Both at once in memory: nobody sees two, or none.
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
        health[id] = nil
        answers[id] = nil
        healthHistories[id] = nil
        changed(record)
        quiet.note()
    }

    /// What a probe found in the run that `container` shows, with its answer when it failed; nothing when that run is over.
    func setHealth(
        _ value: ObservedContainer.Health, of container: ContainerRecord, answer: HealthAnswer? = nil
    ) {
        guard runs(container), answers[container.id] != answer || health[container.id] != value else { return }
        answers[container.id] = answer
        if health[container.id] != value, let record = containers[container.id] {
            healthHistories[container.id, default: HealthHistory(status: "")].status = value.rawValue
            if value != .starting {
                var occurrence = Occurrence(at: Double(events.now()) / 1e9, kind: .health)
                occurrence.health = ContainerRow.Health(rawValue: value.rawValue)
                occurrence.answer = answer
                history.note(occurrence, of: record)
                events.publish(record.event("health_status: \(value.rawValue)", at: events.now()))
            }
        }
        health[container.id] = value
        changed(container)
    }

    /// What one probe of the run that `container` shows has found.
    func note(_ probe: HealthHistory.Probe, of container: ContainerRecord) {
        guard runs(container) else { return }
        healthHistories[container.id, default: HealthHistory(status: "starting")].add(probe)
    }

    /// A run begins: what was found in the one before it counts no more.
    func beginHealth(of container: ContainerRecord) {
        healthHistories[container.id] = HealthHistory(status: "starting")
    }

    func healthHistory(of id: String) -> HealthHistory? { healthHistories[id] }

    func forgetHealth(of id: String) {
        answers[id] = nil
        guard health.removeValue(forKey: id) != nil, let record = containers[id] else { return }
        changed(record)
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

    /// Takes a network out of reach of new containers; those that use it are the answer, and then nothing was done.
    func beginRemoval(ofNetwork name: String) -> [ContainerRecord] {
        let users = users(ofNetwork: name)
        if users.isEmpty {
            leavingNetworks.insert(name)
            unsynced.networks.insert(name)
        }
        return users
    }

    /// It stays after all.
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

    /// Makes a volume that is in here on `machine`, and stores where it is.
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

    /// The moment that a wait for a change begins with.
    func currentEpoch() -> Int { epoch }

    /// Returns at the next change of `subject` after `epoch`, or when the task is cancelled; at once when a container is gone.
    func change(of subject: Subject, after epoch: Int) async {
        guard lastChanges[subject, default: 0] <= epoch, !Task.isCancelled else { return }
        if case .container(let id) = subject, containers[id] == nil { return }
        let number = nextWaiter
        nextWaiter += 1
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume()
                } else {
                    waiters[subject, default: [:]][number] = continuation
                }
            }
        } onCancel: {
            Task { await self.wake(subject, number) }
        }
    }

    private func wake(_ subject: Subject, _ number: Int) {
        waiters[subject]?.removeValue(forKey: number)?.resume()
    }

    private func changed(_ container: ContainerRecord) {
        epoch += 1
        // Nobody begins to wait for one that is gone.
        lastChanges[.container(container.id)] = containers[container.id] == nil ? nil : epoch
        wakeAll(.container(container.id))
        guard let project = container.project else { return }
        lastChanges[.project(project)] = epoch
        wakeAll(.project(project))
    }

    private func wakeAll(_ subject: Subject) {
        guard let waiting = waiters.removeValue(forKey: subject) else { return }
        for continuation in waiting.values { continuation.resume() }
    }
}
