import EngineWire
import Glibc
import Linux
import Monitor
import Networking
import OCI
import ProjectModel
import Reconcile

/// What the engine knows about one container. The record is stored before the container is created and deleted after it
/// is removed.
package struct ContainerRecord: Codable, Hashable, Sendable {
    /// 64 hex digits.
    package var id: String
    package var name: String
    package var owner: Owner
    /// The template and the definitions that the container was created from.
    package var template: ContainerTemplate
    package var definitions: Definitions
    package var imageID: String
    /// Ids of the images mounted into the container, by reference; nil for a container that an older engine created.
    package var mountedImages: [String: String]?
    package var image: ImageConfig.Execution
    package var labels: [String: String]
    /// Nanoseconds since 1970.
    package var createdAt: Int64
    package var recreateRound: Int
    package var restartRound: Int
    package var startRound: Int
    /// Containers whose namespaces this one joins, by kind (`network`, `pid`, `ipc`).
    package var joined: [String: String]
    package var endpoints: [Endpoint]
    package var ports: [Port]
    package var mounts: [Mount]
    /// The host names of the machine or container whose network this one uses; nil when it has its own.
    package var inheritedNames: HostNames?
    package var life: Life
    /// The container that this one will replace. While both exist, this one is hidden.
    package var successorOf: String?
    /// The container that replaced this one and took over its name, addresses and ports, but may still hand them back.
    /// Meanwhile this one is hidden.
    package var replacedBy: String?
    /// Others cannot reach it by its names and published ports: it is not admitted yet, or is about to be removed.
    package var isAside: Bool?
    /// It runs at the same time as the container that it replaces, so it has addresses of its own.
    package var runsBeside: Bool?
    /// The desired state of a container that no service describes: a one-off, or a container of no project.
    package var wish: ContainerWish?

    package struct HostNames: Codable, Hashable, Sendable {
        package var hostname: String
        package var domainname: String?
    }

    /// A container on a network; it keeps its addresses from creation to removal.
    package struct Endpoint: Codable, Hashable, Sendable {
        /// The full name of the network.
        package var network: String
        package var key: String
        package var interface: String
        /// The interface at the host's end; when empty, the machine derives a name from the ids.
        package var hostInterface: String
        /// How the network exists on this machine; nil in records of earlier releases, whose networks are all bridges.
        package var realisation: Realisation?
        /// The bridge, in records of earlier releases.
        package var bridge: String?
        /// nil: derived from the first address.
        package var macAddress: MACAddress?
        /// Each with the network's prefix length.
        package var addresses: [CIDR]
        /// More addresses that exist only on this link (`link_local_ips`), with prefix length.
        package var linkLocalAddresses: [CIDR]?
        package var aliases: [String]
        /// The gateways of the default routes; empty unless this endpoint carries them.
        package var gateways: [IPAddress]
        /// Options of the network for its links: the MTU in bytes, and whether containers are isolated from each other.
        package var mtu: UInt32?
        package var isIsolated: Bool?
        /// Settings of the interface, in the order to apply them; nil means none.
        package var settings: [InterfaceSetting]?

        /// The Ethernet address in use.
        package var hardwareAddress: MACAddress? { macAddress ?? addresses.first.map { MACAddress(for: $0.address) } }

        /// How the network exists on this machine.
        package var link: Realisation { realisation ?? .bridge(bridge ?? "") }
    }

    package struct Port: Codable, Hashable, Sendable {
        /// nil means every address.
        package var hostIP: String?
        /// The port in use, or the one of the last run; 0 until the engine chose a free one.
        package var hostPort: UInt16
        package var hostPortEnd: UInt16
        /// The ports to choose from; nil in records of earlier releases, which then mean `hostPort...hostPortEnd`.
        package var choice: ClosedRange<UInt16>?
        /// Ports in this range that other services of the project want; the engine takes them last.
        package var avoided: [UInt16]?
        package var target: UInt16
        package var transport: String
    }

    package struct Mount: Codable, Hashable, Sendable {
        package enum Source: Codable, Hashable, Sendable {
            case volume(name: String, isAnonymous: Bool, noCopy: Bool, subpath: String?)
            /// `isWritableBelow`: mounts below a read-only bind stay writable.
            case bind(
                path: String, createHostPath: Bool, propagation: String?, isRecursive: Bool, isWritableBelow: Bool?)
            case tmpfs(size: Int64?, mode: UInt32?, options: String?)
            /// A folder or file of an image, read-only; nil means the whole root file system.
            case image(reference: String, subpath: String?)
        }
        package var source: Source
        package var target: String
        package var readOnly: Bool
    }

    /// The state of a container, and how it got there.
    package struct Life: Codable, Hashable, Sendable {
        package enum Phase: String, Codable, Hashable, Sendable {
            /// The container is being created. After a crash in this phase the engine removes it.
            case creating
            case created, running, paused, restarting, exited
            /// The container is being removed. After a crash the engine continues the removal.
            case removing
        }

        package var phase: Phase
        package var startedAt: Int64?
        package var finishedAt: Int64?
        package var exit: ExitStatus?
        /// Why the container is in this phase.
        package var reason: StateReason?
        /// A program other than berth paused it.
        package var isPausedByOthers: Bool?
        /// berth ended it: stop, kill or replacement.
        package var stoppedByUs = false
        /// The signal that a person sent; if it ends the container, the container stays down.
        package var signal: PersonsSignal?
        /// The signal that a call chose for stopping this run; nil means the container's stop signal.
        package var chosenStopSignal: String?
        /// Why berth killed it during its stop.
        package var killCause: EndCause?
        /// The stop signal that berth sent to the children of its shell instead of the shell.
        package var shellSignal: String?
        /// Remove its anonymous volumes with it, if no other container uses them.
        package var removesAnonymousVolumes: Bool?
        /// Counts the consecutive ends after which it was restarted.
        package var backoff = RestartBackoff()
        /// Restarts by the restart policy since the last requested start; nil means none.
        package var restarts: Restarts?
        package var process: ProcessIdentity?

        package struct Restarts: Codable, Hashable, Sendable {
            package var count = 0
            /// The exit status before the last restart; nil when the process could not be started at all.
            package var lastEnd: ExitStatus?
        }

        package init(phase: Phase) { self.phase = phase }

        /// The container ended with `status`, or failed to start (nil), and its policy will restart it.
        mutating func willRestart(after status: ExitStatus?) {
            phase = .restarting
            backoff.restarted()
            restarts = Restarts(count: (restarts?.count ?? 0) + 1, lastEnd: status)
        }

        /// The signal with which a person stopped the container, if it ended at `time` because of it.
        package func signal(at time: Int64) -> Int32? { signal.flatMap { $0.holds(at: time) ? $0.number : nil } }

        /// Call this when somebody requests a start: earlier restarts no longer count.
        mutating func forgetRestarts() {
            backoff.reset()
            restarts = nil
        }

        /// A new run begins: resets everything that belongs to the previous run.
        mutating func started(at time: Int64, _ process: ProcessIdentity?) {
            phase = .running
            self.process = process
            startedAt = time
            finishedAt = nil
            exit = nil
            reason = nil
            stoppedByUs = false
            signal = nil
            chosenStopSignal = nil
            killCause = nil
            shellSignal = nil
            isPausedByOthers = nil
        }
    }

    /// Why it was killed, if known.
    package var endCause: EndCause? {
        if life.exit?.isOutOfMemory == true { return .outOfMemory(limit: template.resources.memory) }
        return life.exit?.signal == SIGKILL ? life.killCause : nil
    }

    /// The reason for its state, as `ps` shows it.
    package var reasonText: String? {
        guard let reason = life.reason else { return nil }
        guard life.phase == .exited else { return "\(reason)" }
        if life.exit?.isOutOfMemory == true { return "out of memory; \(reason)" }
        let shell = life.shellSignal.map { "; its programs got \($0), because its shell does not handle it" }
        return "\(reason)" + (shell ?? "")
    }

    package var project: String? { owner.project }
    package var service: String? { owner.service }
    package var number: Int? { owner.number }
    package var isOneOff: Bool { owner.isOneOff }
    /// The engine removes it once it has ended.
    package var isTransient: Bool { template.autoRemove == true }
    /// A call asked for a restart, and the container has not started since.
    var awaitsRestart: Bool { (wish?.restartRound ?? 0) > restartRound }

    /// As far as the engine knows, its process runs.
    package var isUp: Bool { life.phase == .running || life.phase == .paused }
    /// It owns its host ports: it uses them, will use them again at the next restart, or keeps them for its successor.
    package var holdsPorts: Bool {
        // A container that runs beside its predecessor gets the ports when it is admitted; then the predecessor loses
        // them.
        guard replacedBy == nil, runsBeside != true else { return false }
        return isLive || (isAside == true && life.phase == .exited && life.stoppedByUs)
    }
    /// It runs, or will be restarted without a request.
    var isLive: Bool { isUp || life.phase == .restarting }

    /// The endpoint that published ports lead to: the one with the default route, or else the first one. nil when no
    /// endpoint connects to the host.
    package var publishingEndpoint: Endpoint? {
        let reached = endpoints.filter { $0.link.guardedInterface != nil }
        return reached.first { !$0.gateways.isEmpty } ?? reached.first
    }

    /// The host name inside the container.
    package var hostname: String { template.hostname ?? inheritedNames?.hostname ?? String(id.prefix(12)) }
    package var domainname: String? { template.domainname ?? inheritedNames?.domainname }

    /// Its names for its own addresses in /etc/hosts: with the domain, which `hostname` may include, and without.
    package var hostNames: [String] {
        let whole = domainname.map { "\(hostname).\($0)" } ?? hostname
        guard let dot = whole.firstIndex(of: "."), dot != whole.startIndex else { return [whole] }
        return [whole, String(whole[..<dot])]
    }

    /// The short name in logs: `web-1`, or the container's own name.
    package var label: String {
        if template.containerName != nil { return name }
        guard case .replica(_, let service, let number) = owner else { return name }
        return "\(service)-\(number)"
    }

    /// It belongs to one of `services`; an empty list means every service.
    func isOf(_ services: [String]) -> Bool { services.isEmpty || service.map(services.contains) ?? false }
}

