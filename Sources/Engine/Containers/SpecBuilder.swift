import EngineWire
import Images
import Monitor
import OCI
import ProjectModel
import Runtime

/// Turns a container's record into the runtime spec its monitor carries out.
struct SpecBuilder {
    let record: ContainerRecord
    let paths: EnginePaths
    let surroundings: Surroundings
    let identity: ContainerUser
    /// Part of cgroup names when several engines share a machine.
    let instance: String

    /// - Throws: `EngineFailure` for what cannot be expressed: no command, an unknown capability, a namespace of a container
    ///   that does not run.
    func spec() throws -> RuntimeSpec {
        var spec = RuntimeSpec()
        spec.root = .init(path: "rootfs", readonly: record.spec.readOnly ? true : nil)
        spec.hostname = surroundings.hostname
        spec.domainname = record.spec.domainname
        if record.spec.uts == "host" {
            spec.hostname = nil
            spec.domainname = nil
        }
        spec.process = try process()
        spec.mounts = mounts()
        spec.annotations = record.spec.annotations.isEmpty ? nil : record.spec.annotations
        spec.linux = try linux()
        return spec
    }

    // MARK: Process

    private func process() throws -> RuntimeSpec.Process {
        let arguments = record.arguments
        guard !arguments.isEmpty else {
            throw EngineFailure(
                code: "invalid",
                message: "service \"\(record.service)\" has no command: neither the file nor its image names one",
                hint: "add `command:` to the service")
        }
        let user = RuntimeSpec.User(
            uid: identity.uid, gid: identity.gid,
            additionalGids: identity.additionalGids.isEmpty ? nil : identity.additionalGids)
        var process = RuntimeSpec.Process(
            user: user, args: arguments, env: environment,
            cwd: record.spec.workingDir ?? record.image.workingDir.nonEmpty ?? "/")
        process.terminal = record.spec.tty ? true : nil
        let capabilities = try self.capabilities()
        let held = identity.uid == 0 ? capabilities : []
        process.capabilities = .init(
            bounding: capabilities, effective: held, inheritable: [], permitted: held, ambient: [])
        process.noNewPrivileges =
            record.spec.securityOptions.contains { $0.hasPrefix("no-new-privileges") && !$0.hasSuffix("false") }
            ? true : nil
        process.oomScoreAdj = record.spec.resources.oomScoreAdjust
        process.rlimits = rlimits
        return process
    }

    private var rlimits: [RuntimeSpec.Rlimit]? {
        let limits = record.spec.ulimits.sorted { $0.key < $1.key }.map { name, limit in
            RuntimeSpec.Rlimit(
                type: "RLIMIT_\(name.uppercased())", soft: limit.soft < 0 ? .max : UInt64(limit.soft),
                hard: limit.hard < 0 ? .max : UInt64(limit.hard))
        }
        return limits.isEmpty ? nil : limits
    }

