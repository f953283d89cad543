import Glibc
import Linux
import Synchronization

/// Sends lines to systemd's journal by its native protocol: one datagram for each entry.
package final class JournalSink: LogSink {
    /// The path at which journald always listens.
    package static let standardPath = "/run/systemd/journal/socket"

    private let path: String
    // Only one task uses it at a time. The mutex is there for the compiler and is never contended.
    private let socket = Mutex<OwnedFD?>(nil)

    package init(path: String = standardPath) { self.path = path }

    package func send(_ entry: LogEntry, of source: LogSource) throws {
        let message = Self.message(entry, of: source)
        try socket.withLock { socket in
            if socket == nil { socket = try UnixSocket.connect(path, kind: .datagrams) }
            do {
                if let raw = socket?.raw { try InternetSocket.send(raw, message) }
            } catch {
                socket = nil
                throw error
            }
        }
    }

    /// The fields that Docker's driver sets in an entry.
    package static func message(_ entry: LogEntry, of source: LogSource) -> [UInt8] {
        var bytes: [UInt8] = []
        var fields = [
            ("MESSAGE", entry.text), ("PRIORITY", entry.isError ? "3" : "6"),
            ("CONTAINER_ID", String(source.id.prefix(12))), ("CONTAINER_ID_FULL", source.id),
            ("CONTAINER_NAME", source.name), ("CONTAINER_TAG", source.tag), ("IMAGE_NAME", source.image),
            ("SYSLOG_IDENTIFIER", source.tag), ("SYSLOG_TIMESTAMP", Timestamp.text(entry.time, digits: 9)),
        ]
        if entry.isPartial { fields.append(("CONTAINER_PARTIAL_MESSAGE", "true")) }
        for (name, value) in source.extras.sorted(by: { $0.key < $1.key }) { fields.append((field(name), value)) }
        for (name, value) in fields { append(name, value, to: &bytes) }
        return bytes
    }

    /// `NAME=value`. A value with newlines is written as the name, the length in eight bytes, and the value (systemd's
    /// "Native Journal Protocol").
    private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        bytes += name.utf8
        if value.utf8.contains(0x0A) {
            bytes.append(0x0A)
            withUnsafeBytes(of: UInt64(value.utf8.count).littleEndian) { bytes += $0 }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        bytes += value.utf8
        bytes.append(0x0A)
    }

    /// Upper-case letters, digits and `_`. A leading `_` would mark a field of the journal itself.
    private static func field(_ name: String) -> String {
        let mapped = name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
        return String(mapped.drop { $0 == "_" || $0.isNumber }.prefix(64))
    }
}
