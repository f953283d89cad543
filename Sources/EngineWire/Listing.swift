/// One container in `ps`: `GET /v1/projects/NAME/containers`, `GET /v1/containers/ID`.
package struct ContainerRow: Codable, Hashable, Sendable {
    /// 64 hex digits.
    package var id: String
    package var name: String
    /// Empty for a container of no project; the same for `service`.
    package var project: String
    package var service: String
    /// nil unless it is a replica.
    package var number: Int?
    package var isOneOff: Bool
    /// As written in the file.
    package var image: String
    package var imageID: String
    package var command: [String]
    package var labels: [String: String]
    package var state: State
    /// Why it is not in the desired state: "exited by itself, restart: no".
    package var reason: String?
    package var health: Health?
    package var exitCode: Int?
    /// Seconds since 1970, UTC; the same for the next ones.
    package var createdAt: Double
    package var startedAt: Double?
    package var finishedAt: Double?
    package var processID: Int?
    package var networks: [Network]
    package var ports: [PublishedPort]
    /// `PORT/PROTOCOL` that the image or the file exposes without publishing it.
    package var exposed: [String]
    package var mounts: [Mount]
    package var isOrphan: Bool
    package var tty: Bool
    /// Its standard input stays open; nil from older engines.
    package var takesInput: Bool?
    /// Why its ports or its network do not work although it runs; nil from older engines.
    package var warnings: [EngineFailure]?

    package enum State: String, Codable, Hashable, Sendable {
        case created, running, paused, restarting, exited, removing, dead
    }

    package enum Health: String, Codable, Hashable, Sendable { case starting, healthy, unhealthy }

    package struct Network: Codable, Hashable, Sendable {
        package var name: String
        package var addresses: [String]
        package var macAddress: String?
        package init(name: String, addresses: [String], macAddress: String? = nil) {
            self.name = name
            self.addresses = addresses
            self.macAddress = macAddress
        }
    }

    package struct PublishedPort: Codable, Hashable, Sendable {
        package var hostIP: String
        package var hostPort: UInt16
        package var target: UInt16
        package var transport: String
        package init(hostIP: String, hostPort: UInt16, target: UInt16, transport: String) {
            self.hostIP = hostIP
            self.hostPort = hostPort
            self.target = target
            self.transport = transport
        }
    }

    package struct Mount: Codable, Hashable, Sendable {
        /// `volume`, `bind` or `tmpfs`.
        package var kind: String
        /// A volume's name or a host path.
        package var source: String
        package var target: String
        package var readOnly: Bool
        package init(kind: String, source: String, target: String, readOnly: Bool) {
            self.kind = kind
            self.source = source
            self.target = target
            self.readOnly = readOnly
        }
    }

    package init(
        id: String, name: String, project: String, service: String, number: Int?, isOneOff: Bool, image: String,
        imageID: String, command: [String], labels: [String: String] = [:], state: State, reason: String? = nil,
        health: Health? = nil, exitCode: Int? = nil, createdAt: Double, startedAt: Double? = nil,
        finishedAt: Double? = nil, processID: Int? = nil, networks: [Network] = [], ports: [PublishedPort] = [],
        exposed: [String] = [], mounts: [Mount] = [], isOrphan: Bool = false, tty: Bool = false
    ) {
        self.id = id
        self.name = name
        self.project = project
        self.service = service
        self.number = number
        self.isOneOff = isOneOff
        self.image = image
        self.imageID = imageID
        self.command = command
        self.labels = labels
        self.state = state
        self.reason = reason
        self.health = health
        self.exitCode = exitCode
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.processID = processID
        self.networks = networks
        self.ports = ports
        self.exposed = exposed
        self.mounts = mounts
        self.isOrphan = isOrphan
        self.tty = tty
    }
}

/// `GET /v1/projects`.
package struct ProjectRow: Codable, Hashable, Sendable {
    package var name: String
    /// Containers by state, without one-offs.
    package var states: [String: Int]
    package var configFiles: [String]

    package init(name: String, states: [String: Int], configFiles: [String]) {
        self.name = name
        self.states = states
        self.configFiles = configFiles
    }
}

