import CLinux

/// A signal set in `/proc/PID/status`: bit n-1 is signal n (proc_pid_status(5)).
package struct SignalSet: Hashable, Sendable {
    package var bits: UInt64
    package init(bits: UInt64) { self.bits = bits }
    package func contains(_ signal: CInt) -> Bool { (1...64).contains(signal) && bits >> UInt64(signal - 1) & 1 == 1 }
    package var isEmpty: Bool { bits == 0 }
}

/// The kernel's data about a process in `/proc/PID/status` and `/proc/PID/stat`.
package struct ProcessStatus: Hashable, Sendable {
    /// The executable's name, at most 15 bytes.
    package var name: String
    /// `R`, `S`, `D`, `T`, `t`, `Z`, `X` …
    package var state: Character
    package var parent: CInt
    /// Its pid in each pid namespace, ours first.
    package var namespacePIDs: [CInt]
    package var caught: SignalSet
    package var blocked: SignalSet
    package var ignored: SignalSet
    /// Signals pending for the whole process or for its main thread.
    package var pending: SignalSet
    /// Start time in clock ticks since boot; identifies a process together with the pid and the boot id.
    package var startTicks: UInt64
    /// Resident memory in bytes; 0 after its end.
    package var residentBytes: UInt64
    /// How often its main thread went to sleep (`voluntary_ctxt_switches`); an unchanged number means that the same
    /// sleep continues.
    package var sleeps: UInt64

    /// It has ended, but its parent has not reaped it yet.
    package var isZombie: Bool { state == "Z" || state == "X" }

    /// Reads the current status of `pid`.
    /// - Throws: `.notFound` or `.noSuchProcess` when there is none.
    package init(of pid: CInt) throws(SyscallError) {
        let status = try readText("/proc/\(pid)/status")
        let ticks = try Self.startTicks(of: pid)
        guard let parsed = Self(status: status, startTicks: ticks) else {
            throw SyscallError(call: "parse", object: "/proc/\(pid)/status", code: .invalid)
        }
        self = parsed
    }

    /// Parses the text of a `status` file; nil when it lacks fields that every kernel writes.
    package init?(status: String, startTicks: UInt64) {
        var fields: [Substring: Substring] = [:]
        for line in status.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon]] = line[line.index(after: colon)...].drop { $0 == "\t" || $0 == " " }
        }
        func signals(_ key: Substring) -> SignalSet? {
            fields[key].flatMap { UInt64($0, radix: 16) }.map(SignalSet.init(bits:))
        }
        guard let name = fields["Name"], let state = fields["State"]?.first,
            let parent = fields["PPid"].flatMap({ CInt($0) }), let caught = signals("SigCgt"),
            let blocked = signals("SigBlk"), let ignored = signals("SigIgn"), let own = signals("SigPnd"),
            let shared = signals("ShdPnd")
        else { return nil }
        self.name = String(name)
        self.state = state
        self.parent = parent
        namespacePIDs = fields["NSpid"]?.split { $0 == "\t" || $0 == " " }.compactMap { CInt($0) } ?? []
        self.caught = caught
        self.blocked = blocked
        self.ignored = ignored
        pending = SignalSet(bits: own.bits | shared.bits)
        self.startTicks = startTicks
        residentBytes = fields["VmRSS"]?.split(separator: " ").first.flatMap { UInt64($0) }.map { $0 * 1024 } ?? 0
        sleeps = fields["voluntary_ctxt_switches"].flatMap { UInt64($0) } ?? 0
    }

    /// Field 22 of `/proc/PID/stat`; the name before it may contain spaces and parentheses (proc_pid_stat(5)).
    package static func startTicks(of pid: CInt) throws(SyscallError) -> UInt64 {
        let text = try readText("/proc/\(pid)/stat")
        guard let ticks = startTicks(stat: text) else {
            throw SyscallError(call: "parse", object: "/proc/\(pid)/stat", code: .invalid)
        }
        return ticks
    }

    package static func startTicks(stat: String) -> UInt64? {
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }
}

/// The id of this boot, `/proc/sys/kernel/random/boot_id`.
package func currentBootID() throws(SyscallError) -> String {
    let text = try readText("/proc/sys/kernel/random/boot_id")
    return String(text.prefix { $0 != "\n" })
}
