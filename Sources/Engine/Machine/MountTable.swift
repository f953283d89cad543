import Linux

/// The mounts in the engine's mount namespace (proc_pid_mountinfo(5)).
struct MountTable {
    private let mounts: [(place: String, type: String)]

    init(mountinfo: String) {
        mounts = mountinfo.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ").map(String.init)
            guard let dash = fields.firstIndex(of: "-"), dash > 4, fields.count > dash + 1 else { return nil }
            return (fields[4], fields[dash + 1])
        }
    }

    /// The current table; empty when it cannot be read.
    static var current: MountTable {
        MountTable(mountinfo: (try? readText("/proc/self/mountinfo", limit: 16 << 20)) ?? "")
    }

    /// `path` is itself a mount point.
    func isMounted(_ path: String) -> Bool { mounts.contains { $0.place == path } }

    /// The file system type at an absolute path without links: that of the deepest mount, and of the last one if
    /// several share the mount point.
    func type(of path: String) -> String? {
        let above = mounts.filter { mount in
            mount.place == "/" || path == mount.place || path.hasBytePrefix("\(mount.place)/")
        }
        let depth = above.map(\.place.utf8.count).max()
        return above.last { $0.place.utf8.count == depth }?.type
    }
}
