import CLinux
import Glibc
import Linux
import OCI
import Runtime

/// What a monitor keeps when it runs its own program again, once its container runs.
///
/// Reading a runtime spec and creating a container uses several times the memory that watching needs, and cannot
/// release it: type metadata, library tables, heap. A fresh image of the same process has none of it.
package struct Handover: ~Copyable {
    var folder = ""
    var spec = MonitorSpec(
        id: "", kind: .container(.init(spec: RuntimeSpec(), rootfs: .directory, bundle: "")))
    var state = MonitorState(phase: .running)
    var hierarchies: [Cgroup.Hierarchy] = []
    var memoryKillsBefore = 0
    var lock: CInt = -1
    var process: CInt = -1
    /// The listener first.
    var control: [CInt] = []
    var attach: CInt?
    var input: CInt?
    var outputs: [(CInt, LogWriter.Stream)] = []
    var terminal: [CInt] = []

    init() {}

    /// Every descriptor that must stay open.
    var descriptors: [CInt] {
        [lock, process] + control + [attach, input].compactMap(\.self) + outputs.map(\.0) + terminal
    }

    /// Names and values, each followed by a zero byte.
    func encoded() -> [UInt8] {
        var fields: [(String, String)] = [
            ("folder", folder), ("id", spec.id), ("kills", "\(memoryKillsBefore)"), ("lock", "\(lock)"),
            ("process", "\(process)"), ("terminal", spec.terminal ? "1" : ""), ("stdin", spec.stdin ? "1" : ""),
            ("stdinOnce", spec.stdinOnce ? "1" : ""), ("startedAt", "\(state.startedAt ?? 0)"),
            ("pid", "\(state.process?.pid ?? -1)"), ("ticks", "\(state.process?.startTicks ?? 0)"),
            ("boot", state.process?.bootID ?? ""),
        ]
        fields += control.map { ("control", "\($0)") } + terminal.map { ("tty", "\($0)") }
        for hierarchy in hierarchies {
            fields += [
                ("cgroup", hierarchy.folder), ("cgroupName", hierarchy.name),
                ("cgroupMount", hierarchy.mountpoint), ("cgroupUnified", hierarchy.isUnified ? "1" : ""),
            ]
            fields += hierarchy.controllers.map { ("cgroupController", $0) }
        }
        fields += (state.warnings ?? []).map { ("warning", $0) }
        fields += outputs.map { ($0.1.rawValue, "\($0.0)") }
        if let attach { fields.append(("attach", "\(attach)")) }
        if let input { fields.append(("input", "\(input)")) }
        if let path = spec.exitFile { fields.append(("exitFile", path)) }
        if let log = spec.log {
            fields += [
                ("log", log.path), ("logSize", "\(log.maximumSize)"), ("logFiles", "\(log.maximumFiles)"),
                ("logBlocking", log.isBlocking ? "1" : ""),
            ]
        }
        return fields.flatMap { Array($0.0.utf8) + [0] + Array($0.1.utf8) + [0] }
    }

    /// Reads from `descriptor` what `encoded` wrote; skips unknown names.
    package init(from descriptor: CInt) throws(SyscallError) {
        let file = OwnedFD(owning: descriptor)
        lseek(file.raw, 0, SEEK_SET)
        let parts = try file.readToEnd(limit: 1 << 20).split(separator: 0, omittingEmptySubsequences: false)
        var identity = ProcessIdentity(pid: -1, startTicks: 0, bootID: "")
        for index in stride(from: 0, to: parts.count - 1, by: 2) {
            let name = String(decoding: parts[index], as: UTF8.self)
            take(name, String(decoding: parts[index + 1], as: UTF8.self), &identity)
        }
        state.process = identity
        for descriptor in descriptors where fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0 {
            throw SyscallError(call: "fcntl", object: "handed over descriptor \(descriptor)", code: .badDescriptor)
        }
    }

    private mutating func take(_ name: String, _ value: String, _ identity: inout ProcessIdentity) {
        let number = CInt(value) ?? -1
        switch name {
        case "folder": folder = value
        case "id": spec.id = value
        case "kills": memoryKillsBefore = Int(value) ?? 0
        case "lock": lock = number
        case "process": process = number
        case "terminal": spec.terminal = !value.isEmpty
        case "stdin": spec.stdin = !value.isEmpty
        case "stdinOnce": spec.stdinOnce = !value.isEmpty
        case "startedAt": state.startedAt = Int64(value)
        case "pid": identity.pid = number
        case "ticks": identity.startTicks = UInt64(value) ?? 0
        case "boot": identity.bootID = value
        case "control": control.append(number)
        case "tty": terminal.append(number)
        case "cgroup":
            state.cgroups.append(value)
            hierarchies.append(.init(name: "", mountpoint: "", folder: value, controllers: [], isUnified: false))
        case "cgroupName": changeHierarchy { $0.name = value }
        case "cgroupMount": changeHierarchy { $0.mountpoint = value }
        case "cgroupUnified": changeHierarchy { $0.isUnified = !value.isEmpty }
        case "cgroupController": changeHierarchy { $0.controllers.append(value) }
        case "warning": state.warnings = (state.warnings ?? []) + [value]
        case "stdout": outputs.append((number, .stdout))
        case "stderr": outputs.append((number, .stderr))
        case "attach": attach = number
        case "input": input = number
        case "exitFile": spec.exitFile = value
        case "log": spec.log = MonitorSpec.LogFile(path: value)
        case "logSize": spec.log?.maximumSize = Int64(value) ?? 10 << 20
        case "logFiles": spec.log?.maximumFiles = Int(value) ?? 3
        case "logBlocking": spec.log?.isBlocking = !value.isEmpty
        default: break
        }
    }

    /// The hierarchy named last.
    private mutating func changeHierarchy(_ change: (inout Cgroup.Hierarchy) -> Void) {
        guard !hierarchies.isEmpty else { return }
        change(&hierarchies[hierarchies.count - 1])
    }
}

extension ProcessMonitor {
    /// Runs the program again, unless bytes are buffered in this image or a client is attached. Containers with a
    /// terminal in use are rarely long-lived, so nothing is lost.
    func handOver() {
        guard case .container = spec.kind, let child, attach.isEmpty, log?.isIdle != false,
            let control = control.idleDescriptors
        else { return }
        var handover = Handover()
        if let input {
            guard let descriptor = input.idleDescriptor else { return }
            handover.input = descriptor < 0 ? nil : descriptor
        }
        handover.folder = folder
        handover.spec = spec
        handover.state = state
        handover.hierarchies = cgroup.hierarchies
        handover.memoryKillsBefore = memoryKillsBefore
        handover.lock = lock.descriptor
        handover.process = child.launch.handle.pollable
        handover.control = control
        handover.attach = attach.listenerDescriptor
        handover.outputs = outputs.compactMap { output in output.place.map { ($0.descriptor, $0.stream) } }
        handover.terminal = terminal?.descriptors ?? []
        run(handover)
    }

    /// Returns only on failure; then this image continues as before.
    private func run(_ handover: borrowing Handover) {
        guard let raw = try? syscall("memfd_create", on: "handover", { berth_memfd_create("handover", 0) }) else {
            return
        }
        let file = OwnedFD(owning: raw)
        guard (try? file.write(handover.encoded())) != nil else { return }
        for descriptor in handover.descriptors { _ = fcntl(descriptor, F_SETFD, 0) }
        SelfProtection.beginAnew(["berth-monitor", folder, "--watch", "\(raw)"])
        for descriptor in handover.descriptors { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    }
}
