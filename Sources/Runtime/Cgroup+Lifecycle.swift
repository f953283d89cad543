import Glibc
import Linux

extension Cgroup {
    /// Freezes every process in it, and waits until the kernel confirms it.
    /// - Throws: `RuntimeFailure` when this host cannot freeze.
    package func freeze() throws(RuntimeFailure) { try setFrozen(true) }

    /// Thaws its processes.
    package func thaw() throws(RuntimeFailure) { try setFrozen(false) }

    /// Sends `signal` to every process in it. A kill also reaches processes that are being created meanwhile.
    package func signal(_ signal: Int32) throws(RuntimeFailure) {
        if signal == SIGKILL, let unified, fileExists("\(unified.folder)/cgroup.kill") {
            return try write("1", to: "\(unified.folder)/cgroup.kill", "kill")
        }
        // While frozen, no process can escape by forking. On a host that cannot freeze, a walk reaches what it can.
        let isFrozen = signal == SIGKILL && (try? freeze()) != nil
        for pid in processes {
            guard let process = try? ProcessHandle(pid: pid) else { continue }
            try? process.signal(signal)
        }
        if isFrozen { try thaw() }
    }

    /// Whether its processes are stopped.
    package var isFrozen: Bool {
        if let unified, let text = try? readText("\(unified.folder)/cgroup.events"), text.contains("frozen 1") {
            return true
        }
        guard let freezer else { return false }
        return (try? readText("\(freezer.folder)/freezer.state"))?.hasPrefix("THAWED") == false
    }

    /// Whether it, or a cgroup below it, contains a process.
    var isPopulated: Bool {
        hierarchies.contains { hierarchy in
            if hierarchy.isUnified, let events = try? readText("\(hierarchy.folder)/cgroup.events") {
                return events.contains("populated 1")
            }
            return Self.isPopulated(hierarchy.folder)
        }
    }

    private static func isPopulated(_ folder: String) -> Bool {
        if (try? readText("\(folder)/cgroup.procs"))?.isEmpty == false { return true }
        // Only cgroups have that file; everything else in the folder is a file.
        return ((try? folderEntries(folder)) ?? []).contains { name in
            fileExists("\(folder)/\(name)/cgroup.procs") && isPopulated("\(folder)/\(name)")
        }
    }

    private var freezer: Hierarchy? { hierarchies.first { $0.controllers.contains("freezer") } }

    /// Call this before a process enters it. If a pause left it frozen, thaws it, because a process that starts in it
    /// would never run.
    /// - Throws: `RuntimeFailure` when a cgroup above it is frozen; that is not ours to thaw.
    package func checkThaw() throws(RuntimeFailure) {
        if let unified {
            if isOn("cgroup.freeze", unified.folder) { try write("0", to: "\(unified.folder)/cgroup.freeze", "resume") }
            var folder = unified.folder
            while folder.count > unified.mountpoint.count {
                if isOn("cgroup.freeze", folder) { throw Self.frozen(folder) }
                folder = String(folder[..<(folder.lastSlash ?? folder.startIndex)])
            }
        }
        guard let freezer, isFrozen else { return }
        try write("THAWED", to: "\(freezer.folder)/freezer.state", "resume")
        if isOn("freezer.parent_freezing", freezer.folder) { throw Self.frozen(freezer.folder) }
    }

    private func isOn(_ file: String, _ folder: String) -> Bool {
        (try? readText("\(folder)/\(file)"))?.hasPrefix("1") == true
    }

    private static func frozen(_ folder: String) -> RuntimeFailure {
        RuntimeFailure(
            step: "cgroup",
            message: "the cgroup \(folder) is frozen, or one above it: a process started in it would not run")
    }

    private func setFrozen(_ isFrozen: Bool) throws(RuntimeFailure) {
        let doing = isFrozen ? "pause" : "resume"
        if let unified, fileExists("\(unified.folder)/cgroup.freeze") {
            try write(isFrozen ? "1" : "0", to: "\(unified.folder)/cgroup.freeze", doing)
            return try waitForEvent("frozen \(isFrozen ? 1 : 0)", in: "\(unified.folder)/cgroup.events", doing)
        }
        guard let freezer else {
            throw RuntimeFailure(step: doing, message: "\(doing): this host has no freezer cgroup")
        }
        let file = "\(freezer.folder)/freezer.state"
        let wanted = isFrozen ? "FROZEN" : "THAWED"
        // v1 sends no notification, and a forking process may need a second attempt, so retry for two seconds.
        for _ in 0..<2000 {
            try write(wanted, to: file, doing)
            if (try? readText(file))?.hasPrefix(wanted) == true { return }
            usleep(1000)
        }
        throw RuntimeFailure(step: doing, message: "\(doing): the processes did not become \(wanted)")
    }

    /// A v2 event file signals changes with POLLPRI (cgroup-v2, "Basic Operations").
    private func waitForEvent(_ line: String, in path: String, _ doing: String) throws(RuntimeFailure) {
        do throws(SyscallError) {
            let file = try openFile(path, O_RDONLY)
            for _ in 0..<16 {
                try syscall("lseek", on: path) { lseek(file.raw, 0, SEEK_SET) }
                let text = String(decoding: try file.readToEnd(limit: 4096), as: UTF8.self)
                if text.split(separator: "\n").contains(Substring(line)) { return }
                var request = pollfd(fd: file.raw, events: Int16(POLLPRI), revents: 0)
                poll(&request, 1, 2000)
            }
        } catch {
            throw RuntimeFailure(doing, error)
        }
        throw RuntimeFailure(step: doing, message: "\(doing): the processes did not stop within the time allowed")
    }

    func write(_ text: String, to path: String, _ doing: String) throws(RuntimeFailure) {
        do throws(SyscallError) {
            try writeControlFile(path, text)
        } catch {
            throw RuntimeFailure(doing, error)
        }
    }
}
