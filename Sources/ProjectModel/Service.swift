/// One service of a project (`services.*`), everything in its long form.
///
/// An optional that is nil was not given: the image's or the engine's default holds.
package struct Service: Codable, Hashable, Sendable {
    package var name: String

    // What runs.
    package var image: String?
    /// The service has a `build` section; `image` then names what it makes.
    package var hasBuild: Bool = false
    package var platform: String?
    package var pullPolicy: PullPolicy?
    /// An empty list clears the image's.
    package var command: [String]?
    /// An empty list clears the image's, and the image's command with it.
    package var entrypoint: [String]?
    /// env_file and `environment` merged, values resolved; a variable without a value is left out.
    package var environment: [String: String] = [:]
    package var workingDir: String?
    package var user: String?
    package var groupAdd: [String] = []
    package var tty: Bool = false
    package var stdinOpen: Bool = false
    /// Run a small init as process 1 that reaps and forwards signals.
    package var useInit: Bool = false

    // Identity.
    package var containerName: String?
    package var hostname: String?
    package var domainname: String?
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]
    package var profiles: [String] = []

    // Life.
    /// How many replicas: `scale`, or `deploy.replicas`; 1 unless given.
    package var scale: Int = 1
    package var dependsOn: [Dependency] = []
    package var restart: RestartPolicy = .no
    package var healthcheck: Healthcheck?
    package var stopSignal: String?
    package var stopGracePeriod: Duration?
    package var attach: Bool = true
    package var logging: Logging?
    package var postStart: [Hook] = []
    package var preStop: [Hook] = []

    // Storage.
    package var volumes: [ServiceVolume] = []
    package var volumesFrom: [String] = []
    package var secrets: [FileMount] = []
    package var configs: [FileMount] = []
    package var readOnly: Bool = false
    /// Bytes of /dev/shm.
    package var shmSize: Int64?
    package var storageOptions: [String: String] = [:]

    // Network.
    package var networkMode: NetworkMode?
    /// Attached networks, in order; empty when `networkMode` is set.
    package var networks: [NetworkAttachment] = []
    package var ports: [PortMapping] = []
    /// `PORT/PROTOCOL`.
    package var expose: [String] = []
    package var links: [Link] = []
    package var externalLinks: [Link] = []
    package var dns: [String] = []
    package var dnsSearch: [String] = []
    package var dnsOptions: [String] = []
    package var extraHosts: [ExtraHost] = []
    package var macAddress: String?

    // Confinement.
    package var privileged: Bool = false
    package var capAdd: [String] = []
    package var capDrop: [String] = []
    package var securityOptions: [String] = []
    package var sysctls: [String: String] = [:]
    package var ulimits: [String: Ulimit] = [:]
    package var devices: [DeviceMapping] = []
    package var deviceCgroupRules: [String] = []
    /// `host`, `service:NAME`, `container:NAME`; likewise the next ones.
    package var pid: String?
    package var ipc: String?
    package var uts: String?
    package var cgroup: String?
    package var cgroupParent: String?
    package var usernsMode: String?
    package var runtime: String?

    // Limits.
    package var resources = Resources()

    /// Let a container run again that somebody else paused (`x-berth.heal`).
    package var heal: Bool = false
    /// What a shell runs gets the stop signal that the shell as first process does not handle; nil is yes
    /// (`x-berth.stop_programs_of_shell`).
    package var stopsProgramsOfShell: Bool?

    enum CodingKeys: String, CodingKey {
        case name, image, platform, command, entrypoint, environment, user, tty, hostname, domainname, labels
        case annotations, profiles, scale, restart, healthcheck, attach, logging, volumes, secrets, configs, networks
        case ports, expose, links, dns, privileged, sysctls, ulimits, devices, pid, ipc, uts, cgroup, runtime, resources
        case heal
        case stopsProgramsOfShell = "x-berth.stop_programs_of_shell"
        case hasBuild = "build"
        case pullPolicy = "pull_policy"
        case workingDir = "working_dir"
        case groupAdd = "group_add"
        case stdinOpen = "stdin_open"
        case useInit = "init"
        case containerName = "container_name"
        case dependsOn = "depends_on"
        case stopSignal = "stop_signal"
        case stopGracePeriod = "stop_grace_period"
        case postStart = "post_start"
        case preStop = "pre_stop"
        case volumesFrom = "volumes_from"
        case readOnly = "read_only"
        case shmSize = "shm_size"
        case storageOptions = "storage_opt"
        case networkMode = "network_mode"
        case externalLinks = "external_links"
        case dnsSearch = "dns_search"
        case dnsOptions = "dns_opt"
        case extraHosts = "extra_hosts"
        case macAddress = "mac_address"
        case capAdd = "cap_add"
        case capDrop = "cap_drop"
        case securityOptions = "security_opt"
        case deviceCgroupRules = "device_cgroup_rules"
        case cgroupParent = "cgroup_parent"
        case usernsMode = "userns_mode"
    }

    package init(name: String, image: String? = nil) {
        self.name = name
        self.image = image
    }
}

/// When an image is fetched from its registry.
package enum PullPolicy: Codable, Hashable, Sendable {
    case always, never, missing, build
    /// Again once the local copy is older than this.
    case every(Duration)
}

