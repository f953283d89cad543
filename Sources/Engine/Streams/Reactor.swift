import CLinux
import Glibc
import Linux
import Synchronization

/// One thread that waits for many descriptors (epoll(7)): monitors, their processes, log files. It sleeps until one is ready.
final class Reactor: Sendable {
    /// Called on the reactor's thread when the descriptor is readable or at its end; returns false to be taken out and closed.
    typealias Handler = @Sendable (_ descriptor: CInt) -> Bool

    private struct Entry {
        let descriptor: CInt
        let handler: Handler
    }

    // The mutex guards the table; a handler runs outside of it, on the reactor's thread alone.
    private let entries = Mutex<[UInt64: Entry]>([:])
    private let nextToken = Atomic<UInt64>(1)
    private let epoll: CInt
    /// EPOLLIN and EPOLLRDHUP.
    private static let readable: UInt32 = 0x001 | 0x2000

    init() throws(SyscallError) {
        epoll = try syscall("epoll_create1", on: "reactor") { berth_epoll_create() }
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

    /// Takes over `descriptor` and calls `handler` for it until that returns false.
    func add(_ descriptor: consuming OwnedFD, _ handler: @escaping Handler) throws(SyscallError) {
        let token = nextToken.add(1, ordering: .relaxed).newValue
        let raw = descriptor.release()
        entries.withLock { $0[token] = Entry(descriptor: raw, handler: handler) }
        do throws(SyscallError) {
            try syscall("epoll_ctl", on: "fd \(raw)") { berth_epoll_change(epoll, 1, raw, Self.readable, token) }
        } catch {
            entries.withLock { _ = $0.removeValue(forKey: token) }
            close(raw)
            throw error
        }
    }

    private func run() {
        var events = [berth_epoll_event](repeating: berth_epoll_event(), count: 64)
        while true {
            let count = berth_epoll_wait(epoll, &events, CInt(events.count), -1)
            guard count > 0 else { continue }
            for event in events[..<Int(count)] {
                let token = event.token
                guard let entry = entries.withLock({ $0[token] }) else { continue }
                if entry.handler(entry.descriptor) { continue }
                entries.withLock { _ = $0.removeValue(forKey: token) }
                close(entry.descriptor)
            }
        }
    }
}
