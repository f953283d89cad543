import Glibc
import Linux
import Synchronization

/// A connection to a syslog server, opened when needed and reopened after a failure.
package final class SyslogSink: LogSink {
    private let target: SyslogTarget
    // Only one task uses it at a time. The mutex is there for the compiler and is never contended.
    private let connection = Mutex<Connection?>(nil)

    fileprivate struct Connection: ~Copyable {
        let socket: OwnedFD
        /// On a stream, each message ends with a newline.
        let isStream: Bool
    }

    /// The time limit in seconds for a connection or a message.
    private static let patience = 5

    package init(_ target: SyslogTarget) { self.target = target }

    package func send(_ entry: LogEntry, of source: LogSource) throws {
        let message = target.message(entry, of: source)
        try connection.withLock { connection in
            if connection == nil { connection = try connect() }
            do {
                try connection?.send(message)
            } catch {
                connection = nil
                throw error
            }
        }
    }

    private func connect() throws -> Connection {
        switch target.place {
        case .local: return try local()
        case .unix(let path): return try unix(path)
        case .udp(let host, let port):
            return Connection(socket: try Self.internet(host, port, .udp), isStream: false)
        case .tcp(let host, let port):
            return Connection(socket: try Self.internet(host, port, .tcp), isStream: true)
        }
    }

    private func local() throws -> Connection {
        for path in ["/dev/log", "/var/run/syslog", "/var/run/log"] where fileExists(path) { return try unix(path) }
        throw SyscallError(call: "connect", object: "/dev/log", code: .notFound)
    }

    /// Tries whether a server wants datagrams or a stream.
    private func unix(_ path: String) throws -> Connection {
        do throws(SyscallError) {
            return Connection(socket: try Self.limited(UnixSocket.connect(path, kind: .datagrams)), isStream: false)
        } catch {
            guard error.code.rawValue == EPROTOTYPE else { throw error }
            return Connection(socket: try Self.limited(UnixSocket.connect(path)), isStream: true)
        }
    }

    private static func internet(_ host: String, _ port: UInt16, _ kind: InternetSocket.Kind) throws -> OwnedFD {
        var failure = SyscallError(call: "getaddrinfo", object: host, code: .notFound)
        for address in HostLookup.addresses(of: host) {
            do throws(SyscallError) {
                let socket = try limited(try InternetSocket.open(address.family, kind, nonblocking: false))
                // SO_SNDTIMEO bounds connect(2) as well.
                try InternetSocket.connect(socket.raw, to: SocketEndpoint(address, port))
                return socket
            } catch { failure = error }
        }
        throw failure
    }

    private static func limited(_ socket: consuming OwnedFD) throws(SyscallError) -> OwnedFD {
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        let raw = socket.raw
        try syscall("setsockopt", on: "SO_SNDTIMEO") {
            setsockopt(raw, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        return socket
    }
}

extension SyslogSink.Connection {
    fileprivate func send(_ message: [UInt8]) throws {
        guard isStream else { return try InternetSocket.send(socket.raw, message) }
        var rest = (message + [0x0A])[...]
        while !rest.isEmpty {
            let raw = socket.raw
            let bytes = Array(rest)
            let count = try syscall("send", on: "syslog") {
                CInt(Glibc.send(raw, bytes, bytes.count, CInt(MSG_NOSIGNAL)))
            }
            rest = rest.dropFirst(Int(count))
        }
    }
}
