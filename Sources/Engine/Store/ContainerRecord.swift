import EngineWire
import Glibc
import Monitor
import OCI
import ProjectModel
import Reconcile

/// What the engine knows of one container: stored before the container is made, gone after it was removed.
package struct ContainerRecord: Codable, Hashable, Sendable {
    /// 64 hex digits.
    package var id: String
    package var name: String
    package var project: String
    package var service: String
    /// nil for a one-off.
    package var number: Int?
    package var oneOff: OneOff?
    /// The service and the definitions it used, as they were when the container was made.
    package var spec: Service
    package var definitions: Definitions
    package var imageID: String
    /// The ids of the images of which something is mounted, by reference; nil for a container of an older engine.
    package var mountedImages: [String: String]?
    package var image: ImageConfig.Execution
    package var labels: [String: String]
    /// Nanoseconds since 1970.
    package var createdAt: Int64
    package var recreateRound: Int
    package var restartRound: Int
    package var startRound: Int
    /// Containers whose namespaces it joins, by kind (`network`, `pid`, `ipc`).
    package var joined: [String: String]
    package var endpoints: [Endpoint]
    package var ports: [Port]
    package var mounts: [Mount]
    /// The names of the machine or container whose network it uses; nil when it has names of its own.
    package var inheritedNames: HostNames?
    package var life: Life
    /// The container whose place it takes, while that one is there: until then nobody sees it.
    package var successorOf: String?

    package struct HostNames: Codable, Hashable, Sendable {
        package var hostname: String
        package var domainname: String?
    }

    package struct OneOff: Codable, Hashable, Sendable {
        /// Removed when it ends.
        package var autoRemove: Bool
        package var useAliases: Bool
    }

    package struct Definitions: Codable, Hashable, Sendable {
        package var workingDirectory = "/"
        package var configFiles: [String] = []
        package var environmentFiles: [String] = []
        package var networks: [String: NetworkDefinition] = [:]
        package var volumes: [String: VolumeDefinition] = [:]
        package var secrets: [String: FileObject] = [:]
        package var configs: [String: FileObject] = [:]
    }

    /// A place on a network, held from creation to removal.
    package struct Endpoint: Codable, Hashable, Sendable {
        /// Full name of the network.
        package var network: String
        package var key: String
        package var interface: String
        /// The host's end; named from the ids by the machine when empty.
        package var hostInterface: String
        package var bridge: String
        /// nil derives one from the first address.
        package var macAddress: String?
        /// CIDR: the address with the network's prefix length.
        package var addresses: [String]
        /// Further addresses that only the link itself knows (`link_local_ips`), with prefix length.
        package var linkLocalAddresses: [String]?
        package var aliases: [String]
        /// Default routes go through these; empty unless this endpoint carries them.
        package var gateways: [String]
        /// What the options of the network ask of its links: the bytes of the largest packet, and that containers do not reach each other.
        package var mtu: UInt32?
        package var isIsolated: Bool?
    }

    package struct Port: Codable, Hashable, Sendable {
        /// nil: every address.
        package var hostIP: String?
        /// The one that it has, or had when it ran last; 0 until a free one was chosen.
        package var hostPort: UInt16
        package var hostPortEnd: UInt16
        /// The ones that it may have; nil in records of earlier releases, which then know `hostPort...hostPortEnd`.
        package var choice: ClosedRange<UInt16>?
        /// Those of them that other services of the project want: taken last.
        package var avoided: [UInt16]?
        package var target: UInt16
        package var transport: String
    }

    package struct Mount: Codable, Hashable, Sendable {
        package enum Source: Codable, Hashable, Sendable {
            case volume(name: String, isAnonymous: Bool, noCopy: Bool, subpath: String?)
            /// `isWritableBelow`: of a read-only one, mounts below it stay writable.
            case bind(
                path: String, createHostPath: Bool, propagation: String?, isRecursive: Bool, isWritableBelow: Bool?)
            case tmpfs(size: Int64?, mode: UInt32?, options: String?)
            /// A folder or file of an image, read-only; nil is its whole root file system.
            case image(reference: String, subpath: String?)
        }
        package var source: Source
        package var target: String
        package var readOnly: Bool
    }

    /// Where it stands in its life.
    package struct Life: Codable, Hashable, Sendable {
        package enum Phase: String, Codable, Hashable, Sendable {
            /// Being made: what a crash leaves in this phase is taken away.
            case creating
            case created, running, paused, restarting, exited
            /// Being removed: a crash goes on with it.
            case removing
        }

        package var phase: Phase
        package var startedAt: Int64?
        package var finishedAt: Int64?
        package var exit: ExitStatus?
        /// Why it is as it is, for `ps`.
        package var reason: String?
        /// Somebody else than berth paused it.
        package var isPausedByOthers: Bool?
        /// berth asked for the end: stop, kill, recreation.
        package var stoppedByUs = false
        /// What made us kill it while it was being stopped.
        package var killCause: EndCause?
        /// The stop signal that the programs of its shell got in the shell's place.
        package var shellSignal: String?
        /// With the container go the anonymous volumes that nobody else uses.
        package var removesAnonymousVolumes: Bool?
        /// Ends in a row that were followed by a restart.
        package var backoff = RestartBackoff()
        /// Restarts by the policy since the last start that somebody asked for; nil: none.
        package var restarts: Restarts?
        package var process: ProcessIdentity?

        package struct Restarts: Codable, Hashable, Sendable {
            package var count = 0
            /// The end before the last of them; nil when the process could not even be started.
            package var lastEnd: ExitStatus?
        }

        package init(phase: Phase) { self.phase = phase }

        /// It ended with `status`, or could not be started, and is to be started again by its policy.
        mutating func willRestart(after status: ExitStatus?) {
            phase = .restarting
            backoff.restarted()
            restarts = Restarts(count: (restarts?.count ?? 0) + 1, lastEnd: status)
        }

        /// Somebody asked for a start: what was before does not count any more.
        mutating func forgetRestarts() {
            backoff.reset()
            restarts = nil
        }

        /// A new run begins; of the one before it nothing stays.
        mutating func started(at time: Int64, _ process: ProcessIdentity?) {
            phase = .running
            self.process = process
            startedAt = time
            finishedAt = nil
            exit = nil
            reason = nil
            stoppedByUs = false
            killCause = nil
            shellSignal = nil
            isPausedByOthers = nil
        }
    }

    /// Why it was killed, where that is known.
    package var endCause: EndCause? {
        if life.exit?.isOutOfMemory == true { return .outOfMemory(limit: spec.resources.memory) }
        return life.exit?.signal == SIGKILL ? life.killCause : nil
    }

    package var isOneOff: Bool { oneOff != nil }
    /// Its process is there, as far as anyone was told.
    package var isUp: Bool { life.phase == .running || life.phase == .paused }
    /// Its host ports are its own: it has them, or takes them again at the next attempt.
    package var holdsPorts: Bool { isUp || life.phase == .restarting }

    /// Published ports lead to the network that carries the default route; without one, to the first.
    package var publishingEndpoint: Endpoint? { endpoints.first { !$0.gateways.isEmpty } ?? endpoints.first }

    /// What its processes see as the machine's name.
    package var hostname: String { spec.hostname ?? inheritedNames?.hostname ?? String(id.prefix(12)) }
    package var domainname: String? { spec.domainname ?? inheritedNames?.domainname }

    /// The short name that logs show: `web-1`, or the container's own name.
    package var label: String {
        if spec.containerName != nil { return name }
        return number.map { "\(service)-\($0)" } ?? name
    }
}

