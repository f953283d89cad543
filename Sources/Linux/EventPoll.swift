import CLinux
import Glibc

/// A set of descriptors that one thread waits for (epoll(7)); other threads may add, change and remove some meanwhile.
///
/// Waiting allocates nothing, so a loop that never returns uses no more memory after a year than after its first round.
package struct EventPoll: ~Copyable, Sendable {
    /// The events of a descriptor, with the kernel's numbers (epoll_ctl(2)).
    package struct Events: OptionSet, Hashable, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let readable = Events(rawValue: 0x001)
        package static let writable = Events(rawValue: 0x004)
        package static let failed = Events(rawValue: 0x008)
        package static let hungUp = Events(rawValue: 0x010)
        /// The peer will send no more.
        package static let readingEnded = Events(rawValue: 0x2000)
        /// Reported once, then not again until `change`.
        package static let once = Events(rawValue: 1 << 30)
    }

    private static let mostEvents = 64
    private let epoll: OwnedFD

    package init() throws(SyscallError) {
        epoll = OwnedFD(owning: try syscall("epoll_create1", on: "event poll") { berth_epoll_create() })
    }

    /// Waits for `events` of `descriptor` from now on; each of them comes with `token`.
    package func add(_ descriptor: CInt, _ events: Events, token: UInt64) throws(SyscallError) {
        try control(BERTH_EPOLL_CTL_ADD, descriptor, events, token)
    }

    package func change(_ descriptor: CInt, to events: Events, token: UInt64) throws(SyscallError) {
        try control(BERTH_EPOLL_CTL_MOD, descriptor, events, token)
    }

    /// Stops waiting for it. Call this before you close it: while a forked child has a copy, closing alone removes
    /// nothing, and the kernel would keep reporting a descriptor that nobody can remove any more.
    package func remove(_ descriptor: CInt) {
        _ = berth_epoll_change(epoll.raw, CInt(BERTH_EPOLL_CTL_DEL), descriptor, 0, 0)
    }

    /// Waits until a descriptor is ready, `milliseconds` have passed (-1: forever) or a signal came, and passes each
    /// event to `body`.
    package func wait(
        milliseconds: CInt = -1, _ body: (_ token: UInt64, _ events: Events) -> Void
    ) throws(SyscallError) {
        let code = withUnsafeTemporaryAllocation(of: berth_epoll_event.self, capacity: Self.mostEvents) { ready in
            let count = berth_epoll_wait(epoll.raw, ready.baseAddress, CInt(Self.mostEvents), milliseconds)
            let code = Errno.current
            for index in 0..<Int(max(0, count)) { body(ready[index].token, Events(rawValue: ready[index].events)) }
            return count < 0 ? code : nil
        }
        guard let code, code != .interrupted else { return }
        throw SyscallError(call: "epoll_wait", object: "event poll", code: code)
    }

    private func control(_ operation: Int, _ target: CInt, _ events: Events, _ token: UInt64) throws(SyscallError) {
        try syscall("epoll_ctl", on: "fd \(target)") {
            berth_epoll_change(epoll.raw, CInt(operation), target, events.rawValue, token)
        }
    }
}
