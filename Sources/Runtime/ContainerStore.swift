import CLinux
import Glibc
import JSON
import Linux
import OCI

/// What the runtime's command line stores about a container between two calls: `state.json` in its folder.
package struct ContainerRecord: Codable, Hashable, Sendable {
    package var id: String
    package var bundle: String
    package var pid: Int32
    /// With the boot's id, distinguishes this process from a later one with the same pid.
    package var startTicks: UInt64
    package var bootID: String
    package var cgroups: [String]
    /// RFC 3339.
    package var created: String
    package var spec: RuntimeSpec

    package init(
        id: String, bundle: String, pid: Int32, startTicks: UInt64, bootID: String, cgroups: [String], created: String,
        spec: RuntimeSpec
    ) {
        self.id = id
        self.bundle = bundle
        self.pid = pid
        self.startTicks = startTicks
        self.bootID = bootID
        self.cgroups = cgroups
        self.created = created
        self.spec = spec
    }

    /// The init process, if this record's process still has the pid.
    package func process() throws(SyscallError) -> ProcessHandle {
        try ProcessHandle(pid: pid, startTicks: startTicks, bootID: bootID)
    }

    package func cgroup() throws(SyscallError) -> Cgroup { Cgroup(folders: cgroups, mounts: try .current()) }
}

/// The folder in which the runtime's command line keeps its containers, each in a folder of its own (mode 0700).
package struct ContainerStore: Sendable {
    package let root: String

    package init(root: String) { self.root = root }

    /// Compiled seccomp filters.
    package var filterCache: String { "\(root)/.filters" }

    /// The folder of `id`.
    /// - Throws: `RuntimeFailure` for an id that could lead elsewhere.
    package func folder(_ id: String) throws(RuntimeFailure) -> String {
        let allowed = id.utf8.allSatisfy {
            ($0 >= 0x30 && $0 <= 0x39) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || "_+.-".utf8.contains($0)
        }
        guard allowed, !id.isEmpty, id.utf8.count <= 255, id.first != "." else {
            throw RuntimeFailure(step: "id", message: "container id \"\(id)\": letters, digits, _, +, . and - only")
        }
        return "\(root)/\(id)"
    }

    /// Locks `id` against other calls as long as the lock exists.
    /// - Throws: `RuntimeFailure` when there is no such container.
    package func lock(_ id: String) throws(RuntimeFailure) -> FileLock {
        let folder = try folder(id)
        guard fileExists(folder) else { throw Self.unknown(id) }
        return try naming("lock \(id)") { () throws(SyscallError) in try FileLock.wait("\(folder)/lock") }
    }

    /// Creates the folder of a new container.
    package func make(_ id: String) throws(RuntimeFailure) -> String {
        let folder = try folder(id)
        try naming("create \(id)") { () throws(SyscallError) in try makeFolders(root, mode: 0o700) }
        guard mkdir(folder, 0o700) == 0 else {
            if Errno.current == .exists {
                throw RuntimeFailure(step: "create", message: "container \"\(id)\" exists already")
            }
            throw RuntimeFailure("create \(id)", SyscallError(call: "mkdir", object: folder, code: .current))
        }
        return folder
    }

    package func save(_ record: ContainerRecord) throws(RuntimeFailure) {
        let path = "\(try folder(record.id))/state.json"
        guard let bytes = try? encodeJSON(record) else {
            throw RuntimeFailure(step: "save", message: "the state cannot be written as JSON")
        }
        try naming("save the state") { () throws(SyscallError) in try writeFileAtomically(path, bytes) }
    }

    /// - Throws: `RuntimeFailure` when there is no such container, or its record is damaged.
    package func load(_ id: String) throws(RuntimeFailure) -> ContainerRecord {
        let path = "\(try folder(id))/state.json"
        guard let bytes = try? readFile(path) else { throw Self.unknown(id) }
        do {
            return try decodeJSON(ContainerRecord.self, from: bytes)
        } catch {
            throw RuntimeFailure(step: "load", message: "\(path): \(plainText(of: error))")
        }
    }

    /// The ids of all containers, sorted.
    package func ids() -> [String] {
        ((try? folderEntries(root)) ?? []).filter { !$0.hasPrefix(".") && fileExists("\(root)/\($0)/state.json") }
    }

    package func status(_ record: ContainerRecord) -> ContainerState.Status {
        guard (try? record.process()) != nil, let now = try? ProcessStatus(of: record.pid), !now.isZombie else {
            return .stopped
        }
        if fileExists("\(root)/\(record.id)/gate.sock") { return .created }
        return (try? record.cgroup())?.isFrozen == true ? .paused : .running
    }

    package func state(_ record: ContainerRecord) -> ContainerState {
        let status = status(record)
        return ContainerState(
            id: record.id, status: status, pid: status == .stopped ? 0 : record.pid, bundle: record.bundle,
            annotations: record.spec.annotations)
    }

    static func unknown(_ id: String) -> RuntimeFailure {
        RuntimeFailure(step: "load", message: "container \"\(id)\" does not exist")
    }
}
