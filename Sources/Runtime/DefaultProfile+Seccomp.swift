import OCI

extension DefaultProfile {
    /// The allowed system calls for a process whose bounding set is `capabilities`: the basic ones, and those that each
    /// capability needs. All others fail with EPERM.
    package static func seccomp(capabilities: [String]) -> RuntimeSpec.Seccomp {
        let held = Set(capabilities)
        var profile = RuntimeSpec.Seccomp(defaultAction: "SCMP_ACT_ERRNO")
        profile.defaultErrnoRet = 1
        profile.architectures = architectures
        var names = ordinaryCalls + machineCalls + tracingCalls
        for (capability, calls) in callsOfCapabilities where held.contains(capability) { names += calls }
        var rules = [RuntimeSpec.Seccomp.Syscall(names: names, action: allow)]
        rules += socketRules + personalityRules
        if !held.contains("CAP_SYS_ADMIN") { rules += cloneRules }
        profile.syscalls = rules
        return profile
    }

    private static let allow = "SCMP_ACT_ALLOW"

    private static var architectures: [String] {
        #if arch(arm64)
            ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
        #else
            ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
        #endif
    }

    private static var machineCalls: [String] {
        #if arch(arm64)
            ["arm_fadvise64_64", "arm_sync_file_range", "sync_file_range2", "breakpoint", "cacheflush", "set_tls"]
        #else
            ["arch_prctl", "modify_ldt"]
        #endif
    }

    /// Since kernel 4.8 a traced process cannot escape its filter, and berth needs a newer kernel anyway.
    private static let tracingCalls = ["process_vm_readv", "process_vm_writev", "ptrace"]

    /// Every address family except AF_ALG (38), a large attack surface in the kernel, and AF_VSOCK (40), which reaches
    /// the hypervisor past every network namespace.
    private static let socketRules = [
        RuntimeSpec.Seccomp.Syscall(
            names: ["socket"], action: allow, args: [.init(index: 0, value: 38, op: "SCMP_CMP_LT")]),
        RuntimeSpec.Seccomp.Syscall(
            names: ["socket"], action: allow, args: [.init(index: 0, value: 39, op: "SCMP_CMP_EQ")]),
        RuntimeSpec.Seccomp.Syscall(
            names: ["socket"], action: allow, args: [.init(index: 0, value: 40, op: "SCMP_CMP_GT")]),
    ]

    /// PER_LINUX, PER_LINUX32, each also with UNAME26, and reading the current value (personality(2)).
    private static let personalityRules = [0, 8, 0x20000, 0x20008, 0xFFFF_FFFF].map { (value: UInt64) in
        RuntimeSpec.Seccomp.Syscall(
            names: ["personality"], action: allow, args: [.init(index: 0, value: value, op: "SCMP_CMP_EQ")])
    }

    /// clone without namespace flags. clone3 has its flags in memory, where a filter cannot look, so it fails with
    /// ENOSYS and the C library falls back to clone.
    private static let cloneRules = [
        RuntimeSpec.Seccomp.Syscall(
            names: ["clone"], action: allow,
            args: [.init(index: 0, value: 0x7E02_0000, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ")]),
        RuntimeSpec.Seccomp.Syscall(names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38),
    ]

    private static let callsOfCapabilities: [(String, [String])] = [
        ("CAP_DAC_READ_SEARCH", ["open_by_handle_at"]),
        (
            "CAP_SYS_ADMIN",
            [
                "bpf", "clone", "clone3", "fanotify_init", "fsconfig", "fsmount", "fsopen", "fspick", "lookup_dcookie",
                "lsm_get_self_attr", "lsm_list_modules", "lsm_set_self_attr", "mount", "mount_setattr", "move_mount",
                "open_tree", "perf_event_open", "quotactl", "quotactl_fd", "setdomainname", "sethostname", "setns",
                "syslog", "umount", "umount2", "unshare",
            ]
        ),
        ("CAP_SYS_BOOT", ["reboot"]),
        ("CAP_SYS_CHROOT", ["chroot"]),
        ("CAP_SYS_MODULE", ["delete_module", "init_module", "finit_module"]),
        ("CAP_SYS_PACCT", ["acct"]),
        (
            "CAP_SYS_PTRACE",
            ["kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace"]
        ),
        ("CAP_SYS_RAWIO", ["iopl", "ioperm"]),
        ("CAP_SYS_TIME", ["settimeofday", "stime", "clock_settime", "clock_settime64"]),
        ("CAP_SYS_TTY_CONFIG", ["vhangup"]),
        ("CAP_SYS_NICE", ["get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node"]),
        ("CAP_SYSLOG", ["syslog"]),
        ("CAP_BPF", ["bpf"]),
        ("CAP_PERFMON", ["perf_event_open"]),
    ]
}
