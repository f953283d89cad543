import EngineWire
import Images
import Monitor
import OCI
import ProjectModel
import Runtime

extension SpecBuilder {
    func linux(_ security: SecurityOptions) throws -> RuntimeSpec.Linux {
        var linux = RuntimeSpec.Linux()
        linux.namespaces = try namespaces()
        linux.cgroupsPath = Self.cgroup(of: record, instance)
        linux.resources = try resources()
        linux.sysctl = record.template.sysctls.isEmpty ? nil : record.template.sysctls
        let devices = try devices().map(\.device)
        linux.devices = devices.isEmpty ? nil : devices
        linux.seccomp = try seccomp(security)
        let hidesAll = !record.template.privileged && !security.showsSystemPaths
        linux.maskedPaths = record.template.maskedPaths ?? (hidesAll ? DefaultProfile.maskedPaths : nil)
        linux.readonlyPaths = record.template.readonlyPaths ?? (hidesAll ? DefaultProfile.readonlyPaths : nil)
        return linux
    }

    /// The path of a container's cgroup in every hierarchy.
    static func cgroup(of record: ContainerRecord, _ instance: String) -> String {
        "/\(record.template.cgroupParent ?? cgroupParent(instance))/\(record.id)"
    }

    /// The parent cgroup of containers that name none.
    static func cgroupParent(_ instance: String) -> String { instance.isEmpty ? "berth" : "berth-\(instance)" }

    /// The limits that differ from `old`, for a running container: a removed limit is set to "no limit".
    func limits(insteadOf old: Resources) throws -> RuntimeSpec.Resources {
        let wanted = record.template.resources
        var resources = RuntimeSpec.Resources()
        var memory = memory(wanted)
        if memory != self.memory(old) {
            if memory.limit == nil { memory.limit = -1 }
            if memory.swap == nil, limitsSwap { memory.swap = -1 }
            resources.memory = memory
        }
        var cpu = cpu(wanted)
        let former = self.cpu(old)
        if cpu != former {
            if cpu.quota == nil, former.quota != nil { cpu.quota = -1 }
            if cpu.period == nil, former.period != nil { cpu.period = 100_000 }
            if cpu.shares == nil, former.shares != nil { cpu.shares = 1024 }
            resources.cpu = cpu
        }
        if wanted.pids != old.pids { resources.pids = .init(limit: wanted.pids ?? -1) }
        if wanted.blkioWeight != old.blkioWeight { resources.blockIO = try blockIO(wanted) }
        return resources
    }

    /// nil allows every system call.
    func seccomp(_ security: SecurityOptions) throws -> RuntimeSpec.Seccomp? {
        switch security.filter {
        case .unconfined: return nil
        case .standard:
            return record.template.privileged ? nil : DefaultProfile.seccomp(capabilities: try capabilities())
        case .profile(let text):
            guard let kernel = KernelVersion.running else { return nil }
            let place = SeccompProfile.Surroundings(
                architecture: Platform.host.architecture, capabilities: Set(try capabilities()), kernel: kernel)
            return try SeccompProfile(parsing: text).resolved(in: place)
        }
    }

    private func namespaces() throws -> [RuntimeSpec.Namespace] {
        var namespaces = [RuntimeSpec.Namespace(type: "mount")]
        namespaces += try namespace("network", mode: nil)
        namespaces += try namespace("pid", mode: record.template.pid)
        namespaces += try namespace("ipc", mode: record.template.ipc)
        if record.template.uts != "host" { namespaces.append(.init(type: "uts")) }
        if record.template.cgroup != "host" { namespaces.append(.init(type: "cgroup")) }
        return namespaces
    }

    private func namespace(_ kind: String, mode: String?) throws -> [RuntimeSpec.Namespace] {
        if kind == "network" {
            let owner = surroundings.joinedNamespaces["network"] ?? record
            if owner.template.networkMode == .host { return [] }
            return [.init(type: kind, path: paths.namespace(owner.id))]
        }
        if mode == "host" { return [] }
        guard let owner = surroundings.joinedNamespaces[kind] else { return [.init(type: kind)] }
        guard let pid = owner.life.process?.pid else {
            throw EngineFailure(
                code: .conflict,
                message: "\(record.name) shares the \(kind) namespace of \(owner.name), which is not running",
                hint: "start \(owner.service ?? owner.name) first")
        }
        return [.init(type: kind, path: "/proc/\(pid)/ns/\(kind)")]
    }

