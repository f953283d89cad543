import OCI

/// The defaults of a container, known from other engines.
package enum DefaultProfile {
    /// Enough for images that start as root and then drop privileges; nothing that reaches the host.
    package static let capabilities = [
        "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD",
        "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID",
        "CAP_SYS_CHROOT",
    ]

    /// The capability sets of a process that may have `names`.
    ///
    /// The inheritable and ambient sets stay empty (CVE-2022-24769). A user other than root has no effective
    /// capabilities and can get them only through files, within the bounding set.
    package static func capabilitySets(_ names: [String], uid: UInt32) -> RuntimeSpec.Capabilities {
        let active = uid == 0 ? names : []
        return RuntimeSpec.Capabilities(
            bounding: names, effective: active, inheritable: [], permitted: active, ambient: [])
    }

    /// New namespaces of every kind; with `network`, the network namespace at that path.
    package static func namespaces(network: String? = nil) -> [RuntimeSpec.Namespace] {
        ["pid", "ipc", "uts", "mount", "cgroup"].map { RuntimeSpec.Namespace(type: $0) }
            + [RuntimeSpec.Namespace(type: "network", path: network)]
    }

    /// Parts of /proc and /sys that reveal facts about the host or can change it; they are masked.
    package static let maskedPaths = [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap",
        "/sys/firmware",
    ]

    package static let readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]

    /// The kernel's file systems; `sharedMemory` is the size of /dev/shm in bytes.
    package static func mounts(sharedMemory: Int64 = 64 << 20) -> [RuntimeSpec.Mount] {
        let safe = ["nosuid", "noexec", "nodev"]
        return [
            RuntimeSpec.Mount(destination: "/proc", type: "proc", source: "proc", options: safe),
            RuntimeSpec.Mount(
                destination: "/dev", type: "tmpfs", source: "tmpfs",
                options: ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            RuntimeSpec.Mount(
                destination: "/dev/pts", type: "devpts", source: "devpts",
                options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            RuntimeSpec.Mount(destination: "/sys", type: "sysfs", source: "sysfs", options: safe + ["ro"]),
            RuntimeSpec.Mount(destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: safe),
            RuntimeSpec.Mount(
                destination: "/dev/shm", type: "tmpfs", source: "shm",
                options: safe + ["mode=1777", "size=\(sharedMemory)"]),
            // Last, so that the other mounts happen while the parent still adds the process to its cgroups.
            RuntimeSpec.Mount(destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: safe + ["ro"]),
        ]
    }

    /// No devices except those of every container, which the runtime adds itself.
    package static let deviceRules = [RuntimeSpec.DeviceRule(allow: false, access: "rwm")]

    /// Every device of the host, for a privileged container.
    package static let allDeviceRules = [RuntimeSpec.DeviceRule(allow: true, access: "rwm")]

    /// In the container's own network namespace, ports below 1024 and ping need no capability.
    package static let sysctls = [
        "net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647",
    ]
}
