import EngineWire
import Linux
import Runtime

/// Reads the usage counters of a cgroup, v1 or v2, and of the interfaces of a network namespace. It leaves out values
/// whose file does not exist.
struct UsageReader {
    /// The container's cgroup folders, each with its controllers.
    let cgroup: Cgroup

    func fill(_ usage: inout ContainerUsage) {
        for hierarchy in cgroup.hierarchies {
            if hierarchy.isUnified { readUnified(hierarchy.folder, &usage) } else { readFirst(hierarchy, &usage) }
        }
        readMachine(&usage)
    }

    // MARK: Version 2 (kernel, cgroup-v2.rst)

    private func readUnified(_ folder: String, _ usage: inout ContainerUsage) {
        let processor = Self.pairs("\(folder)/cpu.stat")
        if let total = processor["usage_usec"] {
            usage.processor.total = total * 1000
            usage.processor.user = (processor["user_usec"] ?? 0) * 1000
            usage.processor.kernel = (processor["system_usec"] ?? 0) * 1000
            usage.processor.periods = processor["nr_periods"] ?? 0
            usage.processor.throttledPeriods = processor["nr_throttled"] ?? 0
            usage.processor.throttledTime = (processor["throttled_usec"] ?? 0) * 1000
        }
        if let current = Self.number("\(folder)/memory.current") {
            usage.memory.usage = current
            usage.memory.limit = Self.number("\(folder)/memory.max") ?? 0
            usage.memory.peak = Self.number("\(folder)/memory.peak")
            usage.memory.failures = Self.pairs("\(folder)/memory.events")["max"]
            usage.memory.details = Self.pairs("\(folder)/memory.stat")
        }
        if let current = Self.number("\(folder)/pids.current") {
            usage.tasks = .init(current: current, limit: Self.number("\(folder)/pids.max"))
        }
        for line in Self.lines("\(folder)/io.stat") {
            let words = line.split(separator: " ")
            guard var device = words.first.flatMap(Self.device) else { continue }
            for word in words.dropFirst() {
                let parts = word.split(separator: "=")
                guard parts.count == 2, let value = Int64(parts[1]) else { continue }
                switch parts[0] {
                case "rbytes": device.readBytes = value
                case "wbytes": device.writtenBytes = value
                case "rios": device.reads = value
                case "wios": device.writes = value
                default: continue
                }
            }
            usage.devices.append(device)
        }
    }

    // MARK: Version 1 (kernel, cgroup-v1)

    private func readFirst(_ hierarchy: Cgroup.Hierarchy, _ usage: inout ContainerUsage) {
        let folder = hierarchy.folder
        if hierarchy.controllers.contains("cpuacct") {
            usage.processor.total = Self.number("\(folder)/cpuacct.usage") ?? 0
            // In hundredths of a second (sysconf(3), _SC_CLK_TCK).
            let parts = Self.pairs("\(folder)/cpuacct.stat")
            usage.processor.user = (parts["user"] ?? 0) * 10_000_000
            usage.processor.kernel = (parts["system"] ?? 0) * 10_000_000
        }
        if hierarchy.controllers.contains("cpu") {
            let parts = Self.pairs("\(folder)/cpu.stat")
            usage.processor.periods = parts["nr_periods"] ?? 0
            usage.processor.throttledPeriods = parts["nr_throttled"] ?? 0
            usage.processor.throttledTime = parts["throttled_time"] ?? 0
        }
        if hierarchy.controllers.contains("memory") {
            usage.memory.usage = Self.number("\(folder)/memory.usage_in_bytes") ?? 0
            usage.memory.limit = Self.number("\(folder)/memory.limit_in_bytes") ?? 0
            usage.memory.peak = Self.number("\(folder)/memory.max_usage_in_bytes")
            usage.memory.failures = Self.number("\(folder)/memory.failcnt")
            usage.memory.details = Self.pairs("\(folder)/memory.stat")
        }
        if hierarchy.controllers.contains("pids") {
            usage.tasks = .init(
                current: Self.number("\(folder)/pids.current") ?? 0, limit: Self.number("\(folder)/pids.max"))
        }
        if hierarchy.controllers.contains("blkio") { readBlocks(folder, &usage) }
    }

