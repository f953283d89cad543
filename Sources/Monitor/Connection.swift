import Glibc
import Linux

/// One end of a stream socket that never blocks the monitor: it buffers what the peer does not accept yet.
final class Connection {
    let socket: OwnedFD
    private var outgoing: [UInt8] = []
    private var sent = 0
    private(set) var isClosed = false

    init(_ socket: consuming OwnedFD) { self.socket = socket }

    /// Bytes that the peer has not accepted yet.
    var backlog: Int { outgoing.count - sent }

    /// Sends as much of `bytes` as the peer accepts now, and buffers the rest.
    func send(_ bytes: [UInt8]) {
        guard !isClosed else { return }
        outgoing.append(contentsOf: bytes)
        flush()
    }

    /// Sends buffered bytes. Returns whether the peer accepted any.
    @discardableResult
    func flush() -> Bool {
        var progressed = false
        while backlog > 0, !isClosed {
            let count = outgoing.withUnsafeBytes { bytes in
                Glibc.send(
                    socket.raw, bytes.baseAddress?.advanced(by: sent), bytes.count - sent,
                    CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
            }
            let code = Errno.current
            if count > 0 {
                sent += count
                progressed = true
            } else if code == .again {
                break
            } else if code != .interrupted {
                isClosed = true
            }
        }
        if backlog == 0 {
            outgoing = []
            sent = 0
        } else if sent > 1 << 18 {
            outgoing.removeFirst(sent)
            sent = 0
        }
        return progressed
    }

    /// The received bytes, at most 64 KiB; empty when the peer will send no more, nil when nothing is there yet.
    func receive() -> [UInt8]? {
        var result = 0
        var code = Errno(rawValue: 0)
        let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            result = recv(socket.raw, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT))
            code = Errno.current
            count = max(0, result)
        }
        if result >= 0 { return bytes }
        return code == .again || code == .interrupted ? nil : []
    }
}
