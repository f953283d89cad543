import CLinux
import Glibc
import Linux

/// The monitor's side of a process's terminal.
final class Terminal {
    let descriptor: OwnedFD
    /// The process's end, kept open: a process that closes its terminal for a moment must not end it for good.
    private let peer: OwnedFD

    init(_ descriptor: consuming OwnedFD) throws(SyscallError) {
        let raw = descriptor.raw
        peer = OwnedFD(owning: try syscall("ioctl(TIOCGPTPEER)", on: "terminal") { berth_open_terminal_peer(raw) })
        try UnixSocket.setNonblocking(raw)
        self.descriptor = descriptor
    }

    /// Takes ownership of both ends, which were opened before.
    init(_ descriptor: consuming OwnedFD, peer: consuming OwnedFD) {
        self.descriptor = descriptor
        self.peer = peer
    }

    /// Both ends: the monitor's, the process's.
    var descriptors: [CInt] { [descriptor.raw, peer.raw] }

    func resize(rows: UInt16, columns: UInt16) {
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(descriptor.raw, UInt(TIOCSWINSZ), &size)
    }
}
