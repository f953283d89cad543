import ProjectModel
import Reconcile
import Testing

/// A row about limits: what a service asks for, what the host has, each finding as its path and text.
struct LimitCase: CustomTestStringConvertible, Sendable {
    let claim: String
    let findings: [String]
    let actual: [String]

    init(
        _ claim: String, _ ask: (inout Service) -> Void, _ look: (inout PreflightFacts.HostLimits) -> Void = { _ in },
        findings: [String] = []
    ) {
        self.claim = claim
        self.findings = findings
        var facts = PreflightFacts()
        look(&facts.limits)
        let scene = Scene().wanting("web", .running) { ask(&$0) }
        let plan = plan(desired: scene.desired, observed: scene.observed)
        actual = preflight(desired: scene.desired, observed: scene.observed, plan: plan, facts: facts).map {
            ($0.path.map { "\($0)".dropFirst("services.web.".count) + ": " } ?? "")
                + ($0.code.isWarning ? "warning: " : "")
                + $0.message
        }
    }

    var testDescription: String { claim }
}

@Suite struct PreflightLimitTests {
    @Test(arguments: rows) func finds(_ row: LimitCase) { #expect(row.actual == row.findings) }

    @Test(
        "a list of CPUs is read and written as the kernel does",
        arguments: [
            ("0-3", "0-3"), ("0,2", "0,2"), ("3,0-1,2", "0-3"), ("5", "5"), ("", nil), ("a", nil), ("3-1", nil),
            ("1-", nil), ("-1", nil), ("0-99999999", nil), ("1,,2", nil),
        ] as [(String, String?)])
    func numberList(_ text: String, _ expected: String?) { #expect(NumberList(text)?.description == expected) }

    static let rows: [LimitCase] = [
        LimitCase(
            "nothing is said of a host that was not looked at",
            {
                $0.resources.cpus = 900
                $0.resources.cpuset = "0-800"
                $0.resources.blkioWeight = 500
                $0.resources.oomScoreAdjust = -900
            }),
        LimitCase(
            "every limit without its controller is told, and only that",
            {
                $0.resources.cpuShares = 512
                $0.resources.cpuPeriod = 50_000
                $0.resources.cpuset = "7"
                $0.resources.memory = 1 << 20
                $0.resources.memorySwap = 1 << 10
                $0.resources.blkioWeight = 5
            },
            {
                $0.controllers = ["pids"]
                $0.cpus = NumberList("0-1")
                $0.lacking = [.swap, .blockWeights]
            },
            findings: ["cpu_shares: cpu", "cpu_period: cpu", "cpuset: cpuset"].map(needs)
                + ["mem_limit: memory", "memswap_limit: memory", "blkio_config: blkio"].map(needs)),
        LimitCase(
            "controllers that are there",
            {
                $0.resources.cpus = 1
                $0.resources.pids = 100
                $0.resources.memory = 64 << 20
            }, { $0.controllers = ["cpu", "pids", "memory"] }),
        LimitCase(
            "CPUs that are not there", { $0.resources.cpuset = "0-3" }, { $0.cpus = NumberList("0-1") },
            findings: ["cpuset: cpuset is 0-3, but this host has the CPUs 0-1"]),
        LimitCase(
            "less than no time", { $0.resources.cpus = -1 }, { $0.cores = 2 },
            findings: ["cpus: cpus is -1, but the minimum is 0.01"]),
        LimitCase("CPUs that are there", { $0.resources.cpuset = "1" }, { $0.cpus = NumberList("0-1") }),
        LimitCase(
            "no list of CPUs", { $0.resources.cpuset = "two" }, { $0.cpus = NumberList("0-1") },
            findings: ["cpuset: cpuset \"two\" is not a list of CPUs"]),
        LimitCase(
            "times that the kernel does not take",
            {
                $0.resources.cpuQuota = 500
                $0.resources.cpuPeriod = 2_000_000
            },
            findings: [
                "cpu_quota: cpu_quota is 500 microseconds, but the kernel's minimum is 1000",
                "cpu_period: cpu_period is 2000000 microseconds, but the kernel accepts 1000 to 1000000",
            ]),
        LimitCase(
            "real-time groups", { $0.resources.cpuRealtimeRuntime = 950_000 }, { $0.lacking = [.realtime] },
            findings: ["cpu_rt_runtime: cpu_rt_runtime needs real-time groups, which this kernel does not have"]),
        LimitCase(
            "memory that nothing fits into", { $0.resources.memory = 512 },
            findings: ["mem_limit: mem_limit is 512 bytes, but the minimum is 6 MiB"]),
        LimitCase("the least memory", { $0.resources.memory = 6 << 20 }),
        LimitCase("no limit at all", { $0.resources.memory = -1 }),
        LimitCase(
            "more kept than allowed",
            {
                $0.resources.memory = 10 << 20
                $0.resources.memoryReservation = 20 << 20
            },
            findings: [
                "mem_reservation: mem_reservation is 20971520 bytes, more than the 10485760 of mem_limit"
            ]),
        LimitCase(
            "swap without memory", { $0.resources.memorySwap = 1 << 30 },
            findings: ["memswap_limit: memswap_limit counts memory and swap together and needs a mem_limit"]),
        LimitCase(
            "less with swap than without",
            {
                $0.resources.memory = 20 << 20
                $0.resources.memorySwap = 10 << 20
            },
            findings: [
                "memswap_limit: memswap_limit counts memory and swap together, and is 10485760 bytes, less than the "
                    + "20971520 of mem_limit"
            ]),
        LimitCase(
            "swap that nobody counts",
            {
                $0.resources.memory = 10 << 20
                $0.resources.memorySwap = 20 << 20
            }, { $0.lacking = [.swap] },
            findings: ["memswap_limit: memswap_limit needs a kernel that counts swap, which this one does not"]),
        LimitCase("no limit on swap needs no count", { $0.resources.memorySwap = -1 }, { $0.lacking = [.swap] }),
        LimitCase(
            "what cgroup v2 does not have is told and left out",
            {
                $0.resources.memorySwappiness = 10
                $0.resources.oomKillDisable = true
            }, { $0.lacking = [.swappiness, .killDisabling] },
            findings: [
                "mem_swappiness: warning: mem_swappiness has no effect: cgroup v2 does not have it",
                "oom_kill_disable: warning: oom_kill_disable has no effect: cgroup v2 does not have it",
            ]),
        LimitCase(
            "no swappiness", { $0.resources.memorySwappiness = 101 },
            findings: ["mem_swappiness: mem_swappiness is 101, but must be 0 to 100"]),
        LimitCase(
            "weights of block devices",
            {
                $0.resources.blkioWeight = 500
                var devices = Resources.BlockDevices()
                devices.weights = [.init(path: "/dev/sda", value: 5)]
                $0.resources.blkioDevices = devices
            }, { $0.lacking = [.blockWeights] },
            findings: [
                "blkio_config.weight: a block device weight needs an I/O scheduler that supports weights",
                "blkio_config.weight_device[0].weight: a block device weight must be 10 to 1000, not 5",
            ]),
        LimitCase(
            "a resource limit that there is not", { $0.ulimits["nofiles"] = Ulimit(soft: 1, hard: 2) },
            findings: ["ulimits.nofiles: there is no resource limit \"nofiles\""]),
        LimitCase(
            "a soft limit above the hard one", { $0.ulimits["core"] = Ulimit(soft: -1, hard: 0) },
            findings: ["ulimits.core: the soft limit of ulimits.core is unlimited, above the hard one, 0"]),
        LimitCase(
            "more open files than the kernel gives to anybody",
            { $0.ulimits["nofile"] = Ulimit(soft: 5, hard: -1) }, { $0.openFiles = 1_048_576 },
            findings: ["ulimits.nofile: ulimits.nofile is unlimited, but this kernel allows at most 1048576"]),
        LimitCase(
            "a score that an engine with a low one of its own may give", { $0.resources.oomScoreAdjust = -400 },
            {
                $0.canRaiseLimits = false
                $0.lowestScore = -500
            }),
    ]

    private static func needs(_ words: String) -> String {
        let (attribute, controller) = (words.prefix { $0 != ":" }, words.drop { $0 != " " }.dropFirst())
        return
            "\(attribute): \(attribute) needs the cgroup controller \(controller), which the engine cannot use here"
    }
}
