import EngineWire
import ProjectModel
import Synchronization

/// Stores the history of containers by their places. It writes after the events and nobody waits for it, so an engine
/// that is killed may lose the last entries. No container record depends on them.
final class History: Sendable {
    /// The place of a container, which outlives the container: `web.1` of a project, a one-off, or a container of no
    /// project. Or the place of a service, for what concerns all of its containers.
    struct Place: Hashable, Sendable {
        /// nil for a container of no project, whose history is removed with it.
        let project: String?
        let name: String

        init(_ owner: Owner, id: String) {
            project = owner.project
            switch owner {
            case .replica(_, let service, let number): name = "\(service).\(number)"
            case .oneOff, .free: name = id
            }
        }

        init(project: String, service: String) {
            self.project = project
            name = "service:\(service)"
        }
    }

    enum Entry: Sendable {
        case add(Occurrence, Place)
        /// A place that no container will have again.
        case forget(Place)
        /// All places of a project.
        case forgetProject(String)
    }

    private struct State {
        var entries: [Entry] = []
        var isWriting = false
    }

    private let store: Store
    // The mutex guards what is not written yet.
    private let state = Mutex(State())

    init(store: Store) { self.store = store }

    func note(_ occurrence: Occurrence, at place: Place) { append(.add(occurrence, place)) }

    /// Call this when a container is removed: forgets its place, unless it is the place of a service's replica.
    func forget(_ record: ContainerRecord) {
        if record.number == nil { append(.forget(Place(record.owner, id: record.id))) }
    }

    /// Call this when a project is removed.
    func forget(project: String) { append(.forgetProject(project)) }

    private func append(_ entry: Entry) {
        let isFirst = state.withLock { state in
            state.entries.append(entry)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if isFirst { Task { await self.write() } }
    }

    func note(_ occurrence: Occurrence, of record: ContainerRecord) {
        var occurrence = occurrence
        occurrence.container = record.id
        note(occurrence, at: Place(record.owner, id: record.id))
    }

    /// Writes everything that waits in one transaction.
    private func write() async {
        while let entries = take() { try? await store.write(entries) }
    }

    private func take() -> [Entry]? {
        state.withLock { state in
            guard !state.entries.isEmpty else {
                state.isWriting = false
                return nil
            }
            defer { state.entries = [] }
            return state.entries
        }
    }

    /// Oldest first.
    func occurrences(at place: Place) async throws -> [Occurrence] {
        let waiting = state.withLock { state in
            defer { state.entries = [] }
            return state.entries
        }
        if !waiting.isEmpty { try? await store.write(waiting) }
        return try await store.occurrences(at: place)
    }
}