/// A network on this machine.
package struct NetworkRecord: Codable, Hashable, Sendable {
    package var name: String
    /// 64 hex digits.
    package var id: String
    package var project: String?
    package var key: String?
    package var definition: NetworkDefinition
    package var bridge: String
    /// CIDRs and their gateways, in the same order: IPv4 first.
    package var subnets: [String]
    package var gateways: [String]
    package var createdAt: Int64
}

/// A named or anonymous volume on this machine.
package struct VolumeRecord: Codable, Hashable, Sendable {
    package var name: String
    package var project: String?
    package var key: String?
    package var definition: VolumeDefinition
    package var isAnonymous: Bool
    package var createdAt: Int64
    /// The image's content was copied into it, or it had content already.
    package var isPopulated: Bool
    /// The place in a project whose containers share an anonymous volume, one after the other.
    package var binding: Binding?

    /// Its content lies elsewhere and is mounted (`driver_opts.device`).
    var isMounted: Bool { definition.driverOptions["device"] != nil }

    package struct Binding: Codable, Hashable, Sendable {
        package var project: String
        package var service: String
        /// A replica's number, or a one-off's name.
        package var place: String
        package var target: String
    }
}

extension ContainerRecord.Port {
    /// A port that may become any from `first` to `last`.
    package init(hostIP: String?, first: UInt16, last: UInt16, target: UInt16, transport: String) {
        let last = max(first, last)
        self.init(
            hostIP: hostIP, hostPort: first == last ? first : 0, hostPortEnd: last, choice: first...last,
            target: target,
            transport: transport)
    }

    /// The numbers that it may have; from 0 to 0 any.
    package var numbers: ClosedRange<UInt16> { choice ?? hostPort...max(hostPort, hostPortEnd) }
    /// The number that it has or had, where that was a choice.
    package var preferred: UInt16? {
        guard hostPort != 0, numbers.count > 1 || numbers.lowerBound == 0 else { return nil }
        return hostPort
    }

    /// The same port with the number that it got.
    package func at(_ number: UInt16) -> Self {
        var port = self
        port.choice = numbers
        port.hostPort = number
        port.hostPortEnd = number
        return port
    }
}
