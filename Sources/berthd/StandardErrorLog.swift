import Glibc
import Logging
import Synchronization

/// Log lines on standard error: time in UTC, level, text. Secrets of services must not go here.
struct StandardErrorLog: LogHandler {
    /// Shared by all of them; it can change while they are in use.
    static var level: Logger.Level {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }
    private static let current = Mutex(Logger.Level.notice)

    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level {
        get { Self.level }
        set { Self.level = newValue }
    }

    static func logger(level: Logger.Level) -> Logger {
        Self.level = level
        return Logger(label: "berthd") { _ in StandardErrorLog() }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        let instant = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let extra = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        let text = Array("\(instant) \(event.level) \(event.message)\(extra)\n".utf8)
        _ = write(2, text, text.count)
    }
}
