import Glibc
import Linux

/// The file of a socket that this engine listens on.
struct SocketFile: Sendable {
    let path: String
    /// Distinguishes it from a file that another program created in its place.
    private let inode: UInt64

    init(_ path: String) {
        self.path = path
        inode = Self.inode(of: path)
    }

    /// Removes the file, unless it belongs to another program by now.
    func remove() {
        if Self.inode(of: path) == inode { unlink(path) }
    }

    /// A program answers on this socket.
    static func isServed(_ path: String) -> Bool { (try? UnixSocket.connect(path, waits: false)) != nil }

    private static func inode(of path: String) -> UInt64 {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_ino) : 0
    }
}