    /// A privileged container sees every device of the host.
    private func devices() throws -> [HostDevice] {
        let named = try record.template.devices.flatMap { try HostDevice.devices($0) }
        guard record.template.privileged else { return named }
        let targets = Set(named.map(\.device.path))
        return named + HostDevice.all().filter { !targets.contains($0.device.path) }
    }

    private func deviceRules() throws -> [RuntimeSpec.DeviceRule] {
        if record.template.privileged { return DefaultProfile.allDeviceRules }
        return try DefaultProfile.deviceRules + devices().map(\.rule)
            + record.template.deviceCgroupRules.map { try HostDevice.rule($0) }
    }

    // MARK: Limits

    private func resources() throws -> RuntimeSpec.Resources {
        let wanted = record.template.resources
        var resources = RuntimeSpec.Resources()
        let memory = memory(wanted)
        if memory != RuntimeSpec.Memory() { resources.memory = memory }
        let cpu = cpu(wanted)
        if cpu != RuntimeSpec.CPU() { resources.cpu = cpu }
        resources.pids = wanted.pids.map { .init(limit: $0) }
        let blockIO = try blockIO(wanted)
        if blockIO != RuntimeSpec.BlockIO() { resources.blockIO = blockIO }
        resources.devices = try deviceRules()
        return resources
    }

    private func memory(_ wanted: Resources) -> RuntimeSpec.Memory {
        var memory = RuntimeSpec.Memory()
        memory.limit = wanted.memory
        memory.reservation = wanted.memoryReservation
        // Docker's default: as much swap as memory, if the kernel can limit swap.
        memory.swap = wanted.memorySwap
        // If the kernel cannot limit swap, there is no limit to remove.
        if let swap = memory.swap, swap < 0, !limitsSwap { memory.swap = nil }
        if memory.swap == nil, let limit = wanted.memory, limit > 0, limitsSwap { memory.swap = limit * 2 }
        memory.swappiness = wanted.memorySwappiness.map { UInt64(max(0, $0)) }
        memory.disableOOMKiller = wanted.oomKillDisable == true ? true : nil
        return memory
    }

    private func cpu(_ wanted: Resources) -> RuntimeSpec.CPU {
        var cpu = RuntimeSpec.CPU()
        cpu.shares = wanted.cpuShares.map { UInt64(max(2, $0)) }
        cpu.cpus = wanted.cpuset
        cpu.quota = wanted.cpuQuota
        cpu.period = wanted.cpuPeriod.map { UInt64(max(1000, $0)) }
        cpu.realtimePeriod = wanted.cpuRealtimePeriod.map { UInt64(max(0, $0)) }
        cpu.realtimeRuntime = wanted.cpuRealtimeRuntime
        if let cpus = wanted.cpus {
            cpu.period = 100_000
            cpu.quota = Int64((cpus * 100_000).rounded())
        }
        return cpu
    }

    private func blockIO(_ wanted: Resources) throws -> RuntimeSpec.BlockIO {
        var blockIO = RuntimeSpec.BlockIO()
        blockIO.weight = wanted.blkioWeight.flatMap { UInt16(exactly: $0) }
        let limits = wanted.blkioDevices ?? Resources.BlockDevices()
        blockIO.weightDevice = try limits.weights.unlessEmpty?.map { limit in
            let number = try HostDevice.blockDevice(limit.path)
            return RuntimeSpec.WeightDevice(
                major: number.major, minor: number.minor, weight: UInt16(clamping: limit.value))
        }
        func throttles(_ limits: [Resources.BlockDevices.Limit]) throws -> [RuntimeSpec.ThrottleDevice]? {
            try limits.unlessEmpty?.map { limit in
                let number = try HostDevice.blockDevice(limit.path)
                return RuntimeSpec.ThrottleDevice(
                    major: number.major, minor: number.minor, rate: UInt64(clamping: limit.value))
            }
        }
        blockIO.throttleReadBpsDevice = try throttles(limits.readBytes)
        blockIO.throttleWriteBpsDevice = try throttles(limits.writtenBytes)
        blockIO.throttleReadIOPSDevice = try throttles(limits.reads)
        blockIO.throttleWriteIOPSDevice = try throttles(limits.writes)
        return blockIO
    }
}

extension Array {
    fileprivate var unlessEmpty: Self? { isEmpty ? nil : self }
}
