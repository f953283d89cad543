import Glibc
import Images
import Linux
import OCI
import Reconcile
import Runtime

/// Kernel features that services need by name.
package struct KernelWishes: Hashable, Sendable {
    /// As in the file: `linux/arm64`.
    package var platforms: Set<String> = []
    package var sysctls: Set<String> = []
    /// File system types of volumes.
    package var fileSystems: Set<String> = []
    /// Kinds of network interfaces: `bridge`.
    package var links: Set<String> = []
    /// Interfaces of the host that networks share.
    package var interfaces: Set<String> = []

    package init() {}
}

/// Reads from /proc and /sys what this machine can do. It changes nothing. A feature that only an attempt could test
/// counts as available.
package struct MachineProbe: Sendable {
    /// A prefix for /proc, /sys and /lib; empty for the real machine.
    private let root: String
    private let mounts: CgroupMounts

    package init(root: String = "") {
        self.root = root
        let mountinfo = try? readText("\(root)/proc/self/mountinfo", limit: 16 << 20)
        mounts = CgroupMounts(mountinfo: mountinfo ?? "")
    }

    private func text(_ path: String, limit: Int = 1 << 20) -> String? { try? readText(root + path, limit: limit) }
    private func exists(_ path: String) -> Bool { fileExists(root + path) }
    private func words(_ path: String) -> [String] {
        (text(path) ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
    }

    // MARK: Limits

    package var limits: PreflightFacts.HostLimits {
        var limits = PreflightFacts.HostLimits()
        limits.cores = Double(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        limits.cpus = cpus
        limits.controllers = controllers
        limits.lacking = lacking
        limits.canRaiseLimits = CapabilitySet.ofThisProcess.contains("CAP_SYS_RESOURCE")
        limits.hardLimits = Self.hardLimits
        limits.openFiles = number("/proc/sys/fs/nr_open")
        limits.lowestScore = min(0, Int(number("/proc/self/oom_score_adj") ?? 0))
        return limits
    }

    private func number(_ path: String) -> Int64? { words(path).first.flatMap { Int64($0) } }

    /// The processors that containers may use, which can be fewer than are online.
    private var cpus: NumberList? {
        var files = mounts.mounts.filter { $0.controllers.contains("cpuset") }.flatMap {
            ["\($0.mountpoint)/cpuset.effective_cpus", "\($0.mountpoint)/cpuset.cpus"]
        }
        files += mounts.mounts.filter(\.isUnified).map { "\($0.mountpoint)/cpuset.cpus.effective" }
        files.append("/sys/devices/system/cpu/online")
        return files.lazy.compactMap { words($0).first.flatMap { NumberList($0) } }.first
    }

    /// nil when there are no cgroups to read.
    private var controllers: Set<String>? {
        guard !mounts.mounts.isEmpty else { return nil }
        var found: Set<String> = []
        for mount in mounts.mounts where access(root + mount.mountpoint, W_OK) == 0 {
            found.formUnion(mount.isUnified ? unified(mount.mountpoint) : mount.controllers)
        }
        if found.remove("io") != nil { found.insert("blkio") }
        return found
    }

    /// The controllers that a child of this v2 cgroup has or could get. A cgroup other than the real root can pass
    /// controllers on only if it has no processes of its own (kernel, admin-guide/cgroup-v2, "No Internal Process
    /// Constraint").
    private func unified(_ folder: String) -> [String] {
        let isRoot = !exists("\(folder)/cgroup.events")
        guard isRoot || words("\(folder)/cgroup.procs").isEmpty else {
            return words("\(folder)/cgroup.subtree_control")
        }
        return words("\(folder)/cgroup.controllers")
    }

    private var lacking: Set<PreflightFacts.HostLimits.Ability> {
        var lacking: Set<PreflightFacts.HostLimits.Ability> = []
        for mount in mounts.mounts {
            let folder = mount.mountpoint
            if mount.isUnified {
                let there = words("\(folder)/cgroup.controllers")
                if there.contains("memory") {
                    lacking.formUnion([.swappiness, .killDisabling])
                    if knownToMiss(["memory.swap.max"], beside: "memory.max", folder) { lacking.insert(.swap) }
                }
                if there.contains("cpu") { lacking.insert(.realtime) }
                if there.contains("io"), knownToMiss(["io.weight", "io.bfq.weight"], beside: "io.stat", folder) {
                    lacking.insert(.blockWeights)
                }
                continue
            }
            if mount.controllers.contains("memory") {
                if !exists("\(folder)/memory.memsw.limit_in_bytes") { lacking.insert(.swap) }
                if !exists("\(folder)/memory.swappiness") { lacking.insert(.swappiness) }
                if !exists("\(folder)/memory.oom_control") { lacking.insert(.killDisabling) }
            }
            if mount.controllers.contains("cpu"), !exists("\(folder)/cpu.rt_runtime_us") { lacking.insert(.realtime) }
            let weights = ["blkio.weight", "blkio.bfq.weight"]
            if mount.controllers.contains("blkio"), knownToMiss(weights, beside: "blkio.reset_stats", folder) {
                lacking.insert(.blockWeights)
            }
        }
        return lacking
    }

    /// The root of a hierarchy lacks some files, so look at a child: the feature is missing if the child has `sibling`
    /// but none of `files`.
    private func knownToMiss(_ files: [String], beside sibling: String, _ folder: String) -> Bool {
        let children = ((try? folderEntries(root + folder)) ?? []).filter { exists("\(folder)/\($0)/\(sibling)") }
        return !children.isEmpty
            && !children.contains { child in files.contains { exists("\(folder)/\(child)/\($0)") } }
    }

    private static var hardLimits: [String: Int64] {
        // The index of each name is its number (asm-generic/resource.h).
        let names = [
            "cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock", "as", "locks", "sigpending",
            "msgqueue", "nice", "rtprio", "rttime",
        ]
        var limits: [String: Int64] = [:]
        for (number, name) in names.enumerated() {
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(UInt32(number)), &limit) == 0 else { continue }
            limits[name] = limit.rlim_max == rlim_t.max ? -1 : Int64(clamping: limit.rlim_max)
        }
        return limits
    }

    // MARK: Features

    package func features(for wishes: KernelWishes) -> PreflightFacts.HostFeatures {
        var features = PreflightFacts.HostFeatures()
        features.platform = Platform.host.text
        if !wishes.platforms.isEmpty {
            let emulated = emulatedMachines
            features.foreignPlatforms = wishes.platforms.filter { !Self.runs($0, emulated) }
        }
        features.appArmor = appArmor
        features.unknownSysctls = wishes.sysctls.filter { !exists("/proc/sys/\(Self.sysctlPath($0))") }
        features.unknownFileSystems = unknownFileSystems(wishes.fileSystems)
        features.hasIPv6 = exists("/proc/sys/net/ipv6")
        return features
    }

    /// The parameters of an interface exist only once the interface does, so check those that every new interface gets.
    private static func sysctlPath(_ key: String) -> String {
        var parts = Sysctl.path(key).pathParts
        if parts.count == 5, parts[0] == "net", ["conf", "neigh"].contains(parts[2]) { parts[3] = "default" }
        return parts.joined(separator: "/")
    }

    private var appArmor: PreflightFacts.HostFeatures.AppArmor {
        guard text("/sys/module/apparmor/parameters/enabled")?.hasPrefix("Y") == true else { return .absent }
        // One profile in each line, with its mode: `docker-default (enforce)`.
        let list = text("/sys/kernel/security/apparmor/profiles", limit: 4 << 20)?.split(separator: "\n").map { line in
            line.hasSuffix(")") ? String(line[..<(line.lastIndex(of: "(") ?? line.endIndex)].dropLast()) : String(line)
        }
        return .enabled(list.map { Set($0) })
    }

    private func unknownFileSystems(_ wanted: Set<String>) -> Set<String> {
        let unknown = wanted.subtracting(words("/proc/filesystems") + ["none", "bind", ""])
        guard !unknown.isEmpty else { return [] }
        // The kernel loads modules when they are needed.
        let modules = "/lib/modules/\(words("/proc/sys/kernel/osrelease").first ?? "")"
        let files = text("\(modules)/modules.dep", limit: 16 << 20) ?? ""
        let aliases = text("\(modules)/modules.alias", limit: 16 << 20) ?? ""
        return unknown.filter { type in
            !files.contains("/\(type).ko") && !aliases.contains("alias fs-\(type) ")
        }
    }

    // MARK: Other platforms

    /// The machine numbers in ELF headers (elf.h, `EM_…`), by Go's names.
    private static let machines: [String: UInt16] = [
        "386": 3, "mips": 8, "mipsle": 8, "mips64": 8, "mips64le": 8, "ppc64": 21, "ppc64le": 21, "s390x": 22,
        "arm": 40, "amd64": 62, "arm64": 183, "riscv64": 243, "loong64": 258,
    ]

    /// A 64-bit processor also runs the programs of its 32-bit predecessor.
    private static let ancestors = ["amd64": "386", "arm64": "arm"]

    private static func runs(_ platform: String, _ emulated: Set<UInt16>) -> Bool {
        guard let wanted = Platform(platform) else { return true }
        guard wanted.os == Platform.host.os else { return false }
        let own = Platform.host.architecture
        if wanted.architecture == own || wanted.architecture == ancestors[own] { return true }
        return machines[wanted.architecture].map { emulated.contains($0) } ?? false
    }

    /// Machines for which an interpreter is registered (kernel, admin-guide/binfmt-misc).
    private var emulatedMachines: Set<UInt16> {
        let folder = "/proc/sys/fs/binfmt_misc"
        guard words("\(folder)/status").first == "enabled" else { return [] }
        let entries = ((try? folderEntries(root + folder)) ?? []).filter { !["register", "status"].contains($0) }
        return Set(entries.compactMap { text("\(folder)/\($0)").flatMap(Self.emulatedMachine) })
    }

    /// The machine number in an entry's magic: in an ELF header it is at byte 18, and byte 5 gives the byte order.
    private static func emulatedMachine(_ entry: String) -> UInt16? {
        let lines = entry.split(separator: "\n")
        guard lines.first == "enabled", let magic = lines.first(where: { $0.hasPrefix("magic ") }) else { return nil }
        let digits = Array(magic.dropFirst("magic ".count))
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).map {
            UInt8(String(digits[$0...$0 + 1]), radix: 16) ?? 0
        }
        guard bytes.count >= 20, bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else { return nil }
        let (low, high) = bytes[5] == 2 ? (bytes[19], bytes[18]) : (bytes[18], bytes[19])
        return UInt16(high) << 8 | UInt16(low)
    }
}
