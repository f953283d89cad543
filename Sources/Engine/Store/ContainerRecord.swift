import EngineWire
import Glibc
import Linux
import Monitor
import Networking
import OCI
import ProjectModel
import Reconcile

/// What the engine knows of one container: stored before the container is made, gone after it was removed.
package struct ContainerRecord: Codable, Hashable, Sendable {
    /// 64 hex digits.
    package var id: String
    package var name: String
    package var owner: Owner
    /// What it was made from, and the definitions that were used.
    package var template: ContainerTemplate
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
    /// The container that has its names, addresses and ports: it took its place and may give it back. Nobody sees this one then.
    package var replacedBy: String?
    /// Others do not find it by its names and published ports: it is not let in yet, or on its way out.
    package var isAside: Bool?
    /// It runs beside the one whose place it takes: with addresses of its own.
    package var runsBeside: Bool?
    /// What is wanted of it when no service says so: of a one-off, and of a container of no project.
    package var wish: ContainerWish?

    package struct HostNames: Codable, Hashable, Sendable {
        package var hostname: String
        package var domainname: String?
    }

    /// A place on a network, held from creation to removal.
    package struct Endpoint: Codable, Hashable, Sendable {
        /// Full name of the network.
        package var network: String
        package var key: String
        package var interface: String
        /// The host's end; named from the ids by the machine when empty.
        package var hostInterface: String
        /// What the network is; nil in records of earlier releases, whose networks are bridges.
        package var realisation: Realisation?
        /// The bridge, in records of earlier releases.
        package var bridge: String?
        /// nil derives one from the first address.
        package var macAddress: MACAddress?
        /// Each with the network's prefix length.
        package var addresses: [CIDR]
        /// Further addresses that only the link itself knows (`link_local_ips`), with prefix length.
        package var linkLocalAddresses: [CIDR]?
        package var aliases: [String]
        /// Default routes go through these; empty unless this endpoint carries them.
        package var gateways: [IPAddress]
        /// What the options of the network ask of its links: the bytes of the largest packet, and that containers do not reach each other.
        package var mtu: UInt32?
        package var isIsolated: Bool?
        /// Settings of the interface, in their order; nil is none.
        package var settings: [InterfaceSetting]?

        /// The Ethernet address that it has.
        package var hardwareAddress: MACAddress? { macAddress ?? addresses.first.map { MACAddress(for: $0.address) } }

        /// What the network is.
        package var link: Realisation { realisation ?? .bridge(bridge ?? "") }
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
        /// Why it is as it is.
        package var reason: StateReason?
        /// Somebody else than berth paused it.
        package var isPausedByOthers: Bool?
        /// berth asked for the end: stop, kill, recreation.
        package var stoppedByUs = false
        /// A person's signal that keeps it down should it end.
        package var signal: PersonsSignal?
        /// The signal that a call chose to stop this run with; nil: the container's own.
        package var chosenStopSignal: String?
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

        /// The signal by which a person wants it to be down, once it has ended at `time`.
        package func signal(at time: Int64) -> Int32? { signal.flatMap { $0.holds(at: time) ? $0.number : nil } }

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
            signal = nil
            chosenStopSignal = nil
            killCause = nil
            shellSignal = nil
            isPausedByOthers = nil
        }
    }

    /// Why it was killed, where that is known.
    package var endCause: EndCause? {
        if life.exit?.isOutOfMemory == true { return .outOfMemory(limit: template.resources.memory) }
        return life.exit?.signal == SIGKILL ? life.killCause : nil
    }

    /// Why it is as it is, for `ps`.
    package var reasonText: String? {
        guard let reason = life.reason else { return nil }
        guard life.phase == .exited else { return "\(reason)" }
        if life.exit?.isOutOfMemory == true { return "out of memory; \(reason)" }
        let shell = life.shellSignal.map { "; its programs got \($0), which its shell does not handle" }
        return "\(reason)" + (shell ?? "")
    }

    package var project: String? { owner.project }
    package var service: String? { owner.service }
    package var number: Int? { owner.number }
    package var isOneOff: Bool { owner.isOneOff }
    /// It is removed when it has ended.
    package var isTransient: Bool { template.autoRemove == true }

    /// Its process is there, as far as anyone was told.
    package var isUp: Bool { life.phase == .running || life.phase == .paused }
    /// Its host ports are its own: it has them, or takes them again at the next attempt, or keeps them for what takes its place.
    package var holdsPorts: Bool {
        // One that runs beside another has none until it is let in, and then the other has none.
        guard replacedBy == nil, runsBeside != true else { return false }
        return isLive || (isAside == true && life.phase == .exited && life.stoppedByUs)
    }
    /// It runs, or will without being asked.
    var isLive: Bool { isUp || life.phase == .restarting }

    /// Published ports lead to the network that carries the default route; without one, to the first. nil when the host is on none of
    /// them.
    package var publishingEndpoint: Endpoint? {
        let reached = endpoints.filter { $0.link.guardedInterface != nil }
        return reached.first { !$0.gateways.isEmpty } ?? reached.first
    }

    /// What its processes see as the machine's name.
    package var hostname: String { template.hostname ?? inheritedNames?.hostname ?? String(id.prefix(12)) }
    package var domainname: String? { template.domainname ?? inheritedNames?.domainname }

    /// The names of its own addresses in its /etc/hosts: with the domain, which may be part of `hostname`, and without.
    package var hostNames: [String] {
        let whole = domainname.map { "\(hostname).\($0)" } ?? hostname
        guard let dot = whole.firstIndex(of: "."), dot != whole.startIndex else { return [whole] }
        return [whole, String(whole[..<dot])]
    }

    /// The short name that logs show: `web-1`, or the container's own name.
    package var label: String {
        if template.containerName != nil { return name }
        guard case .replica(_, let service, let number) = owner else { return name }
        return "\(service)-\(number)"
    }

    /// It is a container of one of `services`; none is all of them.
    func isOf(_ services: [String]) -> Bool { services.isEmpty || service.map(services.contains) ?? false }
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

extension ContainerRecord.Endpoint {
    /// Earlier releases stored what the file had as its Ethernet address, an empty text too: that is none.
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