/// `GET /v1/images`; one row for each tag, or one without a reference.
package struct ImageRow: Codable, Hashable, Sendable {
    /// `sha256:…`, the digest of the image's config.
    package var id: String
    /// The familiar form, `busybox:latest`; nil for an untagged image.
    package var reference: String?
    package var digest: String?
    /// The size of the unpacked layers in bytes.
    package var size: Int64
    package var platform: String
    /// Seconds since 1970: when the image was built, and when its tag was set here.
    package var createdAt: Double?
    package var taggedAt: Double?
    package var labels: [String: String]?

    package init(
        id: String, reference: String?, digest: String?, size: Int64, platform: String, createdAt: Double?,
        taggedAt: Double?
    ) {
        self.id = id
        self.reference = reference
        self.digest = digest
        self.size = size
        self.platform = platform
        self.createdAt = createdAt
        self.taggedAt = taggedAt
    }
}

/// `GET /v1/volumes`.
package struct VolumeRow: Codable, Hashable, Sendable {
    package var name: String
    package var driver: String
    package var mountpoint: String
    package var labels: [String: String]
    /// The project that created it, and the key in its file.
    package var project: String?
    package var key: String?
    package var createdAt: Double
    package var isAnonymous: Bool
    /// `driver_opts`; nil from older engines.
    package var options: [String: String]?
    /// Names of containers that mount it.
    package var users: [String]

    package init(
        name: String, driver: String, mountpoint: String, labels: [String: String], project: String?, key: String?,
        createdAt: Double, isAnonymous: Bool, users: [String]
    ) {
        self.name = name
        self.driver = driver
        self.mountpoint = mountpoint
        self.labels = labels
        self.project = project
        self.key = key
        self.createdAt = createdAt
        self.isAnonymous = isAnonymous
        self.users = users
    }
}

/// `GET /v1/networks`.
package struct NetworkRow: Codable, Hashable, Sendable {
    package var name: String
    /// 64 hex digits; nil from older engines.
    package var id: String?
    package var driver: String
    package var bridge: String
    package var subnets: [String]
    package var gateways: [String]
    package var isInternal: Bool
    package var labels: [String: String]
    package var project: String?
    package var key: String?
    package var createdAt: Double
    /// `driver_opts`; nil from older engines.
    package var options: [String: String]?
    /// Names of attached containers.
    package var users: [String]

    package init(
        name: String, driver: String, bridge: String, subnets: [String], gateways: [String], isInternal: Bool,
        labels: [String: String], project: String?, key: String?, createdAt: Double, users: [String]
    ) {
        self.name = name
        self.driver = driver
        self.bridge = bridge
        self.subnets = subnets
        self.gateways = gateways
        self.isInternal = isInternal
        self.labels = labels
        self.project = project
        self.key = key
        self.createdAt = createdAt
        self.users = users
    }
}

/// `GET /v1/containers/ID/top`: one process inside, as the host sees it.
package struct ProcessRow: Codable, Hashable, Sendable {
    package var user: String
    package var pid: Int
    package var parent: Int
    /// Percent of one core since its start.
    package var cpu: Int
    /// Seconds since 1970.
    package var startedAt: Double
    package var tty: String
    /// Seconds of CPU used.
    package var cpuTime: Double
    package var command: String

    package init(
        user: String, pid: Int, parent: Int, cpu: Int, startedAt: Double, tty: String, cpuTime: Double, command: String
    ) {
        self.user = user
        self.pid = pid
        self.parent = parent
        self.cpu = cpu
        self.startedAt = startedAt
        self.tty = tty
        self.cpuTime = cpuTime
        self.command = command
    }
}

/// `GET /v1/version`.
package struct EngineVersion: Codable, Hashable, Sendable {
    package var version: String
    /// The supported protocol versions.
    package var wire: ClosedRange<Int>
    package var kernel: String
    package var cgroup: String
    package var root: String
    package var run: String
    package var processID: Int
    /// The address for Docker's clients; nil means none.
    package var dockerSocket: String?
    /// More addresses for Docker's clients, in the form of `DOCKER_HOST`.
    package var dockerHosts: [String]?
    /// The address of the read-only socket.
    package var readOnlySocket: String?
    /// TCP clients must present a certificate.
    package var hasMutualTLS: Bool?

    package init(
        version: String, wire: ClosedRange<Int>, kernel: String, cgroup: String, root: String, run: String,
        processID: Int
    ) {
        self.version = version
        self.wire = wire
        self.kernel = kernel
        self.cgroup = cgroup
        self.root = root
        self.run = run
        self.processID = processID
    }
}
