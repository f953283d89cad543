import ProjectModel

extension Preflight {
    /// Limits that this host cannot enforce; otherwise they would fail when the container starts, or silently have no effect.
    func limits(of service: DesiredService) -> [PreflightFinding] {
        let check = LimitCheck(service: service.spec, host: facts.limits)
        return check.controllers() + check.processor() + check.memory() + check.blockDevices() + check.ulimits()
            + check.score()
    }
}

/// Compares the limits of one service with the abilities of the host.
struct LimitCheck {
    let service: Service
    let host: PreflightFacts.HostLimits
    var resources: Resources { service.resources }

    func finding(
        _ code: PreflightFinding.Code, at path: AttributePath, _ message: String, hint: String? = nil
    ) -> PreflightFinding {
        PreflightFinding(code, service: service.name, at: path, message, hint: hint)
    }

    func path(_ names: String...) -> AttributePath {
        names.reduce(.service(service.name)) { $0.appending($1) }
    }

    // MARK: Controllers

    func controllers() -> [PreflightFinding] {
        guard let there = host.controllers else { return [] }
        return wantedControllers.filter { $0.isSet && !there.contains($0.controller) }.map { limit in
            finding(
                .limitUnsupported, at: path(limit.attribute),
                "\(limit.attribute) needs the cgroup controller \(limit.controller), which the engine cannot use here",
                hint: "remove \(limit.attribute), or enable the controller for the engine's cgroup")
        }
    }

    private var wantedControllers: [(controller: String, attribute: String, isSet: Bool)] {
        [
            ("cpu", "cpus", resources.cpus != nil), ("cpu", "cpu_shares", resources.cpuShares != nil),
            ("cpu", "cpu_quota", resources.cpuQuota != nil), ("cpu", "cpu_period", resources.cpuPeriod != nil),
            ("cpu", "cpu_rt_runtime", resources.cpuRealtimeRuntime != nil),
            ("cpu", "cpu_rt_period", resources.cpuRealtimePeriod != nil), ("cpuset", "cpuset", resources.cpuset != nil),
            ("memory", "mem_limit", resources.memory != nil),
            ("memory", "mem_reservation", resources.memoryReservation != nil),
            ("memory", "memswap_limit", resources.memorySwap != nil), ("pids", "pids_limit", resources.pids != nil),
            ("blkio", "blkio_config", resources.blkioWeight != nil || resources.blkioDevices != nil),
        ]
    }

    /// Whether the controller exists. If not, other findings about it are not worth reporting.
    private func has(_ controller: String) -> Bool { host.controllers?.contains(controller) ?? true }

    // MARK: Processors

    func processor() -> [PreflightFinding] {
        var findings: [PreflightFinding] = []
        if let cpus = resources.cpus, let cores = host.cores, cpus > cores {
            findings.append(
                finding(
                    .limitTooHigh, at: path("cpus"),
                    "cpus is \(Self.text(cpus)), but this host has \(Self.text(cores))",
                    hint: "choose a value from 0.01 to \(Self.text(cores))"))
        }
        if let cpus = resources.cpus, cpus < 0.01 {
            findings.append(
                finding(
                    .limitTooLow, at: path("cpus"), "cpus is \(Self.text(cpus)), but the minimum is 0.01",
                    hint: "remove it to have no limit"))
        }
        if let quota = resources.cpuQuota, (1..<1000).contains(quota) {
            findings.append(
                finding(
                    .limitTooLow, at: path("cpu_quota"),
                    "cpu_quota is \(quota) microseconds, but the kernel's minimum is 1000",
                    hint: "use `cpus`: 0.01 is a hundredth of a core"))
        }
        if let period = resources.cpuPeriod, !(1000...1_000_000).contains(period) {
            findings.append(
                finding(
                    period < 1000 ? .limitTooLow : .limitTooHigh, at: path("cpu_period"),
                    "cpu_period is \(period) microseconds, but the kernel accepts 1000 to 1000000",
                    hint: "100000 is usual"))
        }
        if host.lacking.contains(.realtime), has("cpu") {
            let wanted = [
                ("cpu_rt_runtime", resources.cpuRealtimeRuntime), ("cpu_rt_period", resources.cpuRealtimePeriod),
            ]
            findings += wanted.filter { $0.1 != nil }.map { name, _ in
                finding(
                    .limitUnsupported, at: path(name),
                    "\(name) needs real-time groups, which this kernel does not have",
                    hint: "remove \(name): cgroup v2 has no such limit, and v1 only with CONFIG_RT_GROUP_SCHED")
            }
        }
        return findings + cpuset()
    }

