import Linux

/// A set of capabilities: bit n is the capability with the number n (capabilities(7), linux/capability.h).
package struct CapabilitySet: Hashable, Sendable {
    package var bits: UInt64

    package init(bits: UInt64) { self.bits = bits }

    /// From names such as `CAP_CHOWN`; names that this program does not know are left out, as the runtime spec asks.
    package init(_ names: [String]?) {
        bits = 0
        for name in names ?? [] {
            if let number = Self.names.firstIndex(of: name) { bits |= 1 << UInt64(number) }
        }
    }

    package func contains(_ name: String) -> Bool {
        Self.names.firstIndex(of: name).map { bits >> UInt64($0) & 1 == 1 } ?? false
    }

    /// The names, in the kernel's order.
    package var members: [String] {
        Self.names.enumerated().filter { bits >> UInt64($0.offset) & 1 == 1 }.map(\.element)
    }

    /// What this process may use now (proc_pid_status(5), `CapEff`): nothing else can be passed on. All, when nothing tells.
    package static var ofThisProcess: CapabilitySet {
        let status = (try? readText("/proc/self/status")) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        let bits = line.flatMap { UInt64($0.dropFirst(7).drop { $0 == "\t" || $0 == " " }, radix: 16) }
        return CapabilitySet(bits: bits ?? .max)
    }

    /// All names, each at the index that is its number.
    package static let names = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
        "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
        "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO",
        "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
        "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
        "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
        "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
    ]
}
