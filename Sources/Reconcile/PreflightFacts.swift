import ProjectModel

/// Facts about the machine that the engine collects before the first change, only for objects that the plan would create or start.
///
/// A fact that is missing was not checked, and causes no finding.
package struct PreflightFacts: Hashable, Sendable {
    /// By reference.
    package var images: [String: Image] = [:]
    /// Host ports that are in use, also by berth's own containers.
    package var ports: [HeldPort] = []
    /// Paths of binds, secrets and configs that do not exist on this machine.
    package var missingPaths: Set<String> = []
    /// Paths whose file system does not answer.
    package var silentPaths: Set<String> = []
    /// Routes of the machine and subnets of networks.
    package var subnets: [HeldSubnet] = []
    /// Containers on this machine by name, of any project.
    package var containerNames: [String: NameOwner] = [:]
    /// Names and ids of containers outside of the project that services name and that do not exist.
    package var missingContainers: Set<String> = []
    package var limits = HostLimits()
    package var features = HostFeatures()

    package init() {}

    /// An image, or why there is none.
    package struct Image: Hashable, Sendable {
        package var availability: Availability
        package var hasHealthcheck: Bool

        package enum Availability: Hashable, Sendable {
            case present
            /// A registry has it, and the pull policy allows the pull.
            case pullable
            /// `reason` is a text for a person: "no registry can be reached".
            case absent(reason: String)
        }

        package init(_ availability: Availability, hasHealthcheck: Bool = false) {
            self.availability = availability
            self.hasHealthcheck = hasHealthcheck
        }
    }

    package struct HeldPort: Hashable, Sendable {
        /// nil means every address.
        package var address: String?
        package var number: UInt16
        /// `tcp`, `udp` or `sctp`.
        package var transport: String
        /// A text for a person: "container other-web-1", "nginx (pid 4711)".
        package var owner: String
        /// The container that holds it, if it is one of berth's.
        package var container: String?

        package init(
            address: String? = nil, number: UInt16, transport: String = "tcp", owner: String, container: String? = nil
        ) {
            self.address = address
            self.number = number
            self.transport = transport
            self.owner = owner
            self.container = container
        }
    }

    package struct HeldSubnet: Hashable, Sendable {
        /// CIDR.
        package var subnet: String
        /// "network other_default", "the route of eth0".
        package var owner: String
        /// The full name of the network that it belongs to, if it is one of berth's.
        package var network: String?

        package init(subnet: String, owner: String, network: String? = nil) {
            self.subnet = subnet
            self.owner = owner
            self.network = network
        }
    }

    package struct NameOwner: Hashable, Sendable {
        package var container: String
        package var project: String?

        package init(container: String, project: String?) {
            self.container = container
            self.project = project
        }
    }

    /// The limits that this host can enforce.
    package struct HostLimits: Hashable, Sendable {
        /// Cores; nil when not checked.
        package var cores: Double?
        /// The existing CPUs; nil when not checked.
        package var cpus: NumberList?
        /// cgroup controllers that the engine can use (`memory`, `cpu`, `cpuset`, `pids`, `blkio`); nil when not
        /// checked.
        package var controllers: Set<String>?
        /// Abilities that the controllers were found to lack.
        package var lacking: Set<Ability> = []
        /// The engine has CAP_SYS_RESOURCE.
        package var canRaiseLimits: Bool = true
        /// The engine's own hard limits, by Compose's name (`nofile`); -1 means unlimited.
        package var hardLimits: [String: Int64] = [:]
        /// The maximum number of open files for any process; nil when not checked.
        package var openFiles: Int64?
        /// The lowest `oom_score_adj` that does not need CAP_SYS_RESOURCE.
        package var lowestScore: Int = 0

        /// Features that some kernels or cgroup versions lack.
        package enum Ability: String, Hashable, Sendable {
            /// The kernel accounts for swap in each cgroup.
            case swap
            case swappiness
            /// A cgroup can be protected from the OOM killer.
            case killDisabling
            case realtime
            case blockWeights
        }

        package init() {}
    }
}

extension PreflightFacts {
    /// Features of this host's kernel other than limits; checked only if services ask for them.
    package struct HostFeatures: Hashable, Sendable {
        /// `linux/amd64`; nil when not checked.
        package var platform: String?
        /// Platforms of services whose programs do not run here.
        package var foreignPlatforms: Set<String> = []
        /// nil when not checked.
        package var appArmor: AppArmor?
        /// Parameters of services that this kernel does not have.
        package var unknownSysctls: Set<String> = []
        /// File system types of volumes that this kernel cannot mount.
        package var unknownFileSystems: Set<String> = []
        /// Kinds of interfaces that networks need and this kernel cannot create.
        package var unknownLinks: Set<String> = []
        /// Interfaces for networks to share that this host does not have.
        package var missingInterfaces: Set<String> = []
        package var hasIPv6: Bool = true

        package enum AppArmor: Hashable, Sendable {
            case absent
            /// With the loaded profiles; nil when they cannot be listed.
            case enabled(Set<String>?)
        }

        package init() {}
    }
}

/// A problem or a warning, found before anything changes.
package struct PreflightFinding: Hashable, Sendable, CustomStringConvertible {
    package let code: Code
    package let service: String?
    /// The attribute with the problem; nil when it is about several.
    package let path: AttributePath?
    package let message: String
    package let hint: String?

    package enum Code: String, Codable, Hashable, Sendable, CaseIterable {
        case missingImage, noHealthcheck
        case portTaken, portClash, fixedPortScaled
        case containerNameTaken, containerNameClash, containerNameScaled
        case bindSourceMissing, bindSourceMade, socketMissing, hostPathSilent
        case secretFileMissing, configFileMissing, externalFileObject
        case subnetClash, badSubnet, addressOutsideSubnet
        case networkMissing, networkNotOurs, networkChangePutOff
        case volumeMissing, volumeNotOurs, volumeChangePutOff
        case dependencyCycle, namespaceOwnerMissing, containerMissing
        case driverUnsupported, optionInvalid, kernelLacks, platformForeign
        case portsUnreachable
        case limitTooHigh, limitTooLow, limitInvalid, limitUnsupported, limitDiscarded

        /// A warning does not stop the operation.
        package var isWarning: Bool {
            switch self {
            case .portsUnreachable, .bindSourceMade, .networkChangePutOff, .volumeNotOurs, .volumeChangePutOff,
                .limitDiscarded:
                true
            default: false
            }
        }
    }

    package init(
        _ code: Code, service: String? = nil, at path: AttributePath? = nil, _ message: String, hint: String? = nil
    ) {
        self.code = code
        self.service = service
        self.path = path
        self.message = message
        self.hint = hint
    }

    package var description: String {
        (code.isWarning ? "warning" : "error") + " \(code.rawValue)" + (service.map { " \($0)" } ?? "") + ": \(message)"
            + (hint.map { "; \($0)" } ?? "")
    }
}
