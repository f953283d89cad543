import Linux
import Monitor
import ProjectModel

/// The container that lines come from, for destinations that name it with each line.
package struct LogSource: Hashable, Sendable {
    package var id: String
    package var name: String
    package var image: String
    package var tag: String
    /// The pid of its first process, or the engine's if that is unknown.
    package var process: Int32
    /// The machine's host name.
    package var host: String
    /// Labels and variables to send with each line.
    package var extras: [String: String]

    package init(
        id: String, name: String, image: String, tag: String, process: Int32, host: String,
        extras: [String: String] = [:]
    ) {
        self.id = id
        self.name = name
        self.image = image
        self.tag = tag
        self.process = process
        self.host = host
        self.extras = extras
    }

    init(_ record: ContainerRecord, _ plan: LoggingPlan, host: String, engine: Int32) {
        let hex = record.imageID.drop { $0 != ":" }.dropFirst()
        let image = record.template.image ?? record.imageID
        let values = [
            "ID": String(record.id.prefix(12)), "FullID": record.id, "Name": record.name,
            "ImageID": String(hex.prefix(12)), "ImageFullID": record.imageID, "ImageName": image, "DaemonName": "berth",
        ]
        let extras = plan.extras(of: record)
        self.init(
            id: record.id, name: record.name, image: image, tag: LogTag.expand(plan.tag, values),
            process: record.life.process?.pid ?? engine, host: host, extras: extras)
    }
}

extension LoggingPlan {
    /// The labels and variables of a container that the logging options select.
    func extras(of record: ContainerRecord) -> [String: String] {
        var extras: [String: String] = [:]
        for label in labels { extras[label] = record.labels[label] }
        for variable in variables { extras[variable] = record.template.environment[variable] }
        return extras
    }

    /// The same as text, as `docker logs --details` shows it: `a=1,b=2`, with percent-encoded names and values (RFC 3986).
    package func details(of record: ContainerRecord) -> String {
        extras(of: record).sorted { $0.key < $1.key }.map { "\(Self.escaped($0.key))=\(Self.escaped($0.value))" }
            .joined(separator: ",")
    }

    private static func escaped(_ text: String) -> String {
        text.utf8.reduce(into: "") { result, byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                result.unicodeScalars.append(Unicode.Scalar(byte))
            case 0x20: result += "+"
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
    }
}

/// A destination for lines. Only one task uses it at a time, on a thread that may block.
protocol LogSink: Sendable {
    /// - Throws: when sending failed; the caller sends it again later.
    func send(_ entry: LogEntry, of source: LogSource) throws
}

extension LoggingPlan.Destination {
    var sink: any LogSink {
        switch self {
        case .syslog(let target): SyslogSink(target)
        case .journal: JournalSink()
        }
    }
}
