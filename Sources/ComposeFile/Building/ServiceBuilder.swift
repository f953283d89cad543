import Linux
import ProjectModel
import YAML

/// Builds one `Service` from its canonical node.
struct ServiceBuilder {
    let name: String
    let node: Node
    let projectName: String
    /// The enabled services.
    let enabled: Set<String>
    let profiles: SeccompFiles

    func service() -> Service {
        var service = Service(name: name, image: ImageReferences.own(node))
        fillExecution(&service)
        fillIdentity(&service)
        fillLife(&service)
        fillStorage(&service)
        fillNetwork(&service)
        fillConfinement(&service)
        service.resources = resources()
        service.watch = (node["develop"]?["watch"]?.sequence ?? []).compactMap(watchRule)
        return service
    }

    // MARK: Readers

    private func text(_ key: String) -> String? { node[key]?.string }
    private func flag(_ key: String) -> Bool { node[key]?.bool ?? false }
    private func texts(_ key: String) -> [String] { node[key]?.texts ?? [] }
    private func integer(_ key: String) -> Int64? { node[key]?.integer }

    /// As in docker compose, zero means no limit.
    private func limit(_ node: Node?) -> Int64? { node?.integer.flatMap { $0 == 0 ? nil : $0 } }

    func bytes(_ node: Node?) -> Int64? {
        guard let value = node?.string.flatMap({ Int64($0) }), value != 0 else { return nil }
        return value
    }

    private func duration(_ node: Node?) -> Duration? {
        node?.string.flatMap(GoDuration.parse).map { .nanoseconds($0) }
    }

    private func words(_ node: Node?) -> [String]? {
        guard let node, case .sequence = node.value else { return nil }
        return node.texts
    }

    // MARK: Parts

    private func fillExecution(_ service: inout Service) {
        service.build = build()
        if service.image == nil, service.hasBuild { service.image = "\(projectName)-\(name)" }
        service.platform = text("platform")
        service.pullPolicy = text("pull_policy").flatMap(PullPolicyText.parse)
        service.command = words(node["command"])
        service.entrypoint = words(node["entrypoint"])
        service.environment = variables(node["environment"])
        service.workingDir = text("working_dir")
        service.user = text("user")
        service.groupAdd = texts("group_add")
        service.tty = flag("tty")
        service.stdinOpen = flag("stdin_open")
        service.useInit = flag("init")
    }

    /// Variables that have a value.
    func variables(_ node: Node?) -> [String: String] {
        var result = [String: String](minimumCapacity: node?.mapping?.count ?? 0)
        for entry in node?.mapping?.entries ?? [] where !entry.value.isNull { result[entry.key] = entry.value.string }
        return result
    }

    private func fillIdentity(_ service: inout Service) {
        service.containerName = text("container_name").map { $0.droppingBytePrefix("/") ?? $0 }
        service.hostname = text("hostname")
        service.domainname = text("domainname")
        service.labels = node["labels"].texts
        service.annotations = node["annotations"].texts
        service.profiles = texts("profiles")
    }

    private func fillLife(_ service: inout Service) {
        let deploy = node["deploy"]
        service.scale = Int(clamping: integer("scale") ?? deploy?["replicas"]?.integer ?? 1)
        service.dependsOn = dependencies()
        service.restart = restartPolicy(deploy?["restart_policy"])
        service.healthcheck = node["healthcheck"].map(healthcheck)
        service.stopSignal = text("stop_signal")
        service.stopGracePeriod = duration(node["stop_grace_period"])
        service.attach = node["attach"]?.bool ?? true
        service.logging = node["logging"].map {
            Logging(driver: $0.string(at: "driver"), options: $0["options"].texts)
        }
        service.updateConfig = rules(deploy?["update_config"])
        service.rollbackConfig = rules(deploy?["rollback_config"])
        service.postStart = hooks("post_start")
        service.preStop = hooks("pre_stop")
    }

    private func dependencies() -> [Dependency] {
        let entries = (node["depends_on"]?.mapping?.entries ?? []).sorted { $0.key < $1.key }
        return entries.compactMap { entry in
            guard enabled.contains(entry.key) else { return nil }
            let condition = entry.value.string(at: "condition").flatMap(Dependency.Condition.init) ?? .started
            return Dependency(
                service: entry.key, condition: condition, restart: entry.value["restart"]?.bool ?? false,
                required: entry.value["required"]?.bool ?? true)
        }
    }

