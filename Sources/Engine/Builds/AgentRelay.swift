import Glibc
import Linux

/// Lets a step talk to the caller's SSH agent: a socket of its own, which the step's user may open, behind which each connection goes
/// on to the agent. Nothing that passes is looked at or kept.
package final class AgentRelay: Sendable {
    private final class Listener: Sendable {
        let descriptor: OwnedFD
        init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }
    }

    private let path: String
    private let listener: Listener

    /// Listens at `path` for connections to the agent whose socket is at `agent`.
    package init(at path: String, to agent: String, owner: Ownership, mode: mode_t) throws {
        self.path = path
        listener = Listener(try UnixSocket.listen(path, mode: mode))
        try syscall("chown", on: path) { chown(path, owner.user, owner.group) }
        try startThread { [listener] in Self.serve(listener, agent) }
    }

    /// Takes no more connections; those that are there end with the step.
    package func close() {
        shutdown(listener.descriptor.raw, CInt(SHUT_RDWR))
        unlink(path)
    }

    private static func serve(_ listener: Listener, _ agent: String) {
        while true {
            guard let next = try? UnixSocket.accept(listener.descriptor.raw) else {
                // accept(2): EINVAL once it was shut down.
                guard Errno.current == .interrupted || Errno.current.rawValue == ECONNABORTED else { return }
                continue
            }
            let near = Listener(next)
            guard let connected = try? UnixSocket.connect(agent) else { continue }
            let far = Listener(connected)
            do throws(SyscallError) {
                try startThread { copy(from: near, to: far) }
                try startThread { copy(from: far, to: near) }
            } catch { continue }
        }
    }

    private static func copy(from source: Listener, to target: Listener) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while let count = try? source.descriptor.read(into: buffer), count > 0 {
            guard (try? target.descriptor.write(buffer[..<count])) != nil else { break }
        }
        shutdown(target.descriptor.raw, CInt(SHUT_WR))
        shutdown(source.descriptor.raw, CInt(SHUT_RD))
    }
}