extension ContainerRecord.Port {
    /// A port that the engine chooses from `first` to `last`.
    package init(hostIP: String?, first: UInt16, last: UInt16, target: UInt16, transport: String) {
        let last = max(first, last)
        self.init(
            hostIP: hostIP, hostPort: first == last ? first : 0, hostPortEnd: last, choice: first...last,
            target: target,
            transport: transport)
    }

    /// The ports to choose from; 0...0 means any.
    package var numbers: ClosedRange<UInt16> { choice ?? hostPort...max(hostPort, hostPortEnd) }
    /// The port in use or used last, when it was chosen.
    package var preferred: UInt16? {
        guard hostPort != 0, numbers.count > 1 || numbers.lowerBound == 0 else { return nil }
        return hostPort
    }

    /// The same port with the chosen number.
    package func at(_ number: UInt16) -> Self {
        var port = self
        port.choice = numbers
        port.hostPort = number
        port.hostPortEnd = number
        return port
    }
}

extension ContainerRecord.Endpoint {
    /// Earlier releases stored the Ethernet address as the file had it, including an empty text, which means none.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            network: try container.decode(String.self, forKey: .network),
            key: try container.decode(String.self, forKey: .key),
            interface: try container.decode(String.self, forKey: .interface),
            hostInterface: try container.decode(String.self, forKey: .hostInterface),
            realisation: try container.decodeIfPresent(Realisation.self, forKey: .realisation),
            bridge: try container.decodeIfPresent(String.self, forKey: .bridge),
            macAddress: try container.decodeIfPresent(String.self, forKey: .macAddress).flatMap { MACAddress($0) },
            addresses: try container.decode([CIDR].self, forKey: .addresses),
            linkLocalAddresses: try container.decodeIfPresent([CIDR].self, forKey: .linkLocalAddresses),
            aliases: try container.decode([String].self, forKey: .aliases),
            gateways: try container.decode([IPAddress].self, forKey: .gateways),
            mtu: try container.decodeIfPresent(UInt32.self, forKey: .mtu),
            isIsolated: try container.decodeIfPresent(Bool.self, forKey: .isIsolated),
            settings: try container.decodeIfPresent([InterfaceSetting].self, forKey: .settings))
    }
}

extension ContainerRecord {
    var volumeNames: [String] {
        mounts.compactMap { mount in
            guard case .volume(let name, _, _, _) = mount.source else { return nil }
            return name
        }
    }

    var anonymousVolumes: [(name: String, target: String)] {
        mounts.compactMap { mount in
            guard case .volume(let name, true, _, _) = mount.source else { return nil }
            return (name, mount.target)
        }
    }
}
