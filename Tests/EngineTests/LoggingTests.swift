import Engine
import EngineWire
import Glibc
import Linux
import ProjectModel
import Testing

/// Logging drivers: what their options mean, and what destinations get.
@Suite struct LoggingTests {
    private func plan(_ driver: String?, _ options: [String: String] = [:]) throws -> LoggingPlan {
        try LoggingPlan(Logging(driver: driver, options: options))
    }

    @Test("a file is kept with every driver but none, as large as its options say")
    func files() throws {
        let standard = try LoggingPlan(nil)
        #expect(standard.keepsFile && standard.maximumSize == nil && standard.destination == nil)
        for driver in [nil, "json-file", "local"] {
            let plan = try plan(driver, ["max-size": "10m", "max-file": "2", "compress": "true", "mode": "blocking"])
            #expect(plan.maximumSize == 10 << 20 && plan.maximumFiles == 2 && plan.isBlocking && plan.keepsFile)
        }
        #expect(try plan("json-file", ["max-size": "-1", "mode": "non-blocking"]).maximumSize == .max)
        #expect(try plan("json-file", ["mode": "non-blocking"]).maximumSize == nil)
        #expect(try !plan("none").keepsFile)
    }

    @Test("a driver that is not there is said, and the file is kept", arguments: ["fluentd", "awslogs", "loki:latest"])
    func unknownDriver(name: String) throws {
        let plan = try plan(name, ["anything": "goes"])
        #expect(plan.keepsFile && plan.destination == nil)
        #expect(plan.warnings.first?.contains(name) == true)
    }

    static let wrong: [(String, [String: String])] = [
        ("json-file", ["max-size": "ten"]), ("json-file", ["max-size": "0"]), ("local", ["max-file": "0"]),
        ("json-file", ["colour": "red"]), ("json-file", ["mode": "sometimes"]), ("journald", ["max-size": "1m"]),
        ("syslog", ["syslog-address": "192.0.2.1"]), ("syslog", ["syslog-address": "udp://host:port"]),
        ("syslog", ["syslog-facility": "news2"]), ("syslog", ["syslog-format": "rfc1"]),
        ("syslog", ["tag": "{{.Nam}}"]), ("journald", ["tag": "{{.Name"]), ("none", ["tag": "{{with .Name}}"]),
    ]

    @Test("an option that means nothing is an error", arguments: wrong)
    func wrongOption(driver: String, options: [String: String]) {
        #expect(throws: EngineFailure.self) { try plan(driver, options) }
    }

    static let addresses: [(String?, SyslogTarget.Place)] = [
        (nil, .local), ("udp://192.0.2.1", .udp(host: "192.0.2.1", port: 514)),
        ("tcp://log.example:6514", .tcp(host: "log.example", port: 6514)),
        ("udp://[::1]:99", .udp(host: "::1", port: 99)), ("tcp://[::1]", .tcp(host: "::1", port: 514)),
        ("unix:///dev/log", .unix(path: "/dev/log")), ("unixgram:///run/x", .unix(path: "/run/x")),
    ]

