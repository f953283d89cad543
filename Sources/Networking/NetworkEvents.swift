import CLinux
import Glibc
import Linux
import Synchronization

/// Listens to the kernel on a thread of its own, which sleeps while nothing happens.
final class NetworkWatch: Sendable {
    private enum Group {
        static let links: UInt32 = 1
        static let addressesV4: UInt32 = 5
        static let addressesV6: UInt32 = 9
        static let firewall: UInt32 = 7
    }

    /// True after somebody else changed the table, until it is rewritten.
    let isTableSuspect = Mutex(false)

    /// Bridges with a name from the user; the engine's prefix identifies the others.
    private let namedBridges = Mutex<Set<String>>([])

    /// Links that the engine is removing, until it creates them again; ignore events about them.
    private let leaving = Mutex<Set<String>>([])

    func leave(_ names: [String]) { leaving.withLock { $0.formUnion(names) } }
    func stay(_ name: String) { leaving.withLock { _ = $0.remove(name) } }

    func addBridges(_ names: [String]) { namedBridges.withLock { $0.formUnion(names) } }

    func isNamedBridge(_ name: String) -> Bool { namedBridges.withLock { $0.contains(name) } }

    /// The events from now on. The thread ends when nobody listens any more.
    ///
    /// Opens the sockets on the calling thread, so they listen to that thread's namespace.
    func start(
        instance: InstanceName, author: NetworkEventFilter.Author
    ) throws(SyscallError) -> AsyncStream<NetworkEvent> {
        let sockets = Sockets(route: try NetlinkSocket(.route), firewall: try NetlinkSocket(.netfilter))
        for group in [Group.links, Group.addressesV4, Group.addressesV6] { try sockets.route.join(group) }
        try sockets.firewall.join(Group.firewall)
        for socket in [sockets.route, sockets.firewall] { try UnixSocket.setNonblocking(socket.raw) }
        var pipe = try DescriptorPair.pipe()
        let stop = pipe.takeSecond()
        let stopped = Descriptor(pipe.takeFirst())
        let stopper = Descriptor(stop)
        // Bounded: if events do not fit, the next one that fits becomes an overflow.
        let (stream, continuation) = AsyncStream.makeStream(
            of: NetworkEvent.self, bufferingPolicy: .bufferingOldest(1024))
        continuation.onTermination = { _ in _ = try? stopper.value.write([0]) }
        let filter = NetworkEventFilter(
            instance: instance, author: author, isNamedBridge: { [self] in isNamedBridge($0) },
            isLeaving: { [self] name in leaving.withLock { $0.contains(name) } })
        try startThread { [self] in
            listen(sockets, until: stopped.value.raw, filter, continuation)
            continuation.finish()
        }
        return stream
    }

    private func listen(
        _ sockets: Sockets, until stop: CInt, _ filter: NetworkEventFilter,
        _ continuation: AsyncStream<NetworkEvent>.Continuation
    ) {
        var filter = filter
        var hasDropped = false
        func tell(_ event: NetworkEvent) {
            switch event {
            case .tableChanged, .overflow: isTableSuspect.withLock { $0 = true }
            default: break
            }
            if hasDropped, case .enqueued = continuation.yield(.overflow) { hasDropped = false }
            if case .dropped = continuation.yield(event) { hasDropped = true }
        }
        while true {
            var requests = [stop, sockets.route.raw, sockets.firewall.raw].map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            if poll(&requests, 3, -1) < 0 && Errno.current != .interrupted { return }
            if requests[0].revents != 0 { return }
            if requests[1].revents != 0 { Self.drain(sockets.route, { filter.event(forRoute: $0) }, tell) }
            if requests[2].revents != 0 { Self.drain(sockets.firewall, { filter.event(forFirewall: $0) }, tell) }
        }
    }

    private static func drain(
        _ socket: NetlinkSocket, _ event: (NetlinkReply) -> NetworkEvent?, _ tell: (NetworkEvent) -> Void
    ) {
        while true {
            do throws(SyscallError) {
                for reply in NetlinkReply.parse(try socket.receive()) {
                    if let event = event(reply) { tell(event) }
                }
            } catch {
                if error.code == .again { return }
                tell(.overflow)  // ENOBUFS, or a truncated message
                if error.code.rawValue != ENOBUFS && error.code.rawValue != EMSGSIZE { return }
            }
        }
    }

    /// Passed to the listening thread, which is its only user.
    private struct Sockets: @unchecked Sendable {
        let route: NetlinkSocket
        let firewall: NetlinkSocket
    }

    private final class Descriptor: Sendable {
        let value: OwnedFD
        init(_ value: consuming OwnedFD) { self.value = value }
    }
}

extension NetworkEventFilter.Author {
    /// The calling thread.
    static var current: NetworkEventFilter.Author {
        var link = [CChar](repeating: 0, count: 64)
        let count = max(0, readlink("/proc/self/ns/pid", &link, link.count))
        let namespace = String(decoding: link[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let program = (try? readText("/proc/thread-self/comm")) ?? ""
        return Self(
            thread: berth_gettid(), program: String(program.prefix { $0 != "\n" }),
            knowsItsNumber: namespace == "pid:[4026531836]")  // PROC_PID_INIT_INO
    }
}
