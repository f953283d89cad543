import EngineWire
import Glibc
import Linux

/// A syslog server and its message format, from the options of Docker's `syslog` driver.
package struct SyslogTarget: Hashable, Sendable {
    package enum Place: Hashable, Sendable {
        /// This machine's syslog: /dev/log, or another known path.
        case local
        case unix(path: String)
        case udp(host: String, port: UInt16)
        case tcp(host: String, port: UInt16)
    }

    /// RFC 3164, with differences between a local socket and the network; RFC 5424 with seconds or microseconds.
    package enum Form: Hashable, Sendable { case classic, structured, microseconds }

    package var place: Place
    package var form: Form = .classic
    /// 0 to 23 (RFC 5424, 6.2.1).
    package var facility = 3

    private static let facilities = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
        "security", "console", "solaris-cron", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
        "local7",
    ]

    /// Removes its options from `options`; nil for a server that needs TLS.
    /// - Throws: `EngineFailure` for an invalid value.
    package init?(taking options: inout [String: String]) throws {
        let address = options.removeValue(forKey: "syslog-address") ?? ""
        let isEncrypted = address.hasPrefix("tcp+tls://")
        for key in ["ca-cert", "cert", "key", "skip-verify"] { options["syslog-tls-\(key)"] = nil }
        let facility = options.removeValue(forKey: "syslog-facility")
        let format = options.removeValue(forKey: "syslog-format") ?? ""
        guard !isEncrypted else { return nil }
        place = try Self.place(address)
        switch format {
        case "", "rfc3164": form = .classic
        case "rfc5424": form = .structured
        case "rfc5424micro": form = .microseconds
        default: throw LoggingPlan.invalid("syslog-format", format, "rfc5424")
        }
        guard let facility, !facility.isEmpty else { return }
        guard let number = Self.facilities.firstIndex(of: facility) ?? Int(facility), (0...23).contains(number) else {
            throw LoggingPlan.invalid("syslog-facility", facility, "daemon")
        }
        self.facility = number
    }

    package init(place: Place) { self.place = place }

    private static func place(_ address: String) throws -> Place {
        if address.isEmpty { return .local }
        for scheme in ["unix://", "unixgram://"] where address.hasPrefix(scheme) {
            let path = String(address.dropFirst(scheme.count))
            if path.hasPrefix("/") { return .unix(path: path) }
        }
        for scheme in ["udp://", "tcp://"] where address.hasPrefix(scheme) {
            guard let (host, port) = endpoint(address.dropFirst(scheme.count)) else { break }
            return scheme == "udp://" ? .udp(host: host, port: port) : .tcp(host: host, port: port)
        }
        throw LoggingPlan.invalid("syslog-address", address, "udp://192.0.2.1:514")
    }

    /// Parses `host`, `host:port` or `[::1]:port`; the default port is 514.
    private static func endpoint(_ text: Substring) -> (String, UInt16)? {
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            let rest = text[text.index(after: end)...]
            let host = String(text.dropFirst()[..<end])
            if rest.isEmpty { return (host, 514) }
            return rest.hasPrefix(":") ? UInt16(rest.dropFirst()).map { (host, $0) } : nil
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let host = parts.first, !host.isEmpty, parts.count <= 2 else { return nil }
        return parts.count == 1 ? (String(host), 514) : UInt16(parts[1]).map { (String(host), $0) }
    }

    // MARK: Messages

    /// One line in the server's format, without a newline at the end.
    package func message(_ entry: LogEntry, of source: LogSource) -> [UInt8] {
        let priority = facility * 8 + (entry.isError ? 3 : 6)
        let tag = source.tag.filter { !$0.isWhitespace && $0 != "[" }
        let head: String
        switch form {
        case .classic:
            // A local server knows its own host name.
            let host = isLocal ? "" : "\(source.host) "
            head = "<\(priority)>\(Self.classicTime(entry.time)) \(host)\(tag)[\(source.process)]: "
        case .structured, .microseconds:
            let digits = form == .microseconds ? 6 : 0
            let time = Timestamp.text(entry.time, digits: digits)
            head = "<\(priority)>1 \(time) \(source.host) \(tag) \(source.process) \(tag) - "
        }
        return Array(head.utf8) + entry.text.utf8.map { $0 == 0x0A || $0 == 0 ? 0x20 : $0 }
    }

    private var isLocal: Bool {
        switch place {
        case .local, .unix: true
        case .udp, .tcp: false
        }
    }

    /// `Jan  2 15:04:05` in local time (RFC 3164, 4.1.2).
    private static func classicTime(_ nanoseconds: Int64) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        strftime(&buffer, buffer.count, "%b %e %H:%M:%S", &parts)
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
