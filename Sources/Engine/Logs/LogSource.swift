import Linux
import Monitor
import ProjectModel

/// Whose lines are sent on, for destinations that say it with each.
package struct LogSource: Hashable, Sendable {
    package var id: String
    package var name: String
    package var image: String
    package var tag: String
    /// The pid of its first process; the engine's when that is not known.
    package var process: Int32
    /// The machine's name.
    package var host: String
    /// Labels and variables that go along.
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
        var extras: [String: String] = [:]
        for label in plan.labels { extras[label] = record.labels[label] }
        for variable in plan.variables { extras[variable] = record.template.environment[variable] }
        self.init(
            id: record.id, name: record.name, image: image, tag: LogTag.expand(plan.tag, values),
            process: record.life.process?.pid ?? engine, host: host, extras: extras)
    }
}

/// Takes lines on. Used by one task at a time, on a thread that may wait.
protocol LogSink: Sendable {
    /// - Throws: when it did not go; it is sent again later.
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
