import Linux

/// What is mounted where in the engine's mount namespace (proc_pid_mountinfo(5)).
struct MountTable {
    private let mounts: [(place: String, type: String)]

    init(mountinfo: String) {
        mounts = mountinfo.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ").map(String.init)
            guard let dash = fields.firstIndex(of: "-"), dash > 4, fields.count > dash + 1 else { return nil }
            return (fields[4], fields[dash + 1])
        }
    }

    /// As it is now; empty when nothing tells.
    static var current: MountTable {
        MountTable(mountinfo: (try? readText("/proc/self/mountinfo", limit: 16 << 20)) ?? "")
    }

    /// Something is mounted on `path` itself.
    func isMounted(_ path: String) -> Bool { mounts.contains { $0.place == path } }

    /// The type of the file system that an absolute path without links lies on: of the deepest mount, the last one made there.
    func type(of path: String) -> String? {
        let above = mounts.filter { mount in
            mount.place == "/" || path == mount.place || path.hasBytePrefix("\(mount.place)/")
        }
        let depth = above.map(\.place.utf8.count).max()
        return above.last { $0.place.utf8.count == depth }?.type
    }
}
