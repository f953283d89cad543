import EngineWire
import Linux
import Monitor
import OCI
import ProjectModel
import Reconcile

/// Everything the engine does to the world goes through here: one implementation acts on the kernel, one simulates it.
///
/// Calls are idempotent: what is there already is left, what is gone already is no error.
package protocol Machine: Sendable {
    // Time and chance.

    /// Nanoseconds since 1970.
    func now() -> Int64
    /// - Throws: `CancellationError` when the task is cancelled.
    func sleep(_ duration: Duration) async throws
    /// 64 random hex digits.
    func newID() -> String
    /// Names of a network's bridge and of the host's end of a container's link, from their ids: at most 15 bytes.
    func bridgeName(ofNetwork id: String) -> String
    func linkName(ofContainer container: String, network: String) -> String
    /// The host's own name.
    var hostName: String { get }

    // Images.

    /// What `reference` names here; nil when nothing does.
    func image(_ reference: String) async throws -> MachineImage?
    /// Whether the image knows the user and the groups, given as `user` and `group_add` are.
    /// - Throws: `EngineFailure` for one that it does not, or when it cannot be read.
    func check(user: String, groups: [String], in image: MachineImage) async throws
    func pull(
        _ reference: String, platform: String?, logins: RegistryLogins,
        progress: @escaping @Sendable (PullStep) -> Void
    ) async throws -> MachineImage

    /// Takes the name `reference` from its image, and the image away with its last name.
    ///
    /// `inUse` are the ids of images that must stay.
    func removeImage(_ reference: String, inUse: Set<String>) async throws -> ImageRemoval

    // What the kernel can do.

    func limits() async -> PreflightFacts.HostLimits
    func features(for wishes: KernelWishes) async -> PreflightFacts.HostFeatures

    // Networks: the whole wanted state each time; what is new is made, what is left over goes.

    /// An interface of the host has this name.
    func hasInterface(_ name: String) async throws -> Bool
    /// - Throws: `EngineFailure` for one that cannot be made.
    func createNetwork(_ network: NetworkRecord) async throws
    func removeNetwork(_ network: NetworkRecord) async throws
    /// Links running containers to a bridge that was made again.
    func reattach(_ containers: [ContainerRecord], to network: NetworkRecord) async throws
    /// Rules, published ports and names as they should be from now on. What cannot be made of one container is left out and told;
    /// all the rest is in force.
    func apply(_ state: NetworkState) async throws -> NetworkFaults
    /// What is in the way of all containers' packets and is not the engine's to change: others' firewalls.
    func obstacles() async -> [EngineFailure]
    /// Holds host ports for a container, in place of those that it held; answers with the ports, each with the number it got.
    /// - Throws: `EngineFailure` with the code `port_taken` that names the owner.
    func reserve(_ ports: [ContainerRecord.Port], for container: String) async throws -> [ContainerRecord.Port]
    /// Finds out whether another program leaves `count` of the numbers that `port` may take.
    /// - Throws: `EngineFailure` with the code `port_taken` that names the program, when it does not.
    func probe(_ port: ContainerRecord.Port, count: Int) async throws
    func releasePorts(of container: String) async
    /// What the kernel lacks of each network, by name; absent when it is whole.
    func damage(of networks: [NetworkRecord]) async throws -> [String: String]
    /// Subnets that the host routes itself: not to be given to a network.
    func hostSubnets() async throws -> [String]

    // Volumes.

    func createVolume(_ volume: VolumeRecord) async throws
    func removeVolume(_ volume: VolumeRecord) async throws

    // Containers.

    /// Writable layer, network namespace and endpoints; the folder of the container.
    func createContainer(_ container: ContainerRecord, _ image: MachineImage) async throws
    func removeContainer(_ container: ContainerRecord) async throws
    /// Starts the monitor, which makes the process up to its gate.
    /// - Throws: `EngineFailure` when the process could not be made.
    func spawn(_ container: ContainerRecord, _ image: MachineImage, _ surroundings: Surroundings) async throws
    /// The process behind the gate, or running.
    func process(of id: String) async -> ProcessIdentity?
    /// Opens the gate; returns once exec worked.
    /// - Throws: `EngineFailure` when it did not.
    func release(_ id: String) async throws
    /// Kills what waits at the gate.
    func abandon(_ id: String) async
    func signal(_ id: String, number: Int32, all: Bool) async throws
    /// Kills the process of a container whose monitor is gone: nobody reads its output or learns how it ends.
    func endUnwatched(_ container: ContainerRecord) async
    func pause(_ id: String) async throws
    func resume(_ id: String) async throws
    /// Whom `signal` is for in place of the container's first process: the programs of a shell that does not handle it. nil for any
    /// other first process, and for a shell without programs.
    func shellStop(_ signal: Int32, _ container: ContainerRecord) async -> ShellStop?
    /// Takes `stop` a step on, `elapsed` after its first; true once none of its programs is left.
    func goOn(_ stop: ShellStop, after elapsed: Duration) async -> (ShellStop, isDone: Bool)
    /// The init neither catches nor blocks `signal`, so the kernel drops it.
    func ignores(_ signal: Int32, _ container: ContainerRecord) async -> Bool
    /// Runs a command in the container to its end: health probes and hooks.
    func probe(_ command: ProbeCommand, in container: ContainerRecord) async throws -> ProbeResult

    /// What helpers of a former engine hold for these containers and networks is held on; all the rest is let go of.
    func takeOver(_ containers: [ContainerRecord], _ networks: [NetworkRecord]) async throws
    /// Reconnects with the monitors of a former engine.
    func adopt(_ containers: [ContainerRecord]) async -> [String: Adoption]
    /// What happens by itself; one reader.
    var events: AsyncStream<MachineEvent> { get }
}

