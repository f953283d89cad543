import CLinux
import Glibc
import Linux
import OCI

extension ProcessSteps {
    /// Adds `scheduler`, `ioPriority` and `execCPUAffinity.final` of a process.
    func addScheduling() throws(RuntimeFailure) {
        if let scheduler = process.scheduler { try addScheduler(scheduler) }
        if let priority = process.ioPriority {
            let classes = ["IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3]
            guard let kind = classes[priority.class], (0...7).contains(priority.priority) else {
                throw RuntimeFailure(
                    step: "ioPriority", message: "I/O priority \(priority.class) \(priority.priority) is unknown")
            }
            program.add(
                BERTH_IO_PRIORITY, .doing("set the I/O priority"), a: UInt64(kind << 13 | priority.priority))
        }
        if let list = process.execCPUAffinity?.final, !list.isEmpty {
            let bits = try CPUList.bits(list)
            program.add(
                BERTH_CPU_AFFINITY, .doing("run on CPUs \(list)"), data: program.array(bits),
                a: UInt64(bits.count * MemoryLayout<UInt64>.size))
        }
    }

    private func addScheduler(_ scheduler: RuntimeSpec.Scheduler) throws(RuntimeFailure) {
        let policies: [String: UInt64] = [
            "SCHED_OTHER": 0, "SCHED_FIFO": 1, "SCHED_RR": 2, "SCHED_BATCH": 3, "SCHED_ISO": 4, "SCHED_IDLE": 5,
            "SCHED_DEADLINE": 6,
        ]
        let flags: [String: UInt64] = [
            "SCHED_FLAG_RESET_ON_FORK": 1, "SCHED_FLAG_RECLAIM": 2, "SCHED_FLAG_DL_OVERRUN": 4,
            "SCHED_FLAG_KEEP_POLICY": 8, "SCHED_FLAG_KEEP_PARAMS": 0x10, "SCHED_FLAG_UTIL_CLAMP_MIN": 0x20,
            "SCHED_FLAG_UTIL_CLAMP_MAX": 0x40,
        ]
        guard let policy = policies[scheduler.policy] else {
            throw RuntimeFailure(step: "scheduler", message: "unknown scheduling policy \"\(scheduler.policy)\"")
        }
        var bits: UInt64 = 0
        for name in scheduler.flags ?? [] {
            guard let flag = flags[name] else {
                throw RuntimeFailure(step: "scheduler", message: "unknown scheduling flag \"\(name)\"")
            }
            bits |= flag
        }
        // struct sched_attr (sched_setattr(2)), with two 32-bit fields in one word.
        let size: UInt64 = 48
        let nice = UInt64(UInt32(bitPattern: scheduler.nice ?? 0))
        let priority = UInt64(UInt32(bitPattern: scheduler.priority ?? 0))
        let words = [
            size | policy << 32, bits, nice | priority << 32, scheduler.runtime ?? 0, scheduler.deadline ?? 0,
            scheduler.period ?? 0,
        ]
        program.add(BERTH_SCHEDULER, .doing("set the scheduling policy"), data: program.array(words), a: size)
    }

    /// set_mempolicy(2); children inherit it.
    func addMemoryPolicy(_ policy: RuntimeSpec.MemoryPolicy?) throws(RuntimeFailure) {
        guard let policy else { return }
        func number(_ name: String, _ names: [String: UInt64], _ what: String) throws(RuntimeFailure) -> UInt64 {
            if let number = names[name] { return number }
            throw RuntimeFailure(step: "memoryPolicy", message: "memoryPolicy: unknown \(what) \"\(name)\"")
        }
        var mode = try number(policy.mode, Self.memoryModes, "mode")
        for flag in policy.flags ?? [] { mode |= try number(flag, Self.memoryFlags, "flag") }
        let nodes = try policy.nodes.flatMap { $0.isEmpty ? nil : $0 }.map { nodes throws(RuntimeFailure) in
            try CPUList.bits(nodes)
        }
        program.add(
            BERTH_MEMORY_POLICY, .doing("set the memory policy \(policy.mode) \(policy.nodes ?? "")"),
            data: nodes.map { program.array($0) }, a: mode, b: UInt64((nodes?.count ?? 0) * 64))
    }

    /// MPOL_* of linux/mempolicy.h.
    private static let memoryModes: [String: UInt64] = [
        "MPOL_DEFAULT": 0, "MPOL_PREFERRED": 1, "MPOL_BIND": 2, "MPOL_INTERLEAVE": 3, "MPOL_LOCAL": 4,
        "MPOL_PREFERRED_MANY": 5, "MPOL_WEIGHTED_INTERLEAVE": 6,
    ]
    private static let memoryFlags: [String: UInt64] = [
        "MPOL_F_NUMA_BALANCING": 1 << 13, "MPOL_F_RELATIVE_NODES": 1 << 14, "MPOL_F_STATIC_NODES": 1 << 15,
    ]

    func addPersonality(_ personality: RuntimeSpec.Personality?) throws(RuntimeFailure) {
        guard let personality else { return }
        let domains: [String: UInt64] = ["LINUX": 0, "LINUX32": 8]
        guard let domain = domains[personality.domain] else {
            throw RuntimeFailure(step: "personality", message: "unknown personality \"\(personality.domain)\"")
        }
        program.add(BERTH_PERSONALITY, .doing("set the personality"), a: domain)
    }

    /// Adds AppArmor's profile and SELinux' label, which take effect at exec.
    func addSecurityLabels() throws(RuntimeFailure) {
        if let profile = process.apparmorProfile, !profile.isEmpty {
            let isOn = (try? readText("/sys/module/apparmor/parameters/enabled"))?.hasPrefix("Y") == true
            guard isOn else {
                throw RuntimeFailure(
                    step: "apparmor", message: "AppArmor profile \"\(profile)\": AppArmor is not enabled on this host")
            }
            let own = fileExists("/proc/self/attr/apparmor/exec")
            addAttribute(own ? "apparmor/exec" : "exec", "exec \(profile)", "set AppArmor profile \"\(profile)\"")
        }
        if let label = process.selinuxLabel, !label.isEmpty {
            guard fileExists("/sys/fs/selinux/enforce") else {
                throw RuntimeFailure(
                    step: "selinux", message: "SELinux label \"\(label)\": SELinux is not enabled on this host")
            }
            addAttribute("exec", label, "set SELinux label \"\(label)\"")
        }
    }

    /// Uses a proc that nobody else can mount over: writing to a file that only looks like the attribute would have no
    /// effect.
    private func addAttribute(_ name: String, _ value: String, _ doing: String) {
        let context = program.register()
        let proc = program.register()
        program.add(BERTH_FSOPEN, .doing(doing), out: context, text: "proc")
        program.add(BERTH_FSMOUNT, .doing(doing), in: context, out: proc)
        program.add(BERTH_WRITE_BENEATH, .doing(doing), in: proc, text: "self/attr/\(name)", text2: value)
    }
}