    @Test("a syslog server is named by scheme, host and port", arguments: addresses)
    func syslogAddress(text: String?, place: SyslogTarget.Place) throws {
        let plan = try plan("syslog", text.map { ["syslog-address": $0] } ?? [:])
        guard case .syslog(let target) = plan.destination else { return #expect(Bool(false), "no syslog") }
        #expect(target.place == place && target.facility == 3)
    }

    @Test("TLS is not spoken, and that is said")
    func encryptedSyslog() throws {
        let plan = try plan("syslog", ["syslog-address": "tcp+tls://h:1", "syslog-tls-ca-cert": "/x", "tag": "t"])
        #expect(plan.destination == nil && plan.keepsFile && plan.warnings.count == 1)
    }

    static let source = LogSource(
        id: String(repeating: "ab", count: 32), name: "shop-web-1", image: "web:1", tag: "shop/web", process: 42,
        host: "box", extras: ["com.example.team": "a\nb"])

    private func text(_ entry: LogEntry, _ options: [String: String]) throws -> String {
        guard case .syslog(let target) = try plan("syslog", options).destination else { return "" }
        return String(decoding: target.message(entry, of: Self.source), as: UTF8.self)
    }

    @Test("a syslog message has its priority, time, source and one line")
    func syslogMessages() throws {
        setenv("TZ", "UTC", 1)
        let entry = LogEntry(time: 1_709_208_000_123_456_789, text: "two\nlines", isError: true)
        #expect(try text(entry, [:]) == "<27>Feb 29 12:00:00 shop/web[42]: two lines")
        let remote = ["syslog-address": "udp://192.0.2.1", "syslog-facility": "local7"]
        #expect(try text(entry, remote) == "<187>Feb 29 12:00:00 box shop/web[42]: two lines")
        let structured = remote.merging(["syslog-format": "rfc5424"]) { $1 }
        #expect(
            try text(LogEntry(time: entry.time, text: "x"), structured)
                == "<190>1 2024-02-29T12:00:00Z box shop/web 42 shop/web - x")
        let exact = remote.merging(["syslog-format": "rfc5424micro"]) { $1 }
        #expect(try text(entry, exact).hasPrefix("<187>1 2024-02-29T12:00:00.123456Z box "))
    }

    @Test("a tag is a template of a few fields")
    func tags() {
        let values = ["Name": "n", "ID": "i"]
        #expect(LogTag.expand("a/{{.Name}}/{{ .ID }}}}", values) == "a/n/i}}")
        #expect(LogTag.expand("plain", values) == "plain")
    }

    @Test("an instant is written with as many digits as asked for")
    func instants() {
        #expect(Timestamp.text(1_709_208_000_000_000_001, digits: 9) == "2024-02-29T12:00:00.000000001Z")
        #expect(Timestamp.text(0, digits: 0) == "1970-01-01T00:00:00Z")
        #expect(Timestamp.text(-1, digits: 3) == "1969-12-31T23:59:59.999Z")
    }

    @Test("the journal gets an entry of fields, and values with newlines by length")
    func journalMessage() throws {
        let entry = LogEntry(time: 1_000_000_000, text: "hello", isPartial: true)
        let text = String(decoding: JournalSink.message(entry, of: Self.source), as: UTF8.self)
        let expected = [
            "MESSAGE=hello", "PRIORITY=6", "CONTAINER_ID=abababababab", "CONTAINER_ID_FULL=\(Self.source.id)",
            "CONTAINER_NAME=shop-web-1", "CONTAINER_TAG=shop/web", "IMAGE_NAME=web:1", "SYSLOG_IDENTIFIER=shop/web",
            "SYSLOG_TIMESTAMP=1970-01-01T00:00:01.000000000Z", "CONTAINER_PARTIAL_MESSAGE=true",
        ]
        #expect(
            text == expected.map { "\($0)\n" }.joined()
                + "COM_EXAMPLE_TEAM\n\u{3}\0\0\0\0\0\0\0a\nb\n")
    }

    /// A datagram socket at `path`, in place of a former one.
    private func receiver(at path: String) throws -> OwnedFD {
        let receiver = OwnedFD(owning: socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        unlink(path)
        let raw = receiver.raw
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        return receiver
    }

    @Test("an entry arrives at the journal's socket, and after the journal was started anew the next one does")
    func journalSocket() throws {
        let path = "/tmp/berth-journal-\(getpid())"
        defer { unlink(path) }
        let sink = JournalSink(path: path)
        let entry = LogEntry(time: 0, text: "hello")
        #expect(throws: SyscallError.self) { try sink.send(entry, of: Self.source) }
        for _ in 0..<2 {
            let journal = try receiver(at: path)
            // The first attempt finds the former journal's socket closed.
            do { try sink.send(entry, of: Self.source) } catch { try sink.send(entry, of: Self.source) }
            #expect(try journal.readSome() == JournalSink.message(entry, of: Self.source))
        }
    }

    @Test("syslog is spoken in datagrams where the server takes them, local or not")
    func syslogDatagrams() throws {
        let path = "/tmp/berth-syslog-\(getpid())"
        defer { unlink(path) }
        let entry = LogEntry(time: 0, text: "hello")
        let local = try receiver(at: path)
        let localTarget = SyslogTarget(place: .unix(path: path))
        try SyslogSink(localTarget).send(entry, of: Self.source)
        #expect(try local.readSome() == localTarget.message(entry, of: Self.source))
        let remote = try InternetSocket.open(.v4, .udp, nonblocking: false)
        try InternetSocket.bind(remote.raw, to: SocketEndpoint(.loopbackV4, 0))
        let port = try #require(try InternetSocket.localEndpoint(remote.raw)).port
        let target = SyslogTarget(place: .udp(host: "127.0.0.1", port: port))
        try SyslogSink(target).send(entry, of: Self.source)
        #expect(try remote.readSome() == target.message(entry, of: Self.source))
    }
}

