import Glibc
import Linux
import Synchronization

/// One thread that waits for many descriptors (epoll(7)): monitors, their processes, log files. It sleeps until one of
/// them is ready.
final class Reactor: Sendable {
    /// Runs on the reactor's thread when the descriptor is readable or at its end.
    typealias Handler = @Sendable (_ descriptor: CInt) -> Next

    enum Next {
        case wait
        /// Do not call the handler again before `rearm`; only for a descriptor that was added as `rearmed`.
        case rest
        /// Remove the descriptor and close it.
        case end
    }

    /// A descriptor in the reactor's care; closed when its last user releases it.
    private final class Entry: Sendable {
        let descriptor: OwnedFD
        let events: EventPoll.Events
        let handler: Handler

        init(_ descriptor: consuming OwnedFD, _ events: EventPoll.Events, _ handler: @escaping Handler) {
            self.descriptor = descriptor
            self.events = events
            self.handler = handler
        }
    }

    private let poll: EventPoll
    // The mutex guards the table. Handlers run without the lock, only on the reactor's thread.
    private let entries = Mutex<[UInt64: Entry]>([:])
    private let nextToken = Atomic<UInt64>(1)

    init() throws(SyscallError) {
        poll = try EventPoll()
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Reactor>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard result == 0 else {
            box.release()
            throw SyscallError(call: "pthread_create", object: "reactor", code: Errno(rawValue: result))
        }
        pthread_detach(thread)
    }

    /// Takes ownership of `descriptor` and calls `handler` for it until the handler returns `end` or somebody calls
    /// `remove`. A `rearmed` descriptor may also `rest`.
    @discardableResult
    func add(
        _ descriptor: consuming OwnedFD, rearmed: Bool = false, _ handler: @escaping Handler
    ) throws(SyscallError) -> UInt64 {
        let token = nextToken.add(1, ordering: .relaxed).newValue
        let raw = descriptor.raw
        let events: EventPoll.Events = [.readable, .readingEnded]
        let entry = Entry(descriptor, rearmed ? events.union(.once) : events, handler)
        entries.withLock { $0[token] = entry }
        do throws(SyscallError) { try poll.add(raw, entry.events, token: token) } catch {
            entries.withLock { _ = $0.removeValue(forKey: token) }
            throw error
        }
        return token
    }

    /// Lets the handler of a resting descriptor run again; at once when the descriptor is readable.
    func rearm(_ token: UInt64) {
        guard let entry = entries.withLock({ $0[token] }) else { return }
        try? poll.change(entry.descriptor.raw, to: entry.events, token: token)
    }

    /// Stops waiting for a descriptor and closes it.
    func remove(_ token: UInt64) {
        guard let entry = entries.withLock({ $0.removeValue(forKey: token) }) else { return }
        poll.remove(entry.descriptor.raw)
    }

    private func run() {
        while true {
            do throws(SyscallError) {
                try poll.wait { token, _ in
                    guard let entry = entries.withLock({ $0[token] }) else { return }
                    switch entry.handler(entry.descriptor.raw) {
                    case .wait: if entry.events.contains(.once) { rearm(token) }
                    case .rest: break
                    case .end: remove(token)
                    }
                }
            } catch {
                // No descriptor of ours can cause this error, so try again in the next round.
                continue
            }
        }
    }
}
