import Engine
import EngineWire
import JSON

/// The answer of `top`: the columns that the arguments for ps(1) ask for.
struct ProcessListing {
    private enum Column: String, CaseIterable {
        case user = "USER"
        case uid = "UID"
        case pid = "PID"
        case parent = "PPID"
        case cpu = "C"
        case cpuPercent = "%CPU"
        case start = "STIME"
        case started = "START"
        case terminal = "TTY"
        case time = "TIME"
        case command = "CMD"
        case commandLine = "COMMAND"

        /// The names that `ps -o` uses.
        static let names: [String: Column] = [
            "user": .user, "uname": .user, "euser": .user, "uid": .uid, "pid": .pid, "ppid": .parent, "c": .cpu,
            "pcpu": .cpuPercent, "%cpu": .cpuPercent, "stime": .start, "start": .started, "tty": .terminal,
            "tt": .terminal, "time": .time, "cputime": .time, "cmd": .command, "args": .commandLine,
            "command": .commandLine, "comm": .commandLine,
        ]
    }

    private let columns: [Column]

    /// - Throws: `DockerFailure` for arguments that berth does not know.
    init(_ words: String) throws(DockerFailure) {
        let parts = words.split(separator: " ").map(String.init)
        if let place = parts.firstIndex(where: { $0 == "-o" || $0 == "o" || $0 == "-eo" || $0 == "eo" }) {
            let names = parts[(place + 1)...].joined(separator: ",").split(separator: ",")
            columns = try names.map { (name) throws(DockerFailure) in
                guard let column = Column.names[name.lowercased()] else {
                    throw .invalid("ps: the column \"\(name)\" is not known here")
                }
                return column
            }
            guard columns.contains(.pid) else { throw .invalid("Couldn't find PID field in ps output") }
        } else if parts.first.map({ !$0.hasPrefix("-") && $0.contains("u") }) == true {
            columns = [.user, .pid, .cpuPercent, .terminal, .started, .time, .commandLine]
        } else {
            columns = [.uid, .pid, .parent, .cpu, .start, .terminal, .time, .command]
        }
    }

    func json(_ rows: [ProcessRow], now: Int64) -> JSONValue {
        .members([
            "Titles": columns.map(\.rawValue),
            "Processes": rows.map { row in columns.map { text(row, $0, now) } },
        ])
    }

    private func text(_ row: ProcessRow, _ column: Column, _ now: Int64) -> String {
        switch column {
        case .user, .uid: row.user
        case .pid: "\(row.pid)"
        case .parent: "\(row.parent)"
        case .cpu: "\(row.cpu)"
        case .cpuPercent: "\(row.cpu).0"
        case .start, .started: start(row, now)
        case .terminal: row.tty
        case .time: clock(Int(row.cpuTime))
        case .command, .commandLine: row.command
        }
    }

    /// The time of day if it was today, otherwise the date.
    private func start(_ row: ProcessRow, _ now: Int64) -> String {
        let text = Instant.text(Int64(row.startedAt * 1e9))
        let isToday = Double(now) / 1e9 - row.startedAt < 86400
        return isToday ? String(text.dropFirst(11).prefix(5)) : String(text.dropFirst(5).prefix(5))
    }

    private func clock(_ seconds: Int) -> String {
        [seconds / 3600, seconds / 60 % 60, seconds % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }
}
