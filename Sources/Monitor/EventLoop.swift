import CLinux
import Glibc
import Linux

/// Waits for many descriptors at once on the calling thread (epoll(7)); sleeps without a timer unless a deadline is set.
final class EventLoop {
    /// What a descriptor is ready for.
    struct Events: OptionSet, Hashable {
        let rawValue: UInt32
        static let read = Events(rawValue: UInt32(BERTH_EPOLLIN))
        static let write = Events(rawValue: UInt32(BERTH_EPOLLOUT))
        /// Always told: the other side is gone for good, or the descriptor is broken.
        static let hangUp = Events(rawValue: UInt32(BERTH_EPOLLHUP | BERTH_EPOLLERR))
    }

    private var handlers: [CInt: (Events) -> Void] = [:]
    private var deadlines: [(name: String, at: Int64, action: () -> Void)] = []
    private let descriptor: OwnedFD

    init() throws(SyscallError) {
        descriptor = OwnedFD(owning: try syscall("epoll_create1", on: "event loop") { berth_epoll_create() })
    }

    /// Calls `handler` whenever `descriptor` is ready for one of `events`, or hung up.
    func watch(_ descriptor: CInt, _ events: Events, _ handler: @escaping (Events) -> Void) throws(SyscallError) {
        try control(BERTH_EPOLL_CTL_ADD, descriptor, events)
        handlers[descriptor] = handler
    }

    /// Waits for `events` of `descriptor` from now on; for none, only for its hang-up.
    func change(_ descriptor: CInt, to events: Events) {
        guard handlers[descriptor] != nil else { return }
        try? control(BERTH_EPOLL_CTL_MOD, descriptor, events)
    }

    /// Forgets `descriptor`; to be called before it is closed.
    func forget(_ descriptor: CInt) {
        guard handlers.removeValue(forKey: descriptor) != nil else { return }
        try? control(BERTH_EPOLL_CTL_DEL, descriptor, [])
    }

    /// Calls `action` once, `milliseconds` from now, unless `cancel` comes first; replaces a deadline of that name.
    func setDeadline(_ name: String, milliseconds: Int64, _ action: @escaping () -> Void) {
        cancel(name)
        deadlines.append((name, Self.now() + milliseconds, action))
    }

    func cancel(_ name: String) { deadlines.removeAll { $0.name == name } }

    /// Handles events until `isDone` says so, which is asked after each round.
    func run(until isDone: () -> Bool) throws(SyscallError) {
        let capacity = 32
        var ready = [berth_epoll_event](repeating: berth_epoll_event(), count: capacity)
        while !isDone() {
            let count = try syscall("epoll_wait", on: "event loop") {
                berth_epoll_wait(descriptor.raw, &ready, CInt(capacity), timeout())
            }
            for index in 0..<Int(count) {
                // An earlier event of this round may have made its handler go.
                handlers[CInt(truncatingIfNeeded: ready[index].token)]?(Events(rawValue: ready[index].events))
            }
            runDeadlines()
        }
    }

    private func timeout() -> CInt {
        guard let next = deadlines.map(\.at).min() else { return -1 }
        return CInt(clamping: max(0, next - Self.now()))
    }

    private func runDeadlines() {
        guard !deadlines.isEmpty else { return }
        let now = Self.now()
        let due = deadlines.filter { $0.at <= now }
        deadlines.removeAll { $0.at <= now }
        for deadline in due { deadline.action() }
    }

    private func control(_ operation: Int, _ target: CInt, _ events: Events) throws(SyscallError) {
        try syscall("epoll_ctl", on: "fd \(target)") {
            berth_epoll_change(descriptor.raw, CInt(operation), target, events.rawValue, UInt64(target))
        }
    }

    /// Milliseconds of the monotonic clock.
    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
