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
            /// A registry has it, and the pull policy lets it be fetched.
            case pullable
            /// `reason` in a person's words: "no registry can be reached".
            case absent(reason: String)
        }

        package init(_ availability: Availability, hasHealthcheck: Bool = false) {
            self.availability = availability
            self.hasHealthcheck = hasHealthcheck
        }
    }

    package struct HeldPort: Hashable, Sendable {
        /// nil is every address.
        package var address: String?
        package var number: UInt16
        /// `tcp`, `udp` or `sctp`.
        package var transport: String
        /// In a person's words: "container other-web-1", "nginx (pid 4711)".
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

    /// What this host can limit.
    package struct HostLimits: Hashable, Sendable {
        /// Cores; nil when not looked up.
        package var cores: Double?
        /// The CPUs that there are; nil when not looked up.
        package var cpus: NumberList?
        /// cgroup controllers that the engine can use (`memory`, `cpu`, `cpuset`, `pids`, `blkio`); nil when not looked up.
        package var controllers: Set<String>?
        /// What the controllers were seen not to have.
        package var lacking: Set<Ability> = []
        /// The engine has CAP_SYS_RESOURCE.
        package var canRaiseLimits: Bool = true
        /// The engine's own hard limits, by Compose's name (`nofile`); -1 is without limit.
        package var hardLimits: [String: Int64] = [:]
        /// Files that one process may have open at most, whoever asks; nil when not looked up.
        package var openFiles: Int64?
        /// The lowest `oom_score_adj` that takes no CAP_SYS_RESOURCE.
        package var lowestScore: Int = 0

        /// What not every kernel or version of cgroups has.
        package enum Ability: String, Hashable, Sendable {
            /// Swap is counted by cgroup.
            case swap
            case swappiness
            /// The memory killer can be kept off a cgroup.
            case killDisabling
            case realtime
            case blockWeights
        }

        package init() {}
    }
}

extension PreflightFacts {
    /// What this host's kernel has beside limits; looked up only for what services ask for.
    package struct HostFeatures: Hashable, Sendable {
        /// `linux/amd64`; nil when not looked up.
        package var platform: String?
        /// Platforms that services name and whose programs do not run here.
        package var foreignPlatforms: Set<String> = []
        /// nil when not looked up.
        package var appArmor: AppArmor?
        /// Parameters that services set and that this kernel does not have.
        package var unknownSysctls: Set<String> = []
        /// Types of file systems that volumes name and that this kernel cannot mount.
        package var unknownFileSystems: Set<String> = []
        /// Kinds of network interfaces that networks are made of and that this kernel cannot make.
        package var unknownLinks: Set<String> = []
        /// Interfaces that networks want to share and that this host has not.
        package var missingInterfaces: Set<String> = []
        package var hasIPv6: Bool = true

        package enum AppArmor: Hashable, Sendable {
            case absent
            /// With the profiles that are loaded; nil when they cannot be listed.
            case enabled(Set<String>?)
        }

        package init() {}
    }
}

/// One thing that would go wrong, or that a person should know, before anything is changed.
package struct PreflightFinding: Hashable, Sendable, CustomStringConvertible {
    package let code: Code
    package let service: String?
    /// The attribute that asks for what cannot be had; nil when it is about more than one.
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

        /// A warning does not hold the operation up.
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
