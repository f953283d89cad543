import Linux

/// Where this host has mounted its cgroup hierarchies (cgroups(7)): v2, v1, or both.
package struct CgroupMounts: Hashable, Sendable {
    package struct Mount: Hashable, Sendable {
        /// The last part of its mount point: `memory`, `cpu,cpuacct`, `systemd`.
        package var name: String
        package var mountpoint: String
        /// The controllers of a v1 hierarchy; empty for a named one, and for v2, which has a file for this.
        package var controllers: [String]
        package var isUnified: Bool
    }

    package var mounts: [Mount]

    package init(mounts: [Mount]) { self.mounts = mounts }

    /// Reads `/proc/self/mountinfo`.
    package static func current() throws(SyscallError) -> CgroupMounts {
        CgroupMounts(mountinfo: try readText("/proc/self/mountinfo", limit: 16 << 20))
    }

    /// Parses a mountinfo file (proc_pid_mountinfo(5)); of a hierarchy that is mounted twice, the first counts.
    package init(mountinfo: String) {
        mounts = []
        var seen: Set<[String]> = []
        for line in mountinfo.split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else { continue }
            let place = fields[4]
            let name = place.pathParts.last ?? "cgroup"
            switch fields[dash + 1] {
            case "cgroup2":
                if !seen.insert(["v2"]).inserted { continue }
                mounts.append(Mount(name: name, mountpoint: place, controllers: [], isUnified: true))
            case "cgroup":
                let options = fields[dash + 3].split(separator: ",").map(String.init)
                let controllers = options.filter(Self.controllers.contains)
                let hierarchy = controllers.isEmpty ? options.filter { $0.hasPrefix("name=") } : controllers
                if hierarchy.isEmpty || !seen.insert(hierarchy).inserted { continue }
                mounts.append(Mount(name: name, mountpoint: place, controllers: controllers, isUnified: false))
            default: continue
            }
        }
    }

    /// Whether the sum of memory and swap can be limited; a kernel may be built or booted without that.
    package var accountForSwap: Bool {
        for mount in mounts {
            if mount.controllers.contains("memory") {
                return fileExists("\(mount.mountpoint)/memory.memsw.limit_in_bytes")
            }
            // On v2 the file is not in the root.
            guard mount.isUnified, let children = try? folderEntries(mount.mountpoint) else { continue }
            if children.contains(where: { fileExists("\(mount.mountpoint)/\($0)/memory.swap.max") }) { return true }
        }
        return false
    }

    private static let controllers: Set<String> = [
        "blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "memory", "misc", "net_cls", "net_prio",
        "perf_event", "pids", "rdma",
    ]
}
