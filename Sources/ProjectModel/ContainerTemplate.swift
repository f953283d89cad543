/// Everything that shapes a container: a replica of a service, a one-off, or a container of no project.
///
/// Equal templates create equal containers from one image. Everything is in its long form. A nil optional was not
/// given, so the image's or the engine's default applies. Keys of the JSON form are Compose's attribute names where
/// Compose has one.
package struct ContainerTemplate: Codable, Hashable, Sendable {
    // What to run.
    package var image: String?
    package var platform: String?
    /// An empty list removes the image's.
    package var command: [String]?
    /// An empty list removes the image's, and the image's command too.
    package var entrypoint: [String]?
    /// Merged from env_file and `environment`, with resolved values; without variables that have no value.
    package var environment: [String: String] = [:]
    /// Variables that the container does not get, even if the image has them. nil is none.
    package var environmentRemoved: [String]?
    package var workingDir: String?
    package var user: String?
    package var groupAdd: [String] = []
    package var tty: Bool = false
    package var stdinOpen: Bool = false
    /// Its standard input ends when the first client that wrote to it leaves. nil is false.
    package var stdinOnce: Bool?
    /// Rows and columns of its terminal, until a client sets others.
    package var consoleSize: ConsoleSize?
    /// Run a small init as process 1, which reaps processes and forwards signals.
    package var useInit: Bool = false

    // Identity.
    package var containerName: String?
    package var hostname: String?
    package var domainname: String?
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]

    // Supervision.
    package var restart: RestartPolicy = .no
    package var healthcheck: Healthcheck?
    package var stopSignal: String?
    package var stopGracePeriod: Duration?
    package var logging: Logging?
    /// Remove it and its anonymous volumes once it has ended. nil is false.
    package var autoRemove: Bool?
    package var postStart: [Hook] = []
    package var preStop: [Hook] = []

    // Storage.
    package var volumes: [ServiceVolume] = []
    package var volumesFrom: [String] = []
    /// The driver of volumes that are created for it by name, or anonymously.
    package var volumeDriver: String?
    package var secrets: [FileMount] = []
    package var configs: [FileMount] = []
    package var readOnly: Bool = false
    /// The size of /dev/shm in bytes.
    package var shmSize: Int64?
    package var storageOptions: [String: String] = [:]

    // Network.
    package var networkMode: NetworkMode?
    /// Its networks, in order; empty when `networkMode` is set.
    package var networks: [NetworkAttachment] = []
    package var ports: [PortMapping] = []
    /// `PORT/PROTOCOL`.
    package var expose: [String] = []
    /// Every exposed port that is not in `ports` gets a free host port. nil is false.
    package var publishAllPorts: Bool?
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
    /// `host`, `service:NAME`, `container:NAME`; the same for the next ones.
    package var pid: String?
    package var ipc: String?
    package var uts: String?
    package var cgroup: String?
    package var cgroupParent: String?
    package var usernsMode: String?
    package var runtime: String?
    /// As a client gave it; Linux knows only `default`.
    package var isolation: String?
    /// Masked and read-only paths; nil means the defaults of every container.
    package var maskedPaths: [String]?
    package var readonlyPaths: [String]?

    // Limits.
    package var resources = Resources()

    /// When the first process is a shell that does not handle the stop signal, send the signal to its programs; nil
    /// means yes (`x-berth.stop_programs_of_shell`).
    package var stopsProgramsOfShell: Bool?

    /// The keys of its JSON form.
    package static var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case image, platform, command, entrypoint, environment, user, tty, hostname, domainname, labels
        case annotations, restart, healthcheck, logging, volumes, secrets, configs, networks
        case ports, expose, links, dns, privileged, sysctls, ulimits, devices, pid, ipc, uts, cgroup, runtime, resources
        case isolation
        case environmentRemoved = "environment_removed"
        case stopsProgramsOfShell = "x-berth.stop_programs_of_shell"
        case workingDir = "working_dir"
        case groupAdd = "group_add"
        case stdinOpen = "stdin_open"
        case stdinOnce = "stdin_once"
        case consoleSize = "console_size"
        case autoRemove = "auto_remove"
        case publishAllPorts = "publish_all_ports"
        case maskedPaths = "masked_paths"
        case readonlyPaths = "readonly_paths"
        case volumeDriver = "volume_driver"
        case useInit = "init"
        case containerName = "container_name"
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

    package struct ConsoleSize: Codable, Hashable, Sendable {
        package var rows: UInt16
        package var columns: UInt16

        package init(rows: UInt16, columns: UInt16) {
            self.rows = rows
            self.columns = columns
        }
    }

    package init(image: String? = nil) { self.image = image }

    /// Links to containers outside of the project, from the container and from its networks.
    package var everyExternalLink: [Link] { externalLinks + networks.flatMap { $0.links ?? [] } }
}
