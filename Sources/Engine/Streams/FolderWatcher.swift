import Glibc
import Linux
import Synchronization

/// Rings a bell when a file in a folder is written or renamed. It uses one inotify(7) instance for all folders, because
/// a user may have only a few.
///
/// While nobody sleeps it costs nothing: it reads from the kernel only after `arm`, so a container that writes ten
/// thousand times a second wakes its readers only as often as they read.
package final class FolderWatcher: Sendable {
    // The mutex guards the marks of each watch, and keeps the kernel's watches in step with them.
    private final class Table: Sendable {
        let marks = Mutex<[CInt: [ObjectIdentifier: Mark]]>([:])
    }

    fileprivate final class Mark: Sendable {
        let bell: Bell
        let isTouched = Atomic<Bool>(true)
        init(_ bell: Bell) { self.bell = bell }
    }

    private let descriptor: CInt
    private let reactor: Reactor
    private let token: UInt64
    private let table: Table

    private static let events = UInt32(IN_MODIFY | IN_MOVED_TO | IN_CREATE | IN_DELETE_SELF)

    init(reactor: Reactor) throws(SyscallError) {
        let instance = try Inotify.open(for: "log files")
        let table = Table()
        descriptor = instance.raw
        self.reactor = reactor
        self.table = table
        token = try reactor.add(instance, rearmed: true) { descriptor in
            Self.ring(table, descriptor)
            // Keep waiting while another bell has a sleeper.
            return table.marks.withLock { $0.values.contains { $0.values.contains { $0.bell.isAwaited } } }
                ? .wait : .rest
        }
    }

    deinit { reactor.remove(token) }

    /// Rings its bell for events in a folder, for as long as this object exists.
    package final class Watch: Sendable {
        private let watcher: FolderWatcher
        private let number: CInt
        private let mark: Mark

        fileprivate init(_ watcher: FolderWatcher, _ number: CInt, _ mark: Mark) {
            self.watcher = watcher
            self.number = number
            self.mark = mark
        }

        deinit { watcher.end(number, mark) }

        /// Whether something happened since the last call; true the first time.
        func takeTouched() -> Bool { mark.isTouched.exchange(false, ordering: .acquiringAndReleasing) }
    }

    /// - Throws: when there is no such folder.
    func watch(_ folder: String, _ bell: Bell) throws(SyscallError) -> Watch {
        let mark = Mark(bell)
        let number = try table.marks.withLock { marks throws(SyscallError) in
            // The kernel returns the same number for a folder that is already watched.
            let number = try Inotify.add(folder, Self.events, to: descriptor)
            marks[number, default: [:]][ObjectIdentifier(mark)] = mark
            return number
        }
        return Watch(self, number, mark)
    }

    /// Call this before you sleep on a bell. It rings for everything since the last ring, and for everything from now
    /// on.
    func arm() { reactor.rearm(token) }

    private func end(_ number: CInt, _ mark: Mark) {
        table.marks.withLock { marks in
            marks[number]?[ObjectIdentifier(mark)] = nil
            guard marks[number]?.isEmpty == true else { return }
            marks[number] = nil
            Inotify.remove(number, from: descriptor)
        }
    }

    private static func ring(_ table: Table, _ descriptor: CInt) {
        var touched: Set<CInt> = []
        Inotify.read(descriptor) { touched.insert($0.watch) }
        let touchedMarks = table.marks.withLock { marks in
            // -1: the kernel's queue overflowed and it dropped events.
            let numbers = touched.contains(-1) ? Set(marks.keys) : touched
            return numbers.flatMap { marks[$0]?.values.map { $0 } ?? [] }
        }
        for mark in touchedMarks {
            mark.isTouched.store(true, ordering: .releasing)
            mark.bell.ring()
        }
    }
}
