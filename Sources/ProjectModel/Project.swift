/// A Compose project after loading: merged, interpolated, checked, with absolute paths and expanded short forms.
///
/// Keys of its JSON form are Compose's own attribute names, so that differences between two projects use these names
/// too.
package struct Project: Codable, Hashable, Sendable {
    /// Lower-case letters, digits, `-` and `_`; starts with a letter or digit.
    package var name: String
    /// Absolute; relative paths in the file start here.
    package var workingDirectory: String
    /// Absolute paths of its files, in merge order.
    package var configFiles: [String]
    /// Absolute paths given with `--env-file`.
    package var environmentFiles: [String]
    /// Enabled services, sorted by name.
    package var services: [Service]
    /// Names of services that the chosen profiles leave out; they are not orphans.
    package var disabledServices: [String]
    /// By the key in the file; contains "default" when a service uses it.
    package var networks: [String: NetworkDefinition]
    package var volumes: [String: VolumeDefinition]
    package var secrets: [String: FileObject]
    package var configs: [String: FileObject]

    enum CodingKeys: String, CodingKey {
        case name, services, networks, volumes, secrets, configs
        case workingDirectory = "working_directory"
        case configFiles = "config_files"
        case environmentFiles = "environment_files"
        case disabledServices = "disabled_services"
    }

    package init(
        name: String, workingDirectory: String = "/", configFiles: [String] = [], environmentFiles: [String] = [],
        services: [Service] = [], disabledServices: [String] = [], networks: [String: NetworkDefinition] = [:],
        volumes: [String: VolumeDefinition] = [:], secrets: [String: FileObject] = [:],
        configs: [String: FileObject] = [:]
    ) {
        self.name = name
        self.workingDirectory = workingDirectory
        self.configFiles = configFiles
        self.environmentFiles = environmentFiles
        self.services = services
        self.disabledServices = disabledServices
        self.networks = networks
        self.volumes = volumes
        self.secrets = secrets
        self.configs = configs
    }

    package func service(_ name: String) -> Service? { services.first { $0.name == name } }

    /// The services that a verb acts on: the named ones, or all if there are no names; with `dependencies`, also what
    /// they depend on.
    package func selection(of names: [String], dependencies: Bool) -> Set<String> {
        guard !names.isEmpty else { return Set(services.map(\.name)) }
        var selected: Set<String> = []
        var open = names
        while let name = open.popLast() {
            guard selected.insert(name).inserted, dependencies else { continue }
            open += service(name)?.dependsOn.map(\.service) ?? []
        }
        return selected
    }
}

/// A top-level network (`networks.*`).
package struct NetworkDefinition: Codable, Hashable, Sendable {
    /// The full name on the machine: `<project>_<key>` unless the file names it.
    package var name: String
    package var external: Bool = false
    /// nil means `bridge`.
    package var driver: String?
    package var driverOptions: [String: String] = [:]
    package var attachable: Bool = false
    /// Without a way out and without published ports.
    package var isInternal: Bool = false
    package var enableIPv4: Bool = true
    package var enableIPv6: Bool = false
    package var ipam: IPAMDefinition?
    package var labels: [String: String] = [:]

    enum CodingKeys: String, CodingKey {
        case name, external, driver, attachable, ipam, labels
        case driverOptions = "driver_opts"
        case isInternal = "internal"
        case enableIPv4 = "enable_ipv4"
        case enableIPv6 = "enable_ipv6"
    }

    package init(name: String) { self.name = name }
}

/// `networks.*.ipam`.
package struct IPAMDefinition: Codable, Hashable, Sendable {
    package var driver: String?
    package var config: [Pool] = []
    package var options: [String: String] = [:]

    package init() {}

    package struct Pool: Codable, Hashable, Sendable {
        /// CIDR, as written.
        package var subnet: String?
        package var ipRange: String?
        package var gateway: String?
        package var auxAddresses: [String: String] = [:]

        enum CodingKeys: String, CodingKey {
            case subnet, gateway
            case ipRange = "ip_range"
            case auxAddresses = "aux_addresses"
        }

        package init(subnet: String? = nil, ipRange: String? = nil, gateway: String? = nil) {
            self.subnet = subnet
            self.ipRange = ipRange
            self.gateway = gateway
        }
    }
}

/// A top-level volume (`volumes.*`).
package struct VolumeDefinition: Codable, Hashable, Sendable {
    /// The full name on the machine: `<project>_<key>` unless the file names it.
    package var name: String
    package var external: Bool = false
    /// nil means `local`.
    package var driver: String?
    package var driverOptions: [String: String] = [:]
    package var labels: [String: String] = [:]

    enum CodingKeys: String, CodingKey {
        case name, external, driver, labels
        case driverOptions = "driver_opts"
    }

    package init(name: String) { self.name = name }
}

/// A top-level secret or config: the source of its content.
package struct FileObject: Codable, Hashable, Sendable {
    package var name: String
    package var source: Source
    package var labels: [String: String] = [:]

    package enum Source: Codable, Hashable, Sendable {
        /// An absolute host path.
        case file(String)
        /// The content itself: inline, or read from an environment variable by the loader.
        case content(String)
        /// Content that the engine stores elsewhere, under a name that reveals nothing.
        case held(String)
        case external
    }

    package init(name: String, source: Source) {
        self.name = name
        self.source = source
    }
}
