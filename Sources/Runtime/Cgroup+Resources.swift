import Glibc
import Linux
import OCI

extension Cgroup {
    /// Applies the limits of a runtime spec; also for a running container.
    ///
    /// `isUpdate` skips the device rules, which are set once before the process exists. A zero that is not a valid
    /// limit changes nothing, because some callers always send all limits; with `isUpdate`, this holds for every zero.
    /// - Throws: `RuntimeFailure` for a limit that this host does not support or the kernel refuses.
    package func apply(_ resources: RuntimeSpec.Resources, isUpdate: Bool = false) throws(RuntimeFailure) {
        if let memory = resources.memory { try applyMemory(memory.withoutZeros) }
        if let cpu = resources.cpu { try applyCPU(cpu.withoutZeros) }
        if let pids = resources.pids, !isUpdate || pids.limit != 0 {
            try set("pids", "pids.max", pids.limit < 0 ? "max" : "\(pids.limit)", "process limit")
        }
        if let blockIO = resources.blockIO { try applyBlockIO(blockIO) }
        for page in resources.hugepageLimits ?? [] { try applyHugepages(page) }
        for (file, value) in (resources.unified ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let unified, isPlainName(file) else {
                throw Self.missing("unified \(file)", "cgroup v2")
            }
            try write(value, to: "\(unified.folder)/\(file)", "set \(file)")
        }
        if !isUpdate { try applyDevices(resources.devices ?? []) }
    }

    /// The hierarchy that has `controller`, v1 or v2.
    func hierarchy(with controller: String) -> Hierarchy? {
        if let legacy = hierarchies.first(where: { $0.controllers.contains(controller) }) { return legacy }
        guard let unified, let text = try? readText("\(unified.folder)/cgroup.controllers") else { return nil }
        return text.split { $0 == " " || $0 == "\n" }.contains(Substring(controller)) ? unified : nil
    }

    private func require(_ controller: String, _ what: String) throws(RuntimeFailure) -> Hierarchy {
        guard let hierarchy = hierarchy(with: controller) else { throw Self.missing(what, "\(controller) cgroup") }
        return hierarchy
    }

    private static func missing(_ what: String, _ missing: String) -> RuntimeFailure {
        RuntimeFailure(step: what, message: "\(what): this host has no \(missing)")
    }

    private func set(_ controller: String, _ file: String, _ value: String, _ what: String) throws(RuntimeFailure) {
        try set(try require(controller, what), file, value, what)
    }

    private func set(_ hierarchy: Hierarchy, _ file: String, _ value: String, _ what: String) throws(RuntimeFailure) {
        let path = "\(hierarchy.folder)/\(file)"
        guard fileExists(path) else { throw Self.missing(what, "\(file) in its \(hierarchy.name) cgroup") }
        try write(value, to: path, "\(what) (\(file) = \(value))")
    }

    private func applyMemory(_ memory: RuntimeSpec.Memory) throws(RuntimeFailure) {
        let hierarchy = try require("memory", "memory limit")
        if let limit = memory.limit, let swap = memory.swap, limit >= 0, swap >= 0, swap < limit {
            let message = "memory limit: \(swap) bytes of memory and swap are less than \(limit) of memory alone"
            throw RuntimeFailure(step: "memory limit", message: message)
        }
        if hierarchy.isUnified {
            try applyUnifiedMemory(memory, hierarchy)
        } else {
            try applyLegacyMemory(memory, hierarchy)
        }
    }

    private func applyLegacyMemory(_ memory: RuntimeSpec.Memory, _ hierarchy: Hierarchy) throws(RuntimeFailure) {
        let limit = memory.limit.map { ("memory.limit_in_bytes", $0) }
        let swap = memory.swap.map { ("memory.memsw.limit_in_bytes", $0) }
        // The sum of memory and swap may never be below the memory limit: raise it first, lower it last.
        let path = "\(hierarchy.folder)/memory.memsw.limit_in_bytes"
        let current = (try? readText(path)).flatMap { Int64($0.filter(\.isNumber)) } ?? .max
        let grows = memory.swap.map { $0 < 0 || $0 > current } ?? false
        for (file, value) in (grows ? [swap, limit] : [limit, swap]).compactMap(\.self) {
            try set(hierarchy, file, "\(value)", "memory limit")
        }
        if let reservation = memory.reservation {
            try set(hierarchy, "memory.soft_limit_in_bytes", "\(reservation)", "memory reservation")
        }
        if let swappiness = memory.swappiness {
            try set(hierarchy, "memory.swappiness", "\(swappiness)", "swappiness")
        }
        if memory.disableOOMKiller == true { try set(hierarchy, "memory.oom_control", "1", "oom_kill_disable") }
    }

    private func applyUnifiedMemory(_ memory: RuntimeSpec.Memory, _ hierarchy: Hierarchy) throws(RuntimeFailure) {
        func text(_ bytes: Int64) -> String { bytes < 0 ? "max" : "\(bytes)" }
        if let swap = memory.swap {
            guard let limit = memory.limit ?? currentMemory(hierarchy) else {
                throw RuntimeFailure(step: "memory limit", message: "memory limit: a swap limit needs a memory limit")
            }
            let swapAlone = swap < 0 || limit < 0 ? -1 : swap - limit
            try set(hierarchy, "memory.swap.max", text(swapAlone), "swap limit")
        }
        if let limit = memory.limit { try set(hierarchy, "memory.max", text(limit), "memory limit") }
        if let reservation = memory.reservation {
            try set(hierarchy, "memory.low", text(reservation), "memory reservation")
        }
    }