    private func readBlocks(_ folder: String, _ usage: inout ContainerUsage) {
        var devices: [String: ContainerUsage.DeviceIO] = [:]
        for (file, isBytes) in [("io_service_bytes", true), ("io_serviced", false)] {
            var lines = Self.lines("\(folder)/blkio.throttle.\(file)_recursive")
            if lines.isEmpty { lines = Self.lines("\(folder)/blkio.throttle.\(file)") }
            for line in lines {
                let words = line.split(separator: " ")
                guard words.count == 3, let value = Int64(words[2]), let new = Self.device(words[0]) else { continue }
                var device = devices[String(words[0])] ?? new
                switch (words[1], isBytes) {
                case ("Read", true): device.readBytes = value
                case ("Write", true): device.writtenBytes = value
                case ("Read", false): device.reads = value
                case ("Write", false): device.writes = value
                default: break
                }
                devices[String(words[0])] = device
            }
        }
        usage.devices += devices.values.sorted { ($0.major, $0.minor) < ($1.major, $1.minor) }
    }

    // MARK: The machine

    private func readMachine(_ usage: inout ContainerUsage) {
        let lines = Self.lines("/proc/stat")
        // user, nice, system, idle, iowait, irq, softirq, steal, in hundredths of a second (proc_stat(5)).
        let fields = lines.first.map { $0.split(separator: " ").dropFirst().prefix(8).compactMap { Int64($0) } } ?? []
        usage.processor.machine = fields.reduce(0, +) * 10_000_000
        usage.processor.online = max(1, lines.count { $0.hasPrefix("cpu") } - 1)
        let total = Self.pairs("/proc/meminfo")["MemTotal:"].map { $0 * 1024 } ?? 0
        if usage.memory.limit <= 0 || usage.memory.limit > total { usage.memory.limit = total }
    }

    /// The interfaces that a process sees, without the loopback (proc_pid_net(5)).
    static func networks(of pid: Int32) -> [String: ContainerUsage.NetworkIO] {
        var result: [String: ContainerUsage.NetworkIO] = [:]
        for line in lines("/proc/\(pid)/net/dev") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let name = String(parts[0].drop { $0 == " " })
            let fields = parts[1].split(separator: " ").map { Int64($0) ?? 0 }
            guard name != "lo", fields.count >= 12 else { continue }
            var traffic = ContainerUsage.NetworkIO()
            traffic.receivedBytes = fields[0]
            traffic.receivedPackets = fields[1]
            traffic.receivedErrors = fields[2]
            traffic.receivedDropped = fields[3]
            traffic.sentBytes = fields[8]
            traffic.sentPackets = fields[9]
            traffic.sentErrors = fields[10]
            traffic.sentDropped = fields[11]
            result[name] = traffic
        }
        return result
    }

    // MARK: Files

    private static func lines(_ path: String) -> [Substring] {
        (try? readText(path))?.split(separator: "\n") ?? []
    }

    /// nil for `max`, and for a missing file.
    private static func number(_ path: String) -> Int64? {
        lines(path).first.flatMap { Int64($0) ?? UInt64($0).map { Int64(clamping: $0) } }
    }

    private static func pairs(_ path: String) -> [String: Int64] {
        var result: [String: Int64] = [:]
        for line in lines(path) {
            let words = line.split(separator: " ")
            if words.count >= 2, let value = Int64(words[1]) { result[String(words[0])] = value }
        }
        return result
    }

    private static func device(_ text: Substring) -> ContainerUsage.DeviceIO? {
        let numbers = text.split(separator: ":").compactMap { Int($0) }
        return numbers.count == 2 ? ContainerUsage.DeviceIO(major: numbers[0], minor: numbers[1]) : nil
    }
}
