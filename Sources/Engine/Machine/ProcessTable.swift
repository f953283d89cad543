import EngineWire
import Glibc
import Linux

/// The processes of a container as the host sees them: those in the pid namespace of its init process.
struct ProcessTable {
    let initProcess: Int32

    func rows() throws -> [ProcessRow] {
        let namespace = try Self.namespace(of: initProcess)
        let bootTime = try Self.bootTime()
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        var rows: [ProcessRow] = []
        for name in try folderEntries("/proc") {
            // A process may end while the folder is read.
            guard let pid = Int32(name), let own = try? Self.namespace(of: pid), own == namespace,
                let row = try? Self.row(pid, bootTime: bootTime, ticks: ticks)
            else { continue }
            rows.append(row)
        }
        return rows.sorted { $0.pid < $1.pid }
    }

    private static func namespace(of pid: Int32) throws -> UInt64 {
        var status = stat()
        try syscall("stat", on: "/proc/\(pid)/ns/pid") { stat("/proc/\(pid)/ns/pid", &status) }
        return UInt64(status.st_ino)
    }

    private static func bootTime() throws -> Double {
        let line = try readText("/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst(6)) } ?? 0
    }

    /// Parses proc_pid_stat(5) after the name in parentheses.
    private static func row(_ pid: Int32, bootTime: Double, ticks: Double) throws -> ProcessRow? {
        let text = try readText("/proc/\(pid)/stat")
        guard let close = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 20, let parent = Int(fields[1]), let tty = Int(fields[4]), let user = Double(fields[11]),
            let system = Double(fields[12]), let start = Double(fields[19])
        else { return nil }
        var status = stat()
        try syscall("stat", on: "/proc/\(pid)") { stat("/proc/\(pid)", &status) }
        let startedAt = bootTime + start / ticks
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let cpuTime = (user + system) / ticks
        let age = max(Double(now.tv_sec) - startedAt, 0.01)
        let arguments = try openFile("/proc/\(pid)/cmdline", O_RDONLY).readBeginning(4096).map { $0 == 0 ? 0x20 : $0 }
        let command = String(decoding: arguments, as: UTF8.self)
        let name = text[text.index(after: text.firstIndex(of: "(") ?? text.startIndex)..<close]
        return ProcessRow(
            user: userName(status.st_uid), pid: Int(pid), parent: parent, cpu: Int(cpuTime / age * 100),
            startedAt: startedAt,
            tty: tty == 0 ? "?" : "pts/\(tty & 0xFF)", cpuTime: cpuTime,
            command: command.isEmpty ? "[\(name)]" : String(command.reversed().drop { $0 == " " }.reversed()))
    }

    private static func userName(_ uid: uid_t) -> String {
        guard let entry = getpwuid(uid), let name = entry.pointee.pw_name else { return "\(uid)" }
        return String(cString: name)
    }
}
