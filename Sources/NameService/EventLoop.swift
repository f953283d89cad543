import Glibc
import Linux

/// Waits for many descriptors and deadlines on the only thread, and sleeps while nothing happens (epoll(7)).
final class EventLoop {
    /// `failed` and `hungUp` are only reported, never asked for.
    typealias Interest = EventPoll.Events

    typealias Token = UInt64

    private struct Watch {
        let descriptor: CInt
        var interest: Interest
        let react: (Interest) -> Void
    }

    /// A buffer for receiving; its content is valid only until the next handler runs.
    var scratch = [UInt8](repeating: 0, count: 65536)

    private let poll: EventPoll
    private var watches: [Token: Watch] = [:]
    private var deadlines = Deadlines()
    /// Work that runs in turns, one piece between two checks of the descriptors.
    private var turns: [() -> Bool] = []
    private var lastToken: Token = 0
    private var isRunning = true

    init() throws(SyscallError) { poll = try EventPoll() }

    /// Calls `react` whenever `descriptor` is ready; the descriptor must stay open until `ignore`.
    func watch(_ descriptor: CInt, _ interest: Interest, _ react: @escaping (Interest) -> Void) throws(SyscallError)
        -> Token
    {
        let token = nextToken()
        try poll.add(descriptor, interest, token: token)
        watches[token] = Watch(descriptor: descriptor, interest: interest, react: react)
        return token
    }

    func change(_ token: Token, to interest: Interest) {
        guard let watch = watches[token], watch.interest != interest else { return }
        watches[token]?.interest = interest
        try? poll.change(watch.descriptor, to: interest, token: token)
    }

    /// Stops reports for `token`. Call this before you close its descriptor.
    func ignore(_ token: Token) {
        guard let watch = watches.removeValue(forKey: token) else { return }
        poll.remove(watch.descriptor)
    }

    /// Calls `fire` once after `seconds`, unless cancelled.
    func after(_ seconds: UInt64, _ fire: @escaping () -> Void) -> Token {
        let token = nextToken()
        deadlines.insert(token, at: Self.now + seconds * 1_000_000_000, fire)
        return token
    }

    func cancel(_ token: Token) { deadlines.remove(token) }

    /// Calls `work` repeatedly until it returns false, in turns with other work and with descriptors.
    func takeTurns(_ work: @escaping () -> Bool) { turns.append(work) }

    /// Handles events until `stop`.
    func run() throws(SyscallError) {
        while isRunning {
            try poll.wait(milliseconds: turns.isEmpty ? timeout : 0) { token, events in
                // An earlier event of this round may have removed it.
                watches[token]?.react(events)
            }
            fireDeadlines()
            work()
        }
    }

    func stop() { isRunning = false }

    /// One piece of each kind of work, so that none delays the others.
    private func work() {
        guard !turns.isEmpty else { return }
        let round = turns
        turns = []
        var left: [() -> Bool] = []
        for work in round where work() { left.append(work) }
        turns = left + turns
    }

    private func nextToken() -> Token {
        lastToken += 1
        return lastToken
    }

    private var timeout: CInt {
        guard let next = deadlines.next else { return -1 }
        let now = Self.now
        return next <= now ? 0 : CInt(min((next - now) / 1_000_000 + 1, 3_600_000))
    }

    private func fireDeadlines() {
        guard deadlines.next != nil else { return }
        let now = Self.now
        while let fire = deadlines.takeDue(at: now) { fire() }
    }

    private static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
