import ProjectModel

extension LimitCheck {
    /// Compose's names for what setrlimit(2) limits.
    private static let resourceNames: Set<String> = [
        "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss",
        "rtprio", "rttime", "sigpending", "stack",
    ]

    func ulimits() -> [PreflightFinding] {
        service.ulimits.sorted { $0.key < $1.key }.flatMap { name, limit in ulimit(name, limit) }
    }

    private func ulimit(_ name: String, _ limit: Ulimit) -> [PreflightFinding] {
        let place = path("ulimits", name)
        guard Self.resourceNames.contains(name.lowercased()) else {
            let meant = likelySpelling(of: name, among: Self.resourceNames).map { "did you mean \"\($0)\"?" }
            let known = "known are \(Self.resourceNames.sorted().joined(separator: ", "))"
            return [
                finding(.limitInvalid, at: place, "there is no resource limit \"\(name)\"", hint: meant ?? known)
            ]
        }
        if limit.hard >= 0, limit.soft < 0 || limit.soft > limit.hard {
            return [
                finding(
                    .limitInvalid, at: place,
                    "the soft limit of ulimits.\(name) is \(Self.text(limit.soft)), above the hard one, \(limit.hard)",
                    hint: "lower the soft limit, or raise the hard one")
            ]
        }
        if name.lowercased() == "nofile", let most = host.openFiles, limit.hard < 0 || limit.hard > most {
            return [
                finding(
                    .limitTooHigh, at: place,
                    "ulimits.nofile is \(Self.text(limit.hard)), but this kernel allows at most \(most)",
                    hint: "lower it, or raise fs.nr_open: `sysctl fs.nr_open=…`")
            ]
        }
        guard !host.canRaiseLimits, let most = host.hardLimits[name.lowercased()], most != -1,
            limit.hard < 0 || limit.hard > most
        else { return [] }
        return [
            finding(
                .limitTooHigh, at: place,
                "ulimits.\(name) is \(Self.text(limit.hard)), but the engine may give at most \(most)",
                hint: "lower it, or start the engine with CAP_SYS_RESOURCE")
        ]
    }

    private static func text(_ limit: Int64) -> String { limit < 0 ? "unlimited" : "\(limit)" }

    func score() -> [PreflightFinding] {
        guard !host.canRaiseLimits, let score = resources.oomScoreAdjust, score < host.lowestScore else { return [] }
        return [
            finding(
                .limitTooHigh, at: path("oom_score_adj"), "oom_score_adj \(score) is below what the engine may give",
                hint: "remove it, or start the engine with CAP_SYS_RESOURCE")
        ]
    }
}
