import Glibc

/// A descriptor to wait for, and afterwards its readiness (poll(2)).
package struct Readiness: Sendable {
    package enum Purpose: Sendable { case reading, writing, both }

    fileprivate var raw: pollfd

    package init(_ descriptor: CInt, for purpose: Purpose) {
        let events: CInt =
            switch purpose {
            case .reading: POLLIN
            case .writing: POLLOUT
            case .both: POLLIN | POLLOUT
            }
        raw = pollfd(fd: descriptor, events: CShort(events), revents: 0)
    }

    /// Bytes can be read, or the other end is gone and a read will show that.
    package var isReadable: Bool { CInt(raw.revents) & (POLLIN | POLLHUP | POLLERR | POLLNVAL) != 0 }
    package var isWritable: Bool { CInt(raw.revents) & (POLLOUT | POLLERR) != 0 }
}

/// Waits until one of `items` is ready or `timeout` has passed; without a timeout forever.
package func waitForReadiness(_ items: inout [Readiness], timeout: Duration? = nil) throws(SyscallError) {
    let milliseconds = timeout.map {
        CInt(clamping: $0.components.seconds * 1000 + $0.components.attoseconds / 1_000_000_000_000_000)
    }
    var raw = items.map(\.raw)
    try syscall("poll", on: "\(items.count) descriptors") { poll(&raw, nfds_t(raw.count), milliseconds ?? -1) }
    for index in items.indices { items[index].raw = raw[index] }
}