    private func rules(_ node: Node?) -> UpdateRules? {
        guard let node, node.mapping != nil else { return nil }
        var rules = UpdateRules()
        if let value = node["parallelism"]?.integer { rules.parallelism = Int(clamping: value) }
        if let value = duration(node["delay"]) { rules.delay = value }
        if let value = duration(node["monitor"]) { rules.monitor = value }
        if let value = node["max_failure_ratio"]?.number { rules.maxFailureRatio = value }
        if let value = node.string(at: "order").flatMap(UpdateRules.Order.init) { rules.order = value }
        if let value = node.string(at: "failure_action").flatMap(UpdateRules.FailureAction.init) {
            rules.failureAction = value
        }
        return rules
    }

    /// `deploy.restart_policy` overrides `restart`.
    private func restartPolicy(_ deployed: Node?) -> RestartPolicy {
        guard let deployed else { return text("restart").flatMap(RestartPolicyText.parse) ?? .no }
        switch deployed.string(at: "condition") {
        case "none", "no": return .no
        case "unless-stopped": return .unlessStopped
        case "on-failure":
            return .onFailure(maximumRetries: deployed["max_attempts"]?.integer.map { Int(clamping: $0) })
        default: return .always
        }
    }

    private func healthcheck(_ node: Node) -> Healthcheck {
        if node["disable"]?.bool == true { return Healthcheck(test: ["NONE"]) }
        var check = Healthcheck(test: words(node["test"]).flatMap { $0.isEmpty ? nil : $0 })
        check.interval = duration(node["interval"])
        check.timeout = duration(node["timeout"])
        check.startPeriod = duration(node["start_period"])
        check.startInterval = duration(node["start_interval"])
        check.retries = node["retries"]?.integer.map { Int(clamping: $0) }
        return check
    }

    private func hooks(_ key: String) -> [Hook] {
        (node[key]?.sequence ?? []).map(hook)
    }

    private func hook(_ node: Node) -> Hook {
        var hook = Hook(command: words(node["command"]) ?? [])
        hook.user = node.string(at: "user")
        hook.privileged = node["privileged"]?.bool ?? false
        hook.workingDir = node.string(at: "working_dir")
        hook.environment = variables(node["environment"])
        return hook
    }

    private func watchRule(_ node: Node) -> WatchRule? {
        guard let path = node.string(at: "path"), let action = node.string(at: "action").flatMap(WatchRule.Action.init)
        else { return nil }
        var rule = WatchRule(path: path, action: action, target: node.string(at: "target"))
        rule.exec = node["exec"].map(hook).flatMap { $0.command.isEmpty ? nil : $0 }
        rule.include = node["include"]?.string.map { [$0] } ?? node["include"]?.texts ?? []
        rule.ignore = node["ignore"]?.string.map { [$0] } ?? node["ignore"]?.texts ?? []
        rule.initialSync = node["initial_sync"]?.bool ?? false
        return rule
    }

    private func fillStorage(_ service: inout Service) {
        service.volumes = (node["volumes"]?.sequence ?? []).compactMap(volume) + texts("tmpfs").map(temporary)
        service.volumesFrom = texts("volumes_from")
        service.secrets = fileMounts(node["secrets"]) { "/run/secrets/\($0)" }
        service.configs = fileMounts(node["configs"]) { "/\($0)" }
        service.readOnly = flag("read_only")
        service.shmSize = bytes(node["shm_size"])
        service.storageOptions = node["storage_opt"].texts
    }

    private func volume(_ node: Node) -> ServiceVolume? {
        let source = node.string(at: "source") ?? ""
        let kind: ServiceVolume.Kind
        switch node.string(at: "type") {
        case "volume":
            kind = .volume(
                source: source.isEmpty ? nil : source, noCopy: node["volume"]?["nocopy"]?.bool ?? false,
                subpath: node["volume"]?.string(at: "subpath"))
        case "bind":
            let bind = node["bind"]
            kind = .bind(
                source: source, createHostPath: bind?["create_host_path"]?.bool ?? true,
                propagation: bind?.string(at: "propagation"), recursive: bind?.string(at: "recursive"),
                selinux: bind?.string(at: "selinux"))
        case "tmpfs":
            let mode = node["tmpfs"]?["mode"]?.integer.flatMap { UInt32(exactly: $0) }
            kind = .tmpfs(size: bytes(node["tmpfs"]?["size"]), mode: mode, options: nil)
        case "image": kind = .image(source: source, subpath: node["image"]?.string(at: "subpath"))
        default: return nil
        }
        return ServiceVolume(
            kind: kind, target: node.string(at: "target") ?? "/", readOnly: node["read_only"]?.bool ?? false)
    }

    /// `PATH[:options]`
    private func temporary(_ text: String) -> ServiceVolume {
        let path = text.prefix { $0 != ":" }
        let options = text[path.endIndex...].dropFirst()
        return ServiceVolume(
            kind: .tmpfs(size: nil, mode: nil, options: options.isEmpty ? nil : String(options)),
            target: FilePath.clean(String(path)))
    }

