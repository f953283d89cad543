import Glibc
import Linux
import Synchronization

/// Rings when something in a folder is written or renamed: one inotify(7) instance for all folders, since a user may have only a
/// few of those.
///
/// It costs nothing while nobody sleeps: an event is taken from the kernel only after `arm`, so that a container that writes ten
/// thousand times a second wakes its readers as often as they have read, and no more.
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
            // Others may still sleep.
            return table.marks.withLock { $0.values.contains { $0.values.contains { $0.bell.isAwaited } } }
                ? .wait : .rest
        }
    }

    deinit { reactor.remove(token) }

    /// From now on until it is let go, its bell rings for what happens in a folder.
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
            // The same number as before for a folder that is watched already.
            let number = try Inotify.add(folder, Self.events, to: descriptor)
            marks[number, default: [:]][ObjectIdentifier(mark)] = mark
            return number
        }
        return Watch(self, number, mark)
    }

    /// To be called before sleeping on a bell: what happened since it last rang, or happens from now on, rings it.
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
            // -1: so much happened that the kernel dropped some of it.
            let numbers = touched.contains(-1) ? Set(marks.keys) : touched
            return numbers.flatMap { marks[$0]?.values.map { $0 } ?? [] }
        }
        for mark in touchedMarks {
            mark.isTouched.store(true, ordering: .releasing)
            mark.bell.ring()
        }
    }
}
