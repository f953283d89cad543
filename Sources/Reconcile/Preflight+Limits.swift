import ProjectModel

extension Preflight {
    /// Limits that this host cannot give: better said now than when the container starts, or never.
    func limits(of service: DesiredService) -> [PreflightFinding] {
        let resources = service.spec.resources
        var findings: [PreflightFinding] = []
        if let cpus = resources.cpus, let cores = facts.limits.cores, cpus > cores {
            findings.append(
                PreflightFinding(
                    .limitTooHigh, service: service.spec.name,
                    "cpus is \(Self.text(cpus)), this host has \(Self.text(cores))",
                    hint: "choose a value from 0.01 to \(Self.text(cores))"))
        }
        findings += controllers(resources, service.spec.name)
        guard !facts.limits.canRaiseLimits else { return findings }
        for (name, limit) in service.spec.ulimits.sorted(by: { $0.key < $1.key }) {
            guard let most = facts.limits.hardLimits[name], most != -1, limit.hard == -1 || limit.hard > most else {
                continue
            }
            let wanted = limit.hard == -1 ? "unlimited" : "\(limit.hard)"
            findings.append(
                PreflightFinding(
                    .limitTooHigh, service: service.spec.name,
                    "ulimits.\(name) is \(wanted), the engine may give at most \(most)",
                    hint: "lower it, or start the engine with CAP_SYS_RESOURCE"))
        }
        if let score = resources.oomScoreAdjust, score < 0 {
            findings.append(
                PreflightFinding(
                    .limitTooHigh, service: service.spec.name,
                    "oom_score_adj \(score) is below what the engine may give",
                    hint: "take it away, or start the engine with CAP_SYS_RESOURCE"))
        }
        return findings
    }

    private func controllers(_ resources: Resources, _ service: String) -> [PreflightFinding] {
        guard let there = facts.limits.controllers else { return [] }
        let wanted: [(controller: String, attribute: String, isSet: Bool)] = [
            ("cpu", "cpus", resources.cpus != nil), ("cpu", "cpu_shares", resources.cpuShares != nil),
            ("cpu", "cpu_quota", resources.cpuQuota != nil), ("cpuset", "cpuset", resources.cpuset != nil),
            ("memory", "mem_limit", resources.memory != nil),
            ("memory", "mem_reservation", resources.memoryReservation != nil),
            ("memory", "memswap_limit", resources.memorySwap != nil), ("pids", "pids_limit", resources.pids != nil),
        ]
        return wanted.filter { $0.isSet && !there.contains($0.controller) }.map { limit in
            PreflightFinding(
                .limitUnsupported, service: service,
                "\(limit.attribute) needs the cgroup controller \(limit.controller), which the engine cannot use here",
                hint: "take \(limit.attribute) away, or enable the controller for the engine's cgroup")
        }
    }

    private static func text(_ cores: Double) -> String {
        cores == cores.rounded() && abs(cores) < 1e9 ? "\(Int(cores))" : "\(cores)"
    }
}
