import CLinux
import Glibc
import Linux

/// A container's cgroup: one folder on v2, one for each hierarchy on v1, both if the host has both.
package struct Cgroup: Hashable, Sendable {
    package struct Hierarchy: Hashable, Sendable {
        package var name: String
        package var mountpoint: String
        /// Absolute path of the container's folder in it.
        package var folder: String
        package var controllers: [String]
        package var isUnified: Bool

        package init(name: String, mountpoint: String, folder: String, controllers: [String], isUnified: Bool) {
            self.name = name
            self.mountpoint = mountpoint
            self.folder = folder
            self.controllers = controllers
            self.isUnified = isUnified
        }
    }

    package private(set) var hierarchies: [Hierarchy]
    /// Hierarchies in which it could not be created, each with a reason for a person.
    package private(set) var warnings: [String] = []

    package var unified: Hierarchy? { hierarchies.first { $0.isUnified } }
    package var isUnifiedOnly: Bool { hierarchies.allSatisfy(\.isUnified) }
    /// On v1 a process cannot start inside a cgroup: the parent writes its pid.
    package var needsJoining: Bool { hierarchies.contains { !$0.isUnified } }
    /// Its folders, for `state.json`.
    package var folders: [String] { hierarchies.map(\.folder) }

    /// No cgroup: the process stays in its parent's.
    package init() { hierarchies = [] }

    /// A cgroup whose hierarchies are known.
    package init(hierarchies: [Hierarchy]) { self.hierarchies = hierarchies }

    /// The cgroup with these `folders`, created earlier.
    package init(folders: [String], mounts: CgroupMounts) {
        hierarchies = folders.compactMap { folder in
            mounts.mounts.first { folder.hasPrefix($0.mountpoint + "/") }.map { Self.hierarchy($0, folder) }
        }
    }

    private static func hierarchy(_ mount: CgroupMounts.Mount, _ folder: String) -> Hierarchy {
        Hierarchy(
            name: mount.name, mountpoint: mount.mountpoint, folder: folder, controllers: mount.controllers,
            isUnified: mount.isUnified)
    }

    /// Creates the cgroup `path` (`/berth/<id>`) in every hierarchy.
    ///
    /// A hierarchy that is read-only or belongs to somebody else is left out with a warning; then only a limit that
    /// needs it fails.
    /// - Throws: `RuntimeFailure` for a path that leads out of the tree.
    package static func make(_ path: String, mounts: CgroupMounts) throws(RuntimeFailure) -> Cgroup {
        let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
        guard !parts.isEmpty, parts.allSatisfy({ isPlainName($0) }) else {
            throw RuntimeFailure(step: "cgroup", message: "cgroupsPath \"\(path)\" is not a path below the cgroup root")
        }
        var cgroup = Cgroup()
        for mount in mounts.mounts {
            let folder = mount.mountpoint + "/" + parts.joined(separator: "/")
            do throws(SyscallError) {
                try makeFolders(folder, mode: 0o755)
                if mount.controllers.contains("cpuset") { try inheritCPUSet(mount.mountpoint, parts) }
                if mount.isUnified { enableControllers(mount.mountpoint, parts) }
                cgroup.hierarchies.append(hierarchy(mount, folder))
            } catch {
                cgroup.warnings.append("cgroup \(mount.name): \(error)")
            }
        }
        return cgroup
    }

    /// A new v1 cpuset accepts no process until it has CPUs and memory nodes, so copy those of its parent.
    private static func inheritCPUSet(_ mountpoint: String, _ parts: [String]) throws(SyscallError) {
        var parent = mountpoint
        for part in parts {
            let child = "\(parent)/\(part)"
            for file in ["cpuset.cpus", "cpuset.mems"] where try readText("\(child)/\(file)").allSatisfy(\.isNewline) {
                try writeControlFile("\(child)/\(file)", try readText("\(parent)/\(file)"))
            }
            parent = child
        }
    }

    /// Enables the controllers from the root of a v2 tree downwards. If one is missing, the limit that needs it fails.
    private static func enableControllers(_ mountpoint: String, _ parts: [String]) {
        var folder = mountpoint
        for part in parts {
            let available = (try? readText("\(folder)/cgroup.controllers"))?.split { $0 == " " || $0 == "\n" } ?? []
            let enabled = (try? readText("\(folder)/cgroup.subtree_control"))?.split { $0 == " " || $0 == "\n" } ?? []
            for controller in available where !enabled.contains(controller) {
                try? writeControlFile("\(folder)/cgroup.subtree_control", "+\(controller)")
            }
            folder += "/\(part)"
        }
    }

    /// A descriptor of the v2 folder for clone3's CLONE_INTO_CGROUP; nil without v2.
    func openUnified() throws(SyscallError) -> OwnedFD? {
        guard let unified else { return nil }
        return try openFile(unified.folder, CInt(BERTH_O_PATH) | O_DIRECTORY)
    }

    /// Adds `pid` to the cgroup in every v1 hierarchy.
    package func join(_ pid: pid_t) throws(RuntimeFailure) {
        for hierarchy in hierarchies where !hierarchy.isUnified {
            do throws(SyscallError) {
                try writeControlFile("\(hierarchy.folder)/cgroup.procs", "\(pid)")
            } catch {
                throw RuntimeFailure("join the cgroup", error)
            }
        }
    }

    /// How often the kernel's OOM killer has killed a process in it; 0 if unknown.
    package func memoryKills() -> Int {
        for hierarchy in hierarchies where hierarchy.isUnified || hierarchy.controllers.contains("memory") {
            let file = hierarchy.isUnified ? "memory.events" : "memory.oom_control"
            guard let text = try? readText("\(hierarchy.folder)/\(file)") else { continue }
            for line in text.split(separator: "\n") where line.hasPrefix("oom_kill ") {
                return Int(line.dropFirst(9)) ?? 0
            }
        }
        return 0
    }

    /// How often the kernel refused a process because of `pids.max`; nil if unknown.
    package func processRefusals() -> Int? {
        for hierarchy in hierarchies where hierarchy.isUnified || hierarchy.controllers.contains("pids") {
            guard let text = try? readText("\(hierarchy.folder)/pids.events") else { continue }
            for line in text.split(separator: "\n") where line.hasPrefix("max ") { return Int(line.dropFirst(4)) }
        }
        return nil
    }

    /// Removes it and everything below it; kills remaining processes.
    /// - Throws: `SyscallError` when a folder cannot be removed.
    package func remove() throws(SyscallError) {
        for hierarchy in hierarchies { try Self.remove(hierarchy.folder) }
    }

    private static func remove(_ folder: String) throws(SyscallError) {
        for _ in 0..<8 {
            if rmdir(folder) == 0 { return }
            let code = Errno.current
            switch code {
            case .notFound: return
            case .busy, .notEmpty:
                for name in (try? folderEntries(folder)) ?? [] where isFolder("\(folder)/\(name)") {
                    try remove("\(folder)/\(name)")
                }
                killAndWait(folder)
            default: throw SyscallError(call: "rmdir", object: folder, code: code)
            }
        }
        throw SyscallError(call: "rmdir", object: folder, code: .busy)
    }

    /// Removes the cgroup and everything below it, where there are no processes.
    package static func removeEmpty(_ folder: String) {
        if rmdir(folder) == 0 { return }
        for name in (try? folderEntries(folder)) ?? [] where isFolder("\(folder)/\(name)") {
            removeEmpty("\(folder)/\(name)")
        }
        rmdir(folder)
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Kills the processes in `folder`, and waits at most a second for the end of each.
    private static func killAndWait(_ folder: String) {
        for pid in processes(in: folder) {
            guard let process = try? ProcessHandle(pid: pid) else { continue }
            try? process.signal(SIGKILL)
            var request = pollfd(fd: process.pollable, events: Int16(POLLIN), revents: 0)
            poll(&request, 1, 1000)
        }
    }

    /// The processes in its own folders, without cgroups that the container created below them.
    package var processes: [pid_t] { hierarchies.first.map { Self.processes(in: $0.folder) } ?? [] }

    private static func processes(in folder: String) -> [pid_t] {
        (try? readText("\(folder)/cgroup.procs"))?.split(separator: "\n").compactMap { pid_t($0) }.filter { $0 > 0 }
            ?? []
    }
}