    private func cpuset() -> [PreflightFinding] {
        guard let text = resources.cpuset, !text.isEmpty, has("cpuset") else { return [] }
        guard let wanted = NumberList(text) else {
            return [
                finding(
                    .limitInvalid, at: path("cpuset"), "cpuset \"\(text)\" is not a list of CPUs",
                    hint: "such as \"0-2\" or \"0,2\"")
            ]
        }
        guard let there = host.cpus, !wanted.numbers.isSubset(of: there.numbers) else { return [] }
        return [
            finding(
                .limitTooHigh, at: path("cpuset"), "cpuset is \(text), but this host has the CPUs \(there)",
                hint: "choose from those, or use `cpus` to limit the time instead")
        ]
    }

    static func text(_ cores: Double) -> String {
        cores == cores.rounded() && abs(cores) < 1e9 ? "\(Int(cores))" : "\(cores)"
    }

    // MARK: Memory

    /// Docker's minimum: less is nearly always a forgotten unit.
    private static let leastMemory: Int64 = 6 << 20

    func memory() -> [PreflightFinding] {
        guard has("memory") else { return [] }
        var findings: [PreflightFinding] = []
        let limit = resources.memory.flatMap { $0 > 0 ? $0 : nil }
        if let limit, limit < Self.leastMemory {
            findings.append(
                finding(
                    .limitTooLow, at: path("mem_limit"), "mem_limit is \(limit) bytes, but the minimum is 6 MiB",
                    hint: "choose 6m or more; a number without a unit is bytes"))
        }
        if let limit, let reserved = resources.memoryReservation, reserved > limit {
            findings.append(
                finding(
                    .limitInvalid, at: path("mem_reservation"),
                    "mem_reservation is \(reserved) bytes, more than the \(limit) of mem_limit",
                    hint: "lower it, or raise mem_limit"))
        }
        if let together = resources.memorySwap, together >= 0 { findings += swap(together, limit) }
        return findings + discarded()
    }

    private func swap(_ together: Int64, _ limit: Int64?) -> [PreflightFinding] {
        let place = path("memswap_limit")
        guard let limit else {
            return [
                finding(
                    .limitInvalid, at: place, "memswap_limit counts memory and swap together and needs a mem_limit",
                    hint: "set mem_limit too")
            ]
        }
        if together < limit {
            return [
                finding(
                    .limitInvalid, at: place,
                    "memswap_limit counts memory and swap together, and is \(together) bytes, less than the \(limit) of "
                        + "mem_limit", hint: "the value of mem_limit means no swap at all")
            ]
        }
        guard host.lacking.contains(.swap) else { return [] }
        return [
            finding(
                .limitUnsupported, at: place, "memswap_limit needs a kernel that counts swap, which this one does not",
                hint: "remove it, or start the kernel with swapaccount=1")
        ]
    }

    /// Settings that cgroup v2 does not have: report and ignore them.
    private func discarded() -> [PreflightFinding] {
        var findings: [PreflightFinding] = []
        if let swappiness = resources.memorySwappiness {
            if !(0...100).contains(swappiness) {
                findings.append(
                    finding(
                        .limitInvalid, at: path("mem_swappiness"),
                        "mem_swappiness is \(swappiness), but must be 0 to 100"))
            } else if host.lacking.contains(.swappiness) {
                findings.append(
                    finding(
                        .limitDiscarded, at: path("mem_swappiness"),
                        "mem_swappiness has no effect: cgroup v2 does not have it"))
            }
        }
        if resources.oomKillDisable == true, host.lacking.contains(.killDisabling) {
            findings.append(
                finding(
                    .limitDiscarded, at: path("oom_kill_disable"),
                    "oom_kill_disable has no effect: cgroup v2 does not have it"))
        }
        return findings
    }

    // MARK: Block devices

    func blockDevices() -> [PreflightFinding] {
        guard has("blkio") else { return [] }
        var weights: [(path: AttributePath, value: Int64)] = []
        if let weight = resources.blkioWeight, weight != 0 {
            weights.append((path("blkio_config", "weight"), Int64(weight)))
        }
        for (index, device) in (resources.blkioDevices?.weights ?? []).enumerated() where device.value != 0 {
            let place = path("blkio_config", "weight_device").appending(index).appending("weight")
            weights.append((place, device.value))
        }
        return weights.compactMap { place, value in
            guard (10...1000).contains(value) else {
                return finding(.limitInvalid, at: place, "a block device weight must be 10 to 1000, not \(value)")
            }
            guard host.lacking.contains(.blockWeights) else { return nil }
            return finding(
                .limitUnsupported, at: place, "a block device weight needs an I/O scheduler that supports weights",
                hint: "remove it, or use the scheduler BFQ: `echo bfq > /sys/block/DEVICE/queue/scheduler`")
        }
    }
}
