import EngineWire
import Synchronization

/// The commands in containers: created, running, and recently ended ones.
final class ExecTable: Sendable {
    private struct Entry {
        var row: ExecRow
        /// When it was created or ended: nanoseconds since 1970.
        var since: Int64
    }

    /// How long to remember a command after its end, or a created one that nobody starts.
    static let memory = Duration.seconds(300)

    // The mutex guards everything.
    private let entries = Mutex<[String: Entry]>([:])

    /// Also forgets entries that are too old.
    func add(_ row: ExecRow, at now: Int64) {
        let limit = now - Self.memory.components.seconds * 1_000_000_000
        entries.withLock { entries in
            entries = entries.filter { $0.value.row.state == .running || $0.value.since > limit }
            entries[row.id] = Entry(row: row, since: now)
        }
    }

    /// Finds a command by its id or a prefix of it.
    func find(_ id: String) -> ExecRow? {
        entries.withLock { entries in
            if let entry = entries[id] { return entry.row }
            let matches = entries.filter { !id.isEmpty && $0.key.hasPrefix(id) }
            return matches.count == 1 ? matches.first?.value.row : nil
        }
    }

    /// The ids of a container's commands that have not ended.
    func open(in container: String) -> [String] {
        entries.withLock { entries in
            entries.values.filter { entry in
                if case .exited = entry.row.state { return false }
                return entry.row.container == container
            }.sorted { ($0.since, $0.row.id) < ($1.since, $1.row.id) }.map(\.row.id)
        }
    }

    /// Takes a created command in order to start it; nil when somebody has already started it.
    func begin(_ id: String, _ change: (inout ExecRequest) -> Void) -> ExecRow? {
        entries.withLock { entries in
            guard entries[id]?.row.state == .created, var entry = entries[id] else { return nil }
            change(&entry.row.request)
            entry.row.state = .running
            entries[id] = entry
            return entry.row
        }
    }

    /// Records the end. Two callers report it, and the first one counts.
    func end(_ id: String, code: Int?, at now: Int64) {
        entries.withLock { entries in
            if case .exited = entries[id]?.row.state { return }
            entries[id]?.row.state = .exited(code: code)
            entries[id]?.since = now
        }
    }

    /// Forgets the commands of a removed container.
    func forget(container: String) {
        entries.withLock { entries in entries = entries.filter { $0.value.row.container != container } }
    }
}