/// A log that grows and is rotated, read piece by piece.
@Suite struct LogFollowingTests {
    private let folder: String
    private let path: String

    init() throws {
        folder = "/tmp/berth-log-\(getpid())-\(UInt32.random(in: .min ... .max))"
        path = "\(folder)/log.json"
        try makeFolders(folder)
    }

    private func line(_ text: String) -> [UInt8] {
        Array("{\"log\":\"\(text)\\n\",\"stream\":\"stdout\",\"time\":\"1970-01-01T00:00:01Z\"}\n".utf8)
    }

    private func append(_ texts: String...) throws {
        let file = try openFile(path, O_WRONLY | O_CREAT | O_APPEND)
        for text in texts { try file.write(line(text)) }
    }

    private func rotate(keeping count: Int = 3) {
        unlink("\(path).\(count)")
        for number in stride(from: count - 1, through: 1, by: -1) {
            rename("\(path).\(number)", "\(path).\(number + 1)")
        }
        rename(path, "\(path).1")
    }

    /// All that is new after `position`, and whether something was missed.
    private func read(from position: inout LogPosition) async -> (texts: [String], hasGap: Bool) {
        var texts: [String] = []
        var hasGap = false
        while true {
            let step = await LogReader(path: path).next(after: position)
            guard step.position != position else { return (texts, hasGap) }
            texts += step.entries.map(\.text)
            hasGap = hasGap || step.hasGap
            position = step.position
        }
    }

    @Test("a reader goes on where it was, through several rotations, and misses nothing")
    func rotations() async throws {
        defer { try? removeTree(folder) }
        var position = LogPosition.start
        #expect(await read(from: &position).texts == [])
        try append("one", "two")
        #expect(await read(from: &position).texts == ["one", "two"])
        try append("three")
        rotate()
        try append("four")
        rotate()
        try append("five")
        let rest = await read(from: &position)
        #expect(rest.texts == ["three", "four", "five"] && !rest.hasGap)
        #expect(await read(from: &position).texts == [])
        rotate()
        #expect(await read(from: &position).texts == [])
        try append("six")
        #expect(await read(from: &position).texts == ["six"])
    }

    @Test("a reader that was away too long begins with the oldest that is left, and knows it")
    func gap() async throws {
        defer { try? removeTree(folder) }
        var position = LogPosition.start
        try append("one")
        #expect(await read(from: &position).texts == ["one"])
        for text in ["two", "three", "four"] {
            rotate(keeping: 2)
            try append(text)
        }
        let rest = await read(from: &position)
        #expect(rest.texts == ["two", "three", "four"] && rest.hasGap)
    }

    @Test("a file that is cut off and written anew is read from its beginning")
    func cutOff() async throws {
        defer { try? removeTree(folder) }
        var position = LogPosition.start
        try append("one", "two")
        _ = await read(from: &position)
        truncate(path, 0)
        try append("new")
        let rest = await read(from: &position)
        #expect(rest.texts == ["new"] && rest.hasGap)
    }
}