/// `depends_on.*`.
package struct Dependency: Codable, Hashable, Sendable {
    package var service: String
    package var condition: Condition
    /// Restart the dependent when this dependency is restarted or recreated by an explicit operation.
    package var restart: Bool
    /// A missing or failed optional dependency is a warning.
    package var required: Bool

    package enum Condition: String, Codable, Hashable, Sendable {
        case started = "service_started"
        case healthy = "service_healthy"
        case completed = "service_completed_successfully"
    }

    package init(service: String, condition: Condition = .started, restart: Bool = false, required: Bool = true) {
        self.service = service
        self.condition = condition
        self.restart = restart
        self.required = required
    }
}

/// What happens when a container's process ends by itself.
package enum RestartPolicy: Codable, Hashable, Sendable {
    case no, always, unlessStopped
    /// After a non-zero exit, at most `maximumRetries` times in a row; nil is without limit.
    case onFailure(maximumRetries: Int?)
}

/// `healthcheck`, times in force unless nil: then the image's, then 30 s, 30 s, 0 s, 5 s and 3 retries.
package struct Healthcheck: Codable, Hashable, Sendable {
    /// `["CMD", …]`, `["CMD-SHELL", line]` or `["NONE"]`; nil takes the image's.
    package var test: [String]?
    package var interval: Duration?
    package var timeout: Duration?
    package var startPeriod: Duration?
    package var startInterval: Duration?
    package var retries: Int?

    enum CodingKeys: String, CodingKey {
        case test, interval, timeout, retries
        case startPeriod = "start_period"
        case startInterval = "start_interval"
    }

    package init(test: [String]? = nil) { self.test = test }
}

package struct Logging: Codable, Hashable, Sendable {
    package var driver: String?
    package var options: [String: String]

    package init(driver: String? = nil, options: [String: String] = [:]) {
        self.driver = driver
        self.options = options
    }
}

/// A lifecycle hook: a command run in the container.
package struct Hook: Codable, Hashable, Sendable {
    package var command: [String]
    package var user: String?
    package var privileged: Bool = false
    package var workingDir: String?
    package var environment: [String: String] = [:]

    enum CodingKeys: String, CodingKey {
        case command, user, privileged, environment
        case workingDir = "working_dir"
    }

    package init(command: [String]) { self.command = command }
}

/// `ulimits.*`; -1 is without limit.
package struct Ulimit: Codable, Hashable, Sendable {
    package var soft: Int64
    package var hard: Int64

    package init(soft: Int64, hard: Int64) {
        self.soft = soft
        self.hard = hard
    }
}

package struct DeviceMapping: Codable, Hashable, Sendable {
    package var source: String
    package var target: String
    /// Any of `r`, `w`, `m`.
    package var permissions: String

    package init(source: String, target: String, permissions: String = "rwm") {
        self.source = source
        self.target = target
        self.permissions = permissions
    }
}

/// CPU, memory and process limits: from the service's own keys or `deploy.resources`.
package struct Resources: Codable, Hashable, Sendable {
    /// Cores; 1.5 is one and a half.
    package var cpus: Double?
    package var cpuShares: Int64?
    package var cpuQuota: Int64?
    package var cpuPeriod: Int64?
    package var cpuset: String?
    /// Bytes; likewise the next ones, -1 swap is without limit. `memorySwap` counts memory and swap together.
    package var memory: Int64?
    package var memoryReservation: Int64?
    package var memorySwap: Int64?
    package var memorySwappiness: Int64?
    package var pids: Int64?
    package var oomScoreAdjust: Int?
    package var oomKillDisable: Bool?
    package var blkioWeight: Int?
    /// Microseconds; cgroup v1 alone has them.
    package var cpuRealtimePeriod: Int64?
    package var cpuRealtimeRuntime: Int64?
    package var blkioDevices: BlockDevices?

    /// Limits on single block devices (`blkio_config`).
    package struct BlockDevices: Codable, Hashable, Sendable {
        package struct Limit: Codable, Hashable, Sendable {
            /// Of the host.
            package var path: String
            /// A share of 10 to 1000, bytes or operations a second.
            package var value: Int64

            package init(path: String, value: Int64) {
                self.path = path
                self.value = value
            }
        }

        package var weights: [Limit] = []
        package var readBytes: [Limit] = []
        package var writtenBytes: [Limit] = []
        package var reads: [Limit] = []
        package var writes: [Limit] = []

        enum CodingKeys: String, CodingKey {
            case weights = "weight_device"
            case readBytes = "device_read_bps"
            case writtenBytes = "device_write_bps"
            case reads = "device_read_iops"
            case writes = "device_write_iops"
        }

        package init() {}
    }

    enum CodingKeys: String, CodingKey {
        case cpus, cpuset
        case cpuShares = "cpu_shares"
        case cpuQuota = "cpu_quota"
        case cpuPeriod = "cpu_period"
        case memory = "mem_limit"
        case memoryReservation = "mem_reservation"
        case memorySwap = "memswap_limit"
        case memorySwappiness = "mem_swappiness"
        case pids = "pids_limit"
        case oomScoreAdjust = "oom_score_adj"
        case oomKillDisable = "oom_kill_disable"
        case blkioWeight = "blkio_weight"
        case cpuRealtimePeriod = "cpu_rt_period"
        case cpuRealtimeRuntime = "cpu_rt_runtime"
        case blkioDevices = "blkio_config"
    }

    package init() {}
}

extension Service {
    /// Its image has a name that a registry may know: not the one that Compose gives to what it builds.
    package func hasNamedImage(in project: String) -> Bool {
        !hasBuild || (image != nil && image != "\(project)-\(name)")
    }
}