    func fileMounts(_ node: Node?, _ defaultTarget: (String) -> String) -> [FileMount] {
        (node?.sequence ?? []).map { item in
            let source = item.string(at: "source") ?? ""
            let target = item.string(at: "target") ?? defaultTarget(source)
            return FileMount(
                source: source, target: target.isAbsolutePath ? target : defaultTarget(target),
                uid: item.string(at: "uid"), gid: item.string(at: "gid"),
                mode: item.string(at: "mode").flatMap { UInt32($0, radix: 8) })
        }
    }

    private func fillConfinement(_ service: inout Service) {
        service.privileged = flag("privileged")
        service.capAdd = texts("cap_add")
        service.capDrop = texts("cap_drop")
        service.securityOptions = (node["security_opt"]?.sequence ?? []).compactMap(profiles.resolved)
        service.sysctls = node["sysctls"].texts
        service.ulimits = Self.ulimits(node["ulimits"])
        service.devices = (node["devices"]?.sequence ?? []).map { device in
            let source = device.string(at: "source") ?? ""
            return DeviceMapping(
                source: source, target: device.string(at: "target") ?? source,
                permissions: device.string(at: "permissions") ?? "rwm")
        }
        service.deviceCgroupRules = texts("device_cgroup_rules")
        service.pid = text("pid")
        service.ipc = text("ipc")
        service.uts = text("uts")
        service.cgroup = text("cgroup")
        service.cgroupParent = text("cgroup_parent")
        service.usernsMode = text("userns_mode")
        service.runtime = text("runtime")
        service.heal = node["x-berth"]?["heal"]?.bool ?? false
        service.stopsProgramsOfShell = node["x-berth"]?["stop_programs_of_shell"]?.bool
    }

    static func ulimits(_ node: Node?) -> [String: Ulimit] {
        var limits: [String: Ulimit] = [:]
        for entry in node?.mapping?.entries ?? [] {
            let single = entry.value.integer
            limits[entry.key] = Ulimit(
                soft: single ?? entry.value["soft"]?.integer ?? -1, hard: single ?? entry.value["hard"]?.integer ?? -1)
        }
        return limits
    }

    private func resources() -> Resources {
        let limits = node["deploy"]?["resources"]?["limits"]
        var resources = Resources()
        resources.cpus = (node["cpus"] ?? limits?["cpus"])?.number.flatMap { $0 == 0 ? nil : $0 }
        resources.cpuShares = limit(node["cpu_shares"])
        resources.cpuQuota = limit(node["cpu_quota"])
        resources.cpuPeriod = limit(node["cpu_period"])
        resources.cpuset = text("cpuset")
        resources.memory = bytes(node["mem_limit"] ?? limits?["memory"])
        resources.memoryReservation = bytes(
            node["mem_reservation"] ?? node["deploy"]?["resources"]?["reservations"]?["memory"])
        resources.memorySwap = bytes(node["memswap_limit"])
        resources.memorySwappiness = node.string(at: "mem_swappiness").flatMap { Int64($0) }
        resources.pids = limit(node["pids_limit"] ?? limits?["pids"])
        resources.oomScoreAdjust = integer("oom_score_adj").map { Int(clamping: $0) }
        resources.oomKillDisable = node["oom_kill_disable"]?.bool
        resources.blkioWeight = limit(node["blkio_config"]?["weight"]).map { Int(clamping: $0) }
        resources.cpuRealtimePeriod = limit(node["cpu_rt_period"])
        resources.cpuRealtimeRuntime = limit(node["cpu_rt_runtime"])
        resources.blkioDevices = node["blkio_config"].flatMap(blockDevices)
        return resources
    }

    private func blockDevices(_ node: Node) -> Resources.BlockDevices? {
        func limits(_ key: String, _ value: String) -> [Resources.BlockDevices.Limit] {
            (node[key]?.sequence ?? []).compactMap { limit in
                let number = limit[value].flatMap { $0.integer ?? $0.string.flatMap { Int64($0) } }
                guard let path = limit.string(at: "path"), let number else { return nil }
                return Resources.BlockDevices.Limit(path: path, value: number)
            }
        }
        var devices = Resources.BlockDevices()
        devices.weights = limits("weight_device", "weight")
        devices.readBytes = limits("device_read_bps", "rate")
        devices.writtenBytes = limits("device_write_bps", "rate")
        devices.reads = limits("device_read_iops", "rate")
        devices.writes = limits("device_write_iops", "rate")
        return devices == Resources.BlockDevices() ? nil : devices
    }
}