/// What became of an image that was to go.
package enum ImageRemoval: Hashable, Sendable {
    case removed
    /// It stays: something still needs it.
    case inUse
    case missing
}

/// An image as the engine needs it to make containers.
package struct MachineImage: Hashable, Sendable {
    package var id: String
    package var config: ImageConfig.Execution
    /// `linux/amd64`; nil when nothing tells.
    package var platform: String?
    /// When it was pulled or loaded under its name, seconds since 1970.
    package var updated: Int64?

    package init(id: String, config: ImageConfig.Execution, platform: String? = nil, updated: Int64? = nil) {
        self.id = id
        self.config = config
        self.platform = platform
        self.updated = updated
    }
}

package enum PullStep: Hashable, Sendable {
    case transfer(done: Int64, total: Int64?)
}

/// What a container finds around it at its start.
package struct Surroundings: Hashable, Sendable {
    /// A line of /etc/hosts.
    package struct Host: Hashable, Sendable {
        package var address: String
        package var names: [String]

        package init(_ address: String, _ names: [String]) {
            self.address = address
            self.names = names
        }
    }

    /// Beyond localhost.
    package var hosts: [Host]
    package var joinedNamespaces: [String: ContainerRecord]

    package init(hosts: [Host] = [], joinedNamespaces: [String: ContainerRecord] = [:]) {
        self.hosts = hosts
        self.joinedNamespaces = joinedNamespaces
    }
}

package struct ProbeCommand: Hashable, Sendable {
    package var arguments: [String]
    package var user: String?
    package var workingDirectory: String?
    package var environment: [String: String]
    package var timeout: Duration?
    package var privileged: Bool
    /// It has a terminal, so TERM is set.
    package var terminal: Bool

    package init(arguments: [String], timeout: Duration?) {
        self.arguments = arguments
        self.timeout = timeout
        user = nil
        workingDirectory = nil
        environment = [:]
        privileged = false
        terminal = false
    }
}

package struct ProbeResult: Hashable, Sendable {
    package var code: Int
    package var isTimeout: Bool
    /// The end of what it wrote, at most 4 KiB.
    package var output: String

    package init(code: Int, isTimeout: Bool, output: String) {
        self.code = code
        self.isTimeout = isTimeout
        self.output = output
    }
}

/// What became of a container while no engine looked after it.
package enum Adoption: Hashable, Sendable {
    /// Its monitor is alive.
    case alive(MonitorState)
    /// Its monitor is there and does not answer: `MachineEvent.answered` comes when it does.
    case silent
    case ended(ExitStatus)
    /// Monitor and exit status are gone: killed, or the machine was restarted.
    case lost(reason: String)
}

package enum MachineEvent: Sendable {
    case exited(id: String, ExitStatus)
    /// The monitor went away without saying how its process ended.
    case monitorLost(id: String)
    case paused(id: String)
    case resumed(id: String)
    /// A monitor that was silent when its container was adopted says how it is.
    case answered(id: String, MonitorState)
    /// A link, an address or a rule of ours was changed by somebody.
    case networkChanged
    case nameServiceLost

    /// The container that is said to have ended.
    var endedContainer: String? {
        switch self {
        case .exited(let id, _), .monitorLost(let id): id
        case .paused, .resumed, .answered, .networkChanged, .nameServiceLost: nil
        }
    }

    /// The container that it is about; nil when it is about networks.
    var container: String? {
        switch self {
        case .exited(let id, _), .monitorLost(let id), .paused(let id), .resumed(let id), .answered(let id, _): id
        case .networkChanged, .nameServiceLost: nil
        }
    }
}

/// What of a wanted state is not in force.
package struct NetworkFaults: Hashable, Sendable {
    /// By container: what of its ports or names could not be made.
    package var containers: [String: EngineFailure] = [:]

    package init() {}
}

/// The wanted state of all networks of an engine.
package struct NetworkState: Hashable, Sendable {
    /// The names that containers of one network have for each other.
    package struct Directory: Hashable, Sendable {
        package var network: String
        /// Lower-case name to addresses, and addresses to the name that they lead back to.
        package var names: [String: [String]] = [:]
        package var reverse: [String: String] = [:]
    }

    package struct Zone: Hashable, Sendable {
        /// The container whose namespace asks.
        package var container: String
        package var namespace: String
        /// The networks that it is on, whose directories it sees.
        package var directories: [String]
        /// Lower-case name to addresses: what its links add.
        package var names: [String: [String]]
        /// The subnets of its networks.
        package var networks: [String]
        package var upstreams: [String]
        package var search: [String]
        package var options: [String]
        /// Names of other networks may be asked of the upstreams.
        package var isInternal: Bool
    }

    package struct Published: Hashable, Sendable {
        package var port: ContainerRecord.Port
        /// Without prefix length; IPv4 and, when there is one, IPv6.
        package var addresses: [String]
        package var container: String
    }

    package var networks: [NetworkRecord] = []
    package var published: [Published] = []
    package var directories: [Directory] = []
    package var zones: [Zone] = []

    package init() {}
}
