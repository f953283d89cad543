import JSON
import NIOHTTP1
import OCI
import ProjectModel

/// Reads the body of `POST /containers/create` into a template. A field of Docker's API that berth cannot do is an error that names the
/// field. Like dockerd, it ignores unknown fields.
package struct CreateBody: Sendable {
    package private(set) var template: ContainerTemplate
    /// Warnings in the answer, for the user.
    package private(set) var warnings: [String] = []

    private let config: Body
    private let host: Body
    private let networking: Body

    package init(_ body: JSONValue, platform: String? = nil) throws(DockerFailure) {
        config = Body(body)
        host = config["HostConfig"]
        networking = config["NetworkingConfig"]
        guard let object = body.object, !object.isEmpty else {
            throw .invalid("config cannot be empty in order to create a container")
        }
        template = ContainerTemplate()
        template.platform = platform
        try readProcess()
        try readHealth()
        try readLife()
        try readConfinement()
        try readNamespaces()
        try readLimits()
        try readDevices()
        try readStorage()
        try readNetwork()
    }

    // MARK: The process

    private mutating func readProcess() throws(DockerFailure) {
        template.image = try config["Image"].text()
        let entrypoint = try config["Entrypoint"].texts()
        // A single empty word clears the image's entrypoint.
        if let entrypoint, !entrypoint.isEmpty { template.entrypoint = entrypoint == [""] ? [] : entrypoint }
        let command = try config["Cmd"].texts()
        if let command, !command.isEmpty { template.command = command }
        for entry in try config["Env"].texts() ?? [] {
            guard let mark = entry.firstIndex(of: "=") else {
                template.environmentRemoved = (template.environmentRemoved ?? []) + [entry]
                continue
            }
            guard mark != entry.startIndex else { throw .invalid("invalid environment variable: \(entry)") }
            template.environmentRemoved?.removeAll { $0 == entry[..<mark] }
            template.environment[String(entry[..<mark])] = String(entry[entry.index(after: mark)...])
        }
        template.workingDir = try config["WorkingDir"].text()
        if let folder = template.workingDir, !folder.hasPrefix("/") {
            throw .invalid("the working directory '\(folder)' is invalid, it needs to be an absolute path")
        }
        template.user = try config["User"].text()
        template.groupAdd = try host["GroupAdd"].texts() ?? []
        template.tty = try config["Tty"].flag() ?? false
        template.stdinOpen = try config["OpenStdin"].flag() ?? false
        if try config["StdinOnce"].flag() == true { template.stdinOnce = true }
        let size = try host["ConsoleSize"].items()
        if size.count == 2, let rows = try size[0].amount(), let columns = try size[1].amount() {
            template.consoleSize = .init(
                rows: UInt16(clamping: rows), columns: UInt16(clamping: columns))
        }
        template.useInit = try host["Init"].flag() ?? false
        template.hostname = try config["Hostname"].text()
        template.domainname = try config["Domainname"].text()
        if let name = template.hostname, name.utf8.count > 63 || name.contains(where: { " /".contains($0) }) {
            throw .invalid("invalid hostname format: \(name)")
        }
        template.labels = try config["Labels"].textMap()
        template.annotations = try host["Annotations"].textMap()
    }

    private mutating func readHealth() throws(DockerFailure) {
        let check = config["Healthcheck"]
        guard check.isGiven else { return }
        var health = Healthcheck()
        let test = try check["Test"].texts() ?? []
        if !test.isEmpty { health.test = test }
        func duration(_ key: String) throws(DockerFailure) -> Duration? {
            guard let nanoseconds = try check[key].amount() else { return nil }
            guard nanoseconds >= 1_000_000 else { throw .invalid("\(key) in Healthcheck cannot be less than 1ms") }
            return .nanoseconds(nanoseconds)
        }
        health.interval = try duration("Interval")
        health.timeout = try duration("Timeout")
        health.startPeriod = try duration("StartPeriod")
        health.startInterval = try duration("StartInterval")
        if let retries = try check["Retries"].amount() {
            guard retries > 0 else { throw .invalid("Retries in Healthcheck cannot be negative") }
            health.retries = Int(retries)
        }
        template.healthcheck = health
    }

    private mutating func readLife() throws(DockerFailure) {
        template.restart = try Self.restartPolicy(host["RestartPolicy"])
        template.stopSignal = try config["StopSignal"].text()
        if let signal = template.stopSignal, !signal.isEmpty, SignalName.number(signal) == nil {
            throw .invalid("invalid signal: \(signal)")
        }
        if let seconds = try config["StopTimeout"].integer() {
            // A negative number waits for ever.
            template.stopGracePeriod = seconds < 0 ? .seconds(Int64(Int32.max)) : .seconds(seconds)
        }
        if try host["AutoRemove"].flag() == true {
            guard template.restart == .no else {
                throw .invalid("can't create 'AutoRemove' container with restart policy")
            }
            template.autoRemove = true
        }
        let log = host["LogConfig"]
        let driver = try log["Type"].text()
        let options = try log["Config"].textMap()
        if let driver, !Self.logDrivers.contains(driver) {
            throw .invalid("logger: no log driver named '\(driver)' is registered")
        }
        if driver != nil || !options.isEmpty { template.logging = Logging(driver: driver, options: options) }
    }

    /// The drivers that dockerd has. The engine warns about those that it does not have.
    private static let logDrivers = [
        "none", "json-file", "local", "syslog", "journald", "gelf", "fluentd", "awslogs", "splunk", "gcplogs",
        "etwlogs",
    ]

    package static func restartPolicy(_ policy: Body) throws(DockerFailure) -> RestartPolicy {
        let retries = try policy["MaximumRetryCount"].integer() ?? 0
        let name = try policy["Name"].text() ?? ""
        if name != "on-failure", retries != 0 {
            throw .invalid(
                "invalid restart policy: maximum retry count can only be used with 'on-failure'")
        }
        switch name {
        case "", "no": return .no
        case "always": return .always
        case "unless-stopped": return .unlessStopped
        case "on-failure":
            guard retries >= 0 else {
                throw .invalid("invalid restart policy: maximum retry count cannot be negative")
            }
            return .onFailure(maximumRetries: retries == 0 ? nil : Int(retries))
        default:
            throw .invalid(
                "invalid restart policy: unknown policy '\(name)'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
            )
        }
    }

    // MARK: Confinement

    private mutating func readConfinement() throws(DockerFailure) {
        template.privileged = try host["Privileged"].flag() ?? false
        template.capAdd = try host["CapAdd"].texts() ?? []
        template.capDrop = try host["CapDrop"].texts() ?? []
        template.securityOptions = try host["SecurityOpt"].texts() ?? []
        template.sysctls = try host["Sysctls"].textMap()
        template.readOnly = try host["ReadonlyRootfs"].flag() ?? false
        template.maskedPaths = try host["MaskedPaths"].texts()
        template.readonlyPaths = try host["ReadonlyPaths"].texts()
        for item in try host["Ulimits"].items() {
            guard let name = try item["Name"].text() else { throw .invalid("a ulimit needs a name") }
            let soft = try item["Soft"].integer() ?? 0
            template.ulimits[name] = Ulimit(soft: soft, hard: try item["Hard"].integer() ?? soft)
        }
        template.runtime = try host["Runtime"].text()
        if let runtime = template.runtime, !Self.runtimes.contains(runtime) {
            throw .invalid("unknown or invalid runtime name: \(runtime)")
        }
    }

    /// Every one of these names means berth's own runtime.
    private static let runtimes = ["berth", "runc", "crun", "io.containerd.runc.v2"]

    private mutating func readNamespaces() throws(DockerFailure) {
        template.pid = try host["PidMode"].text()
        if let pid = template.pid, pid != "host", !pid.hasPrefix("container:") {
            throw .invalid("invalid PID mode: \(pid)")
        }
        let ipc = try host["IpcMode"].text()
        if let ipc, ipc != "private" {
            guard ["host", "shareable", "none"].contains(ipc) || ipc.hasPrefix("container:") else {
                throw .invalid("invalid IPC mode: \(ipc)")
            }
            template.ipc = ipc
        }
        template.uts = try host["UTSMode"].text()
        if let uts = template.uts {
            guard uts == "host" else { throw .invalid("invalid UTS mode: \(uts)") }
            guard template.hostname == nil else { throw .invalid("conflicting options: hostname and the UTS mode") }
        }
        template.cgroup = try host["CgroupnsMode"].text()
        if let mode = template.cgroup, mode != "host", mode != "private" {
            throw .invalid("invalid cgroup namespace mode: \(mode)")
        }
        template.cgroupParent = try host["CgroupParent"].text()
        template.usernsMode = try host["UsernsMode"].text()
        if let mode = template.usernsMode, mode != "host" { throw .invalid("invalid user namespace mode: \(mode)") }
    }

    // MARK: Limits and devices

    private mutating func readLimits() throws(DockerFailure) {
        template.resources = try Self.resources(host)
        template.shmSize = try host["ShmSize"].amount()
        if let size = template.shmSize, size < 0 { throw .invalid("SHM size can not be less than 0") }
        if try !host["StorageOpt"].members().isEmpty {
            throw .invalid("--storage-opt is supported only for overlay over xfs with 'pquota' mount option")
        }
        template.isolation = try host["Isolation"].text()
        if let isolation = template.isolation, isolation.lowercased() != "default" {
            throw .invalid("invalid isolation: \"\(isolation)\" - linux only supports 'default'")
        }
    }

    /// Reads the limits for `create` and `update`.
    package static func resources(_ host: Body, changing old: Resources = Resources()) throws(DockerFailure)
        -> Resources
    {
        var resources = old
        if let nanoseconds = try host["NanoCpus"].amount() {
            guard nanoseconds > 0 else { throw .invalid("NanoCPUs can not be less than 0") }
            resources.cpus = Double(nanoseconds) / 1e9
        }
        resources.cpuShares = try host["CpuShares"].amount() ?? old.cpuShares
        resources.cpuQuota = try host["CpuQuota"].amount() ?? old.cpuQuota
        resources.cpuPeriod = try host["CpuPeriod"].amount() ?? old.cpuPeriod
        if resources.cpus != nil, resources.cpuQuota != nil || resources.cpuPeriod != nil {
            throw .invalid("Conflicting options: Nano CPUs and CPU Period cannot both be set")
        }
        resources.cpuset = try host["CpusetCpus"].text() ?? old.cpuset
        if let nodes = try host["CpusetMems"].text() {
            throw .unsupported("CpusetMems \(nodes): memory nodes cannot be chosen")
        }
        resources.cpuRealtimePeriod = try host["CpuRealtimePeriod"].amount() ?? old.cpuRealtimePeriod
        resources.cpuRealtimeRuntime = try host["CpuRealtimeRuntime"].amount() ?? old.cpuRealtimeRuntime
        if let memory = try host["Memory"].amount() {
            guard memory >= 6 << 20 else { throw .invalid("Minimum memory limit allowed is 6MB") }
            resources.memory = memory
        }
        resources.memoryReservation = try host["MemoryReservation"].amount() ?? old.memoryReservation
        if let memory = resources.memory, let reservation = resources.memoryReservation, reservation > memory {
            throw .invalid("Minimum memory limit can not be less than memory reservation limit, see usage")
        }
        resources.memorySwap = try host["MemorySwap"].amount() ?? old.memorySwap
        if let swap = resources.memorySwap, swap > 0 {
            guard let memory = resources.memory else {
                throw .invalid("You should always set the Memory limit when using Memoryswap limit, see usage")
            }
            guard swap >= memory else {
                throw .invalid("Minimum memoryswap limit should be larger than memory limit, see usage")
            }
        }
        if let swappiness = try host["MemorySwappiness"].integer(), swappiness != -1 {
            guard (0...100).contains(swappiness) else {
                throw .invalid("Invalid value: \(swappiness), valid memory swappiness range is 0-100")
            }
            resources.memorySwappiness = swappiness
        }
        if let pids = try host["PidsLimit"].amount() { resources.pids = pids < 0 ? nil : pids }
        if let score = try host["OomScoreAdj"].amount() {
            guard (-1000...1000).contains(score) else {
                throw .invalid("Invalid value \(score), range for oom score adj is [-1000, 1000]")
            }
            resources.oomScoreAdjust = Int(score)
        }
        if let isDisabled = try host["OomKillDisable"].flag(), isDisabled { resources.oomKillDisable = true }
        if let weight = try host["BlkioWeight"].amount() {
            guard (10...1000).contains(weight) else {
                throw .invalid("Range of blkio weight is from 10 to 1000")
            }
            resources.blkioWeight = Int(weight)
        }
        if let devices = try blockDevices(host) { resources.blkioDevices = devices }
        return resources
    }

    private static func blockDevices(_ host: Body) throws(DockerFailure) -> Resources.BlockDevices? {
        func limits(_ key: String, _ value: String) throws(DockerFailure) -> [Resources.BlockDevices.Limit] {
            try host[key].items().map { (item) throws(DockerFailure) in
                .init(path: try item["Path"].text() ?? "", value: try item[value].integer() ?? 0)
            }
        }
        var devices = Resources.BlockDevices()
        devices.weights = try limits("BlkioWeightDevice", "Weight")
        devices.readBytes = try limits("BlkioDeviceReadBps", "Rate")
        devices.writtenBytes = try limits("BlkioDeviceWriteBps", "Rate")
        devices.reads = try limits("BlkioDeviceReadIOps", "Rate")
        devices.writes = try limits("BlkioDeviceWriteIOps", "Rate")
        return devices == Resources.BlockDevices() ? nil : devices
    }

    private mutating func readDevices() throws(DockerFailure) {
        for item in try host["Devices"].items() {
            guard let source = try item["PathOnHost"].text() else { throw .invalid("a device needs PathOnHost") }
            let permissions = try item["CgroupPermissions"].text() ?? "rwm"
            template.devices.append(
                DeviceMapping(
                    source: source, target: try item["PathInContainer"].text() ?? source, permissions: permissions))
        }
        template.deviceCgroupRules = try host["DeviceCgroupRules"].texts() ?? []
        for request in try host["DeviceRequests"].items() {
            let driver = try request["Driver"].text() ?? ""
            if driver == "cdi" {
                throw .unsupported("DeviceRequests: CDI devices cannot be had here; name device files in Devices")
            }
            let capabilities = request["Capabilities"].value?.array ?? []
            let words = capabilities.map { "[\(($0.array ?? []).compactMap(\.string).joined(separator: " "))]" }
            throw DockerFailure(
                .internalServerError,
                "could not select device driver \"\(driver)\" with capabilities: [\(words.joined(separator: " "))]")
        }
    }

    // MARK: Storage and networks

    private mutating func readStorage() throws(DockerFailure) {
        let mounts = try MountReader(config: config, host: host)
        template.volumes = mounts.volumes
        template.volumesFrom = try (host["VolumesFrom"].texts() ?? []).map { "container:\($0)" }
        template.volumeDriver = try host["VolumeDriver"].text()
    }

    private mutating func readNetwork() throws(DockerFailure) {
        let reader = try NetworkReader(config: config, host: host, networking: networking)
        template.networkMode = reader.mode
        template.networks = reader.attachments
        template.ports = reader.ports
        template.expose = reader.exposed
        template.externalLinks = reader.links
        template.extraHosts = reader.extraHosts
        warnings += reader.warnings
        if try host["PublishAllPorts"].flag() == true { template.publishAllPorts = true }
        template.dns = try host["Dns"].texts() ?? []
        template.dnsSearch = try host["DnsSearch"].texts() ?? []
        template.dnsOptions = try host["DnsOptions"].texts() ?? []
    }
}
