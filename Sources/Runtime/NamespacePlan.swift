import CLinux
import Glibc
import Linux
import OCI

/// Which namespaces a container gets of its own, which it joins, and which it shares with the caller (namespaces(7)).
package struct NamespacePlan {
    /// One kind of namespace: its name in a runtime spec, its flag, and its file under `/proc/PID/ns`.
    package struct Kind: Hashable, Sendable {
        let name: String
        let flag: UInt64
        let file: String

        static let user = Kind(name: "user", flag: UInt64(BERTH_CLONE_NEWUSER), file: "user")
        static let mount = Kind(name: "mount", flag: UInt64(BERTH_CLONE_NEWNS), file: "mnt")
        static let cgroup = Kind(name: "cgroup", flag: UInt64(BERTH_CLONE_NEWCGROUP), file: "cgroup")
        static let pid = Kind(name: "pid", flag: UInt64(BERTH_CLONE_NEWPID), file: "pid")
        static let network = Kind(name: "network", flag: UInt64(BERTH_CLONE_NEWNET), file: "net")
        static let ipc = Kind(name: "ipc", flag: UInt64(BERTH_CLONE_NEWIPC), file: "ipc")
        static let uts = Kind(name: "uts", flag: UInt64(BERTH_CLONE_NEWUTS), file: "uts")
        static let time = Kind(name: "time", flag: UInt64(BERTH_CLONE_NEWTIME), file: "time")

        static let all = [user, mount, cgroup, pid, network, ipc, uts, time]
    }

    private(set) var own: [Kind] = []
    private(set) var joined: [(kind: Kind, path: String)] = []

    /// - Throws: `RuntimeFailure` for a kind that is named twice or unknown, or that cannot be joined.
    package init(_ namespaces: [RuntimeSpec.Namespace]) throws(RuntimeFailure) {
        for namespace in namespaces {
            guard let kind = Kind.all.first(where: { $0.name == namespace.type }) else {
                throw Self.failure("unknown namespace type \"\(namespace.type)\"")
            }
            guard !own.contains(kind), !joined.contains(where: { $0.kind == kind }) else {
                throw Self.failure("namespace \"\(kind.name)\" is listed twice")
            }
            if let path = namespace.path, !path.isEmpty {
                joined.append((kind, path))
            } else {
                own.append(kind)
            }
        }
        guard own.contains(.mount) else { throw Self.failure("a container needs a mount namespace of its own") }
        guard !joined.contains(where: { $0.kind == .user }) else {
            throw Self.failure("joining another user namespace is not supported; give it mappings of its own")
        }
        // Root of the new user namespace may not enter the other pid namespace, and must not be visible there earlier.
        guard !own.contains(.user) || joinedProcesses == nil else {
            throw Self.failure("with a user namespace of its own a container cannot join another's processes")
        }
    }

    /// The path of another container's pid namespace, which the process enters last.
    var joinedProcesses: String? { joined.first { $0.kind == .pid }?.path }

    func isOwn(_ kind: Kind) -> Bool { own.contains(kind) }

    /// Whether it differs from the caller's.
    func isSeparate(_ kind: Kind) -> Bool { isOwn(kind) || joined.contains { $0.kind == kind } }

    /// The namespaces that clone3 creates. The cgroup namespace is created later, when the process is in its cgroup,
    /// which then becomes its root. The time namespace comes from the parent, which must set its offsets first.
    var cloneFlags: UInt64 { own.filter { $0 != .cgroup && $0 != .time }.reduce(0) { $0 | $1.flag } }

    private static func failure(_ message: String) -> RuntimeFailure {
        RuntimeFailure(step: "linux.namespaces", message: message)
    }
}

/// A stay of the calling thread in other namespaces, in which it creates its next child. It must be the only thread.
struct NamespaceVisit: ~Copyable {
    private var home: [(kind: NamespacePlan.Kind, descriptor: CInt)] = []

    init() {}

    deinit { for (_, descriptor) in home { close(descriptor) } }

    /// Enters the namespace at `path`, which must be of this `kind`.
    mutating func enter(_ kind: NamespacePlan.Kind, at path: String) throws(SyscallError) {
        let target = try openFile(path, O_RDONLY)
        try leaveHome(kind)
        try syscall("setns", on: path) { berth_setns(target.raw, CInt(bitPattern: UInt32(kind.flag))) }
    }

    /// Creates a new time namespace for the next child, and sets `offsets` before any process is in it.
    mutating func makeTime(offsets: [String: RuntimeSpec.TimeOffset]) throws(SyscallError) {
        try leaveHome(.time)
        try syscall("unshare", on: "time namespace") { berth_unshare(CInt(NamespacePlan.Kind.time.flag)) }
        let lines = offsets.sorted { $0.key < $1.key }.map { "\($0) \($1.secs ?? 0) \($1.nanosecs ?? 0)\n" }
        if !lines.isEmpty { try writeControlFile("/proc/self/timens_offsets", lines.joined()) }
    }

    /// Returns to the original namespaces.
    mutating func leave() throws(SyscallError) {
        for (kind, descriptor) in home.reversed() {
            try syscall("setns", on: "own \(kind.name) namespace") {
                berth_setns(descriptor, CInt(bitPattern: UInt32(kind.flag)))
            }
            close(descriptor)
        }
        home = []
    }

    private mutating func leaveHome(_ kind: NamespacePlan.Kind) throws(SyscallError) {
        home.append((kind, try openFile("/proc/self/ns/\(kind.file)", O_RDONLY).release()))
    }
}