    /// The image's, then docker's own additions, then the service's: a later one wins.
    private var environment: [String] {
        var values: [(String, String)] = [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")]
        func set(_ name: String, _ value: String) {
            if let index = values.firstIndex(where: { $0.0 == name }) {
                values[index].1 = value
            } else {
                values.append((name, value))
            }
        }
        set("HOSTNAME", surroundings.hostname)
        if record.spec.tty { set("TERM", "xterm") }
        for entry in record.image.env ?? [] {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            set(String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
        }
        for (name, value) in record.spec.environment.sorted(by: { $0.key < $1.key }) { set(name, value) }
        if !values.contains(where: { $0.0 == "HOME" }), !identity.home.isEmpty { set("HOME", identity.home) }
        return values.map { "\($0.0)=\($0.1)" }
    }

    /// Docker's rule: `cap_drop: ALL` clears what `cap_add` does not name.
    private func capabilities() throws -> [String] {
        if record.spec.privileged { return CapabilitySet.names }
        let add = Set(record.spec.capAdd.map(Self.capabilityName))
        let drop = Set(record.spec.capDrop.map(Self.capabilityName))
        for name in add.union(drop) where name != "CAP_ALL" && !CapabilitySet.names.contains(name) {
            throw EngineFailure(code: "invalid", message: "service \"\(record.service)\": unknown capability \(name)")
        }
        let base =
            add.contains("CAP_ALL") ? CapabilitySet.names : drop.contains("CAP_ALL") ? [] : DefaultProfile.capabilities
        let wanted = Set(base).subtracting(drop).union(add.subtracting(["CAP_ALL"]))
        return CapabilitySet.names.filter { wanted.contains($0) }
    }

    private static func capabilityName(_ name: String) -> String {
        let upper = name.uppercased()
        return upper.hasPrefix("CAP_") ? upper : "CAP_\(upper)"
    }

    // MARK: Mounts

    private func mounts() -> [RuntimeSpec.Mount] {
        var mounts = DefaultProfile.mounts(sharedMemory: record.spec.shmSize ?? 64 << 20).map { mount in
            var mount = mount
            if record.spec.privileged, ["/sys", "/sys/fs/cgroup"].contains(mount.destination) {
                mount.options = mount.options?.map { $0 == "ro" ? "rw" : $0 }
            }
            return mount
        }
        if record.spec.ipc == "host" { mounts = mounts.map { $0.destination == "/dev/shm" ? Self.hostShm : $0 } }
        mounts += fileMounts
        mounts += record.mounts.sorted { $0.target < $1.target }.map(mount)
        mounts += secretMounts
        return mounts
    }

    private static let hostShm = RuntimeSpec.Mount(
        destination: "/dev/shm", type: "bind", source: "/dev/shm", options: ["rbind", "rprivate"])

    /// hosts, hostname and resolv.conf, unless a volume is mounted over one of them.
    private var fileMounts: [RuntimeSpec.Mount] {
        let taken = Set(record.mounts.map(\.target))
        let folder = paths.containerRun(surroundings.joinedNamespaces["network"]?.id ?? record.id)
        return ["hosts", "hostname", "resolv.conf"].filter { !taken.contains("/etc/\($0)") }.map {
            RuntimeSpec.Mount(
                destination: "/etc/\($0)", type: "bind", source: "\(folder)/\($0)", options: ["bind", "rprivate"])
        }
    }

    private var secretMounts: [RuntimeSpec.Mount] {
        SecretFile.files(of: record, paths).map {
            RuntimeSpec.Mount(
                destination: $0.target, type: "bind", source: $0.hostPath, options: ["bind", "ro", "rprivate"])
        }
    }

    private func mount(_ mount: ContainerRecord.Mount) -> RuntimeSpec.Mount {
        let mode = mount.readOnly ? "ro" : "rw"
        switch mount.source {
        case .volume(let name, _, _, let subpath):
            let path = paths.volume(name) + (subpath.map { "/\($0)" } ?? "")
            return .init(destination: mount.target, type: "bind", source: path, options: ["rbind", mode, "rprivate"])
        case .bind(let path, _, let propagation, let isRecursive):
            return .init(
                destination: mount.target, type: "bind", source: path,
                options: [isRecursive ? "rbind" : "bind", mode, propagation ?? "rprivate"])
        case .tmpfs(let size, let permissions, let options):
            var all = ["nosuid", "nodev", mode]
            if let size { all.append("size=\(size)") }
            if let permissions { all.append("mode=\(String(permissions, radix: 8))") }
            all += (options ?? "").split(separator: ",").map(String.init)
            if options == nil { all.append("noexec") }
            return .init(destination: mount.target, type: "tmpfs", source: "tmpfs", options: all)
        }
    }

    // MARK: Linux

    private func linux() throws -> RuntimeSpec.Linux {
        var linux = RuntimeSpec.Linux()
        linux.namespaces = try namespaces()
        linux.cgroupsPath =
            "/\(record.spec.cgroupParent ?? (instance.isEmpty ? "berth" : "berth-\(instance)"))/\(record.id)"
        linux.resources = resources()
        linux.sysctl = record.spec.sysctls.isEmpty ? nil : record.spec.sysctls
        guard !record.spec.privileged else {
            linux.devices = devices
            return linux
        }
        linux.maskedPaths = isUnconfined("systempaths") ? nil : DefaultProfile.maskedPaths
        linux.readonlyPaths = isUnconfined("systempaths") ? nil : DefaultProfile.readonlyPaths
        if !isUnconfined("seccomp") { linux.seccomp = DefaultProfile.seccomp(capabilities: try capabilities()) }
        linux.devices = devices
        return linux
    }

    private func isUnconfined(_ kind: String) -> Bool {
        record.spec.securityOptions.contains { $0 == "\(kind)=unconfined" || $0 == "\(kind):unconfined" }
    }

    private func namespaces() throws -> [RuntimeSpec.Namespace] {
        var namespaces = [RuntimeSpec.Namespace(type: "mount")]
        namespaces += try namespace("network", mode: nil)
        namespaces += try namespace("pid", mode: record.spec.pid)
        namespaces += try namespace("ipc", mode: record.spec.ipc)
        if record.spec.uts != "host" { namespaces.append(.init(type: "uts")) }
        if record.spec.cgroup != "host" { namespaces.append(.init(type: "cgroup")) }
        return namespaces
    }

    private func namespace(_ kind: String, mode: String?) throws -> [RuntimeSpec.Namespace] {
        if kind == "network" {
            if record.spec.networkMode == .host { return [] }
            let owner = surroundings.joinedNamespaces["network"]?.id ?? record.id
            return [.init(type: kind, path: paths.namespace(owner))]
        }
        if mode == "host" { return [] }
        guard let owner = surroundings.joinedNamespaces[kind] else { return [.init(type: kind)] }
        guard let pid = owner.life.process?.pid else {
            throw EngineFailure(
                code: "conflict",
                message: "\(record.name) shares the \(kind) namespace of \(owner.name), which does not run",
                hint: "start \(owner.service) first")
        }
        return [.init(type: kind, path: "/proc/\(pid)/ns/\(kind)")]
    }

    private var devices: [RuntimeSpec.Device]? {
        let devices = record.spec.devices.compactMap { HostDevice(mapping: $0)?.device }
        return devices.isEmpty ? nil : devices
    }

    private func resources() -> RuntimeSpec.Resources {
        let wanted = record.spec.resources
        var resources = RuntimeSpec.Resources()
        var memory = RuntimeSpec.Memory()
        memory.limit = wanted.memory
        memory.reservation = wanted.memoryReservation
        memory.swap = wanted.memorySwap
        memory.swappiness = wanted.memorySwappiness.map { UInt64(max(0, $0)) }
        memory.disableOOMKiller = wanted.oomKillDisable == true ? true : nil
        if memory != RuntimeSpec.Memory() { resources.memory = memory }
        var cpu = RuntimeSpec.CPU()
        cpu.shares = wanted.cpuShares.map { UInt64(max(2, $0)) }
        cpu.cpus = wanted.cpuset
        cpu.quota = wanted.cpuQuota
        cpu.period = wanted.cpuPeriod.map { UInt64(max(1000, $0)) }
        if let cpus = wanted.cpus {
            cpu.period = 100_000
            cpu.quota = Int64((cpus * 100_000).rounded())
        }
        if cpu != RuntimeSpec.CPU() { resources.cpu = cpu }
        resources.pids = wanted.pids.map { .init(limit: $0) }
        if let weight = wanted.blkioWeight.flatMap({ UInt16(exactly: $0) }) {
            resources.blockIO = RuntimeSpec.BlockIO()
            resources.blockIO?.weight = weight
        }
        resources.devices = deviceRules
        return resources
    }

    private var deviceRules: [RuntimeSpec.DeviceRule] {
        if record.spec.privileged { return DefaultProfile.allDeviceRules }
        return DefaultProfile.deviceRules + record.spec.devices.compactMap { HostDevice(mapping: $0)?.rule }
            + record.spec.deviceCgroupRules.compactMap(HostDevice.rule)
    }
}

extension String? {
    /// nil for an empty string too: images write "" for what they leave out.
    var nonEmpty: String? { flatMap { $0.isEmpty ? nil : $0 } }
}
