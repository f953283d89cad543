import Glibc
import Linux

/// Waits for many descriptors on the calling thread (epoll(7)); sets no timer unless there is a deadline.
final class EventLoop {
    /// The events of a descriptor.
    struct Events: OptionSet, Hashable {
        let rawValue: UInt32
        static let read = Events(rawValue: EventPoll.Events.readable.rawValue)
        static let write = Events(rawValue: EventPoll.Events.writable.rawValue)
        /// Always reported: the other end is closed for good, or the descriptor has an error.
        static let hangUp = Events(rawValue: EventPoll.Events([.hungUp, .failed]).rawValue)
    }

    private struct Watch {
        let token: UInt64
        let handler: (Events) -> Void
    }

    private let poll: EventPoll
    private var watches: [CInt: Watch] = [:]
    /// Distinguishes an event of a descriptor that was closed in the same round from one of a new descriptor with the
    /// same number.
    private var lastToken: UInt32 = 0
    private var deadlines: [(name: String, at: Int64, action: () -> Void)] = []

    init() throws(SyscallError) { poll = try EventPoll() }

    /// Calls `handler` whenever `descriptor` is ready for one of `events`, or hung up.
    func watch(_ descriptor: CInt, _ events: Events, _ handler: @escaping (Events) -> Void) throws(SyscallError) {
        lastToken &+= 1
        let token = UInt64(lastToken) << 32 | UInt64(UInt32(bitPattern: descriptor))
        try poll.add(descriptor, .init(rawValue: events.rawValue), token: token)
        watches[descriptor] = Watch(token: token, handler: handler)
    }

    /// Waits for these `events` of `descriptor` from now on; if empty, only for its hang-up.
    func change(_ descriptor: CInt, to events: Events) {
        guard let watch = watches[descriptor] else { return }
        try? poll.change(descriptor, to: .init(rawValue: events.rawValue), token: watch.token)
    }

    /// Stops watching `descriptor`. Call this before you close it.
    func forget(_ descriptor: CInt) {
        guard watches.removeValue(forKey: descriptor) != nil else { return }
        poll.remove(descriptor)
    }

    /// Calls `action` once after `milliseconds`, unless `cancel` comes first. Replaces an earlier deadline with that
    /// name.
    func setDeadline(_ name: String, milliseconds: Int64, _ action: @escaping () -> Void) {
        cancel(name)
        deadlines.append((name, Self.now() + milliseconds, action))
    }

    func cancel(_ name: String) { deadlines.removeAll { $0.name == name } }

    /// Handles events until `isDone` returns true; calls it after each round.
    func run(until isDone: () -> Bool) throws(SyscallError) {
        while !isDone() {
            try poll.wait(milliseconds: timeout()) { token, events in
                // An earlier event of this round may have removed the handler.
                let descriptor = CInt(bitPattern: UInt32(truncatingIfNeeded: token))
                guard let watch = watches[descriptor], watch.token == token else { return }
                watch.handler(Events(rawValue: events.rawValue))
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

    /// Milliseconds of the monotonic clock.
    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
