import CLinux
import Glibc
import Linux

/// Waits for many descriptors and deadlines on the one thread there is, and sleeps as long as nothing happens (epoll(7)).
final class EventLoop {
    struct Interest: OptionSet {
        let rawValue: UInt32
        static let readable = Interest(rawValue: 0x001)
        static let writable = Interest(rawValue: 0x004)
        /// Only reported, never asked for: error, and both directions closed.
        static let broken = Interest(rawValue: 0x018)
    }

    typealias Token = UInt64

    private struct Watch {
        let descriptor: CInt
        var interest: Interest
        let react: (Interest) -> Void
    }

    private struct Deadline {
        /// CLOCK_BOOTTIME, nanoseconds.
        let at: UInt64
        let fire: () -> Void
    }

    private let epoll: OwnedFD
    private var watches: [Token: Watch] = [:]
    private var deadlines: [Token: Deadline] = [:]
    private var lastToken: Token = 0
    private var isRunning = true

    init() throws(SyscallError) {
        epoll = OwnedFD(owning: try syscall("epoll_create1", on: "event loop") { berth_epoll_create() })
    }

    /// Calls `react` whenever `descriptor`, which must stay open until `ignore`, is ready.
    func watch(_ descriptor: CInt, _ interest: Interest, _ react: @escaping (Interest) -> Void) throws(SyscallError)
        -> Token
    {
        let token = nextToken()
        try syscall("epoll_ctl", on: "fd \(descriptor)") {
            berth_epoll_change(epoll.raw, 1, descriptor, interest.rawValue, token)
        }
        watches[token] = Watch(descriptor: descriptor, interest: interest, react: react)
        return token
    }

    func change(_ token: Token, to interest: Interest) {
        guard let watch = watches[token], watch.interest != interest else { return }
        watches[token]?.interest = interest
        _ = berth_epoll_change(epoll.raw, 3, watch.descriptor, interest.rawValue, token)
    }

    /// Nothing is reported for `token` any more; to be called before its descriptor is closed.
    func ignore(_ token: Token) {
        guard let watch = watches.removeValue(forKey: token) else { return }
        _ = berth_epoll_change(epoll.raw, 2, watch.descriptor, 0, token)
    }

    /// Calls `fire` once after `seconds`, unless cancelled.
    func after(_ seconds: UInt64, _ fire: @escaping () -> Void) -> Token {
        let token = nextToken()
        deadlines[token] = Deadline(at: Self.now + seconds * 1_000_000_000, fire: fire)
        return token
    }

    func cancel(_ token: Token) { deadlines[token] = nil }

    /// Handles events until `stop`.
    func run() throws(SyscallError) {
        var events = [berth_epoll_event](repeating: berth_epoll_event(), count: 64)
        while isRunning {
            let timeout = self.timeout
            let count = try syscall("epoll_wait", on: "event loop") {
                berth_epoll_wait(epoll.raw, &events, 64, timeout)
            }
            for event in events[..<Int(count)] {
                // Gone when an earlier event of this round ended it.
                watches[event.token]?.react(Interest(rawValue: event.events))
            }
            fireDeadlines()
        }
    }

    func stop() { isRunning = false }

    private func nextToken() -> Token {
        lastToken += 1
        return lastToken
    }

    private var timeout: CInt {
        guard let next = deadlines.values.map(\.at).min() else { return -1 }
        let now = Self.now
        return next <= now ? 0 : CInt(min((next - now) / 1_000_000 + 1, 3_600_000))
    }

    private func fireDeadlines() {
        guard !deadlines.isEmpty else { return }
        let now = Self.now
        for (token, deadline) in deadlines where deadline.at <= now {
            if deadlines.removeValue(forKey: token) != nil { deadline.fire() }
        }
    }

    private static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