    /// The current limit in bytes; nil for none.
    private func currentMemory(_ hierarchy: Hierarchy) -> Int64? {
        (try? readText("\(hierarchy.folder)/memory.max")).flatMap { Int64($0.filter(\.isNumber)) }
    }

    private func applyCPU(_ cpu: RuntimeSpec.CPU) throws(RuntimeFailure) {
        if let cpus = cpu.cpus, !cpus.isEmpty { try set("cpuset", "cpuset.cpus", cpus, "CPU set") }
        if let mems = cpu.mems, !mems.isEmpty { try set("cpuset", "cpuset.mems", mems, "memory nodes") }
        let needsCPU = [cpu.shares, cpu.burst, cpu.period, cpu.realtimePeriod].contains { $0 != nil }
        guard needsCPU || [cpu.quota, cpu.realtimeRuntime, cpu.idle].contains(where: { $0 != nil }) else { return }
        let hierarchy = try require("cpu", "CPU limit")
        if hierarchy.isUnified {
            try applyUnifiedCPU(cpu, hierarchy)
        } else {
            try applyLegacyCPU(cpu, hierarchy)
        }
    }

    private func applyLegacyCPU(_ cpu: RuntimeSpec.CPU, _ hierarchy: Hierarchy) throws(RuntimeFailure) {
        let values: [(String, String?)] = [
            ("cpu.idle", cpu.idle.map { "\($0)" }), ("cpu.shares", cpu.shares.map { "\($0)" }),
            ("cpu.cfs_period_us", cpu.period.map { "\($0)" }), ("cpu.cfs_quota_us", cpu.quota.map { "\($0)" }),
            ("cpu.cfs_burst_us", cpu.burst.map { "\($0)" }),
            ("cpu.rt_period_us", cpu.realtimePeriod.map { "\($0)" }),
            ("cpu.rt_runtime_us", cpu.realtimeRuntime.map { "\($0)" }),
        ]
        for (file, value) in values {
            if let value { try set(hierarchy, file, value, "CPU limit") }
        }
    }

    private func applyUnifiedCPU(_ cpu: RuntimeSpec.CPU, _ hierarchy: Hierarchy) throws(RuntimeFailure) {
        guard cpu.realtimeRuntime ?? 0 == 0, cpu.realtimePeriod ?? 0 == 0 else {
            throw Self.missing("realtime CPU limit", "place for it in cgroup v2")
        }
        if let idle = cpu.idle { try set(hierarchy, "cpu.idle", "\(idle)", "CPU limit") }
        if let shares = cpu.shares, shares > 0, cpu.idle != 1 {
            try set(hierarchy, "cpu.weight", "\(Self.weight(shares: shares))", "CPU shares")
        }
        if cpu.quota != nil || cpu.period != nil {
            let quota = cpu.quota.map { $0 < 0 ? "max" : "\($0)" } ?? "max"
            try set(hierarchy, "cpu.max", "\(quota) \(cpu.period ?? 100_000)", "CPU limit")
        }
        if let burst = cpu.burst { try set(hierarchy, "cpu.max.burst", "\(burst)", "CPU limit") }
    }

    /// Maps v1's 2…262144 to v2's 1…10000 so that 1024 becomes 100, the default of both: a curve through the two ends
    /// and that point in log-log space, as in current runtimes.
    package static func weight(shares: UInt64) -> UInt64 {
        if shares <= 2 { return 1 }
        if shares >= 262_144 { return 10_000 }
        let logarithm = log2(Double(shares))
        let exponent: Double = (logarithm * logarithm + 125 * logarithm) / 612 - 7.0 / 34
        return UInt64(ceil(pow(10.0, exponent)))
    }

    private func applyHugepages(_ page: RuntimeSpec.HugepageLimit) throws(RuntimeFailure) {
        guard isPlainName(page.pageSize) else {
            throw RuntimeFailure(
                step: "huge page limit", message: "huge page limit: \"\(page.pageSize)\" is not a page size")
        }
        let hierarchy = try require("hugetlb", "huge page limit")
        let suffix = hierarchy.isUnified ? "max" : "limit_in_bytes"
        try set(hierarchy, "hugetlb.\(page.pageSize).\(suffix)", "\(page.limit)", "huge page limit")
        // If reservations are accounted for too, limit both.
        let reserved = "hugetlb.\(page.pageSize).rsvd.\(suffix)"
        if fileExists("\(hierarchy.folder)/\(reserved)") {
            try set(hierarchy, reserved, "\(page.limit)", "huge page limit")
        }
    }
}

extension RuntimeSpec.Memory {
    fileprivate var withoutZeros: Self {
        var memory = self
        if limit == 0 { memory.limit = nil }
        if swap == 0 { memory.swap = nil }
        if reservation == 0 { memory.reservation = nil }
        return memory
    }
}

extension RuntimeSpec.CPU {
    fileprivate var withoutZeros: Self {
        var cpu = self
        if shares == 0 { cpu.shares = nil }
        if quota == 0 { cpu.quota = nil }
        if period == 0 { cpu.period = nil }
        if realtimeRuntime == 0 { cpu.realtimeRuntime = nil }
        if realtimePeriod == 0 { cpu.realtimePeriod = nil }
        return cpu
    }
}
