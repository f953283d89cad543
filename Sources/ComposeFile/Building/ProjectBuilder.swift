import ProjectModel
import YAML

/// Phase 14: builds the `Project` for the engine from the canonical model.
struct ProjectBuilder {
    let model: Node
    let disabled: Mapping
    let name: String
    let workspace: Workspace
    let source: any FileSource

    /// The project. Reports to `report` whatever is missing.
    func project(_ report: Report) -> Project {
        var project = Project(name: name, workingDirectory: workspace.projectDirectory)
        project.configFiles = workspace.files
        project.environmentFiles = workspace.environmentFiles
        project.disabledServices = disabled.keys.sorted()
        let services = (model["services"]?.mapping?.entries ?? []).sorted { $0.key < $1.key }
        let enabled = Set(services.map(\.key))
        let profiles = SeccompFiles(folder: workspace.projectDirectory, source: source, report: report)
        project.services = services.map { entry in
            report.inside("services") {
                report.inside(entry.key) {
                    ServiceBuilder(
                        name: entry.key, node: entry.value, projectName: name, enabled: enabled, profiles: profiles
                    ).service()
                }
            }
        }
        OwnContainers.resolve(&project.services, project: name)
        useHostNetworks(&project)
        addNamedNetworks(&project)
        let used = Usage(project.services)
        for entry in model["networks"]?.mapping?.entries ?? [] where used.networks.contains(entry.key) {
            project.networks[entry.key] = network(entry.key, entry.value)
        }
        for entry in model["volumes"]?.mapping?.entries ?? [] where used.volumes.contains(entry.key) {
            project.volumes[entry.key] = volume(entry.key, entry.value)
        }
        for entry in model["secrets"]?.mapping?.entries ?? [] where used.secrets.contains(entry.key) {
            report.inside("secrets") { project.secrets[entry.key] = fileObject(entry, report) }
        }
        for entry in model["configs"]?.mapping?.entries ?? [] where used.configs.contains(entry.key) {
            report.inside("configs") { project.configs[entry.key] = fileObject(entry, report) }
        }
        return project
    }

    /// An external network called `host` or `none` means the same as `network_mode` with that word; Docker creates a
    /// network for each.
    private func useHostNetworks(_ project: inout Project) {
        var modes: [String: NetworkMode] = [:]
        for entry in model["networks"]?.mapping?.entries ?? [] where entry.value["external"]?.bool == true {
            switch entry.value.string(at: "name") ?? entry.key {
            case "host": modes[entry.key] = .host
            case "none": modes[entry.key] = NetworkMode.none
            default: continue
            }
        }
        guard !modes.isEmpty else { return }
        for index in project.services.indices {
            guard let mode = project.services[index].networks.lazy.compactMap({ modes[$0.network] }).first else {
                continue
            }
            project.services[index].networkMode = mode
            project.services[index].networks = []
        }
    }

    /// `network_mode: NAME` names an existing network; `bridge` means the project's default network.
    private func addNamedNetworks(_ project: inout Project) {
        let known = model["networks"]?.mapping ?? Mapping()
        for service in project.services {
            for attachment in service.networks where known.index(of: attachment.network) == nil {
                if attachment.network == "default" {
                    project.networks["default"] = NetworkDefinition(name: "\(name)_default")
                } else {
                    var network = NetworkDefinition(name: attachment.network)
                    network.external = true
                    project.networks[attachment.network] = network
                }
            }
        }
    }

    private func network(_ key: String, _ node: Node) -> NetworkDefinition {
        var network = NetworkDefinition(name: node.string(at: "name") ?? "\(name)_\(key)")
        network.external = node["external"]?.bool ?? false
        network.driver = node.string(at: "driver")
        network.driverOptions = node["driver_opts"].texts
        network.attachable = node["attachable"]?.bool ?? false
        network.isInternal = node["internal"]?.bool ?? false
        network.enableIPv4 = node["enable_ipv4"]?.bool ?? true
        network.enableIPv6 = node["enable_ipv6"]?.bool ?? false
        network.labels = node["labels"].texts
        if let ipam = node["ipam"], ipam.mapping?.isEmpty == false {
            var definition = IPAMDefinition()
            definition.driver = ipam.string(at: "driver")
            definition.options = ipam["options"].texts
            definition.config = (ipam["config"]?.sequence ?? []).map { pool in
                var result = IPAMDefinition.Pool(
                    subnet: pool.string(at: "subnet"), ipRange: pool.string(at: "ip_range"),
                    gateway: pool.string(at: "gateway"))
                result.auxAddresses = pool["aux_addresses"].texts
                return result
            }
            network.ipam = definition
        }
        return network
    }

    private func volume(_ key: String, _ node: Node) -> VolumeDefinition {
        var volume = VolumeDefinition(name: node.string(at: "name") ?? "\(name)_\(key)")
        volume.external = node["external"]?.bool ?? false
        volume.driver = node.string(at: "driver")
        volume.driverOptions = node["driver_opts"].texts
        volume.labels = node["labels"].texts
        return volume
    }

    private func fileObject(_ entry: Mapping.Entry, _ report: Report) -> FileObject {
        let node = entry.value
        let source: FileObject.Source
        if let path = node.string(at: "file") {
            source = .file(path)
        } else if let content = node.string(at: "content") {
            source = .content(content)
        } else if let variable = node["environment"], let name = variable.string {
            if workspace.environment[name] == nil {
                report.inside(entry.key) {
                    report.error(
                        variable.span, "the variable \(name), the content of '\(entry.key)', is not set",
                        hint: "set it in the environment or in .env")
                }
            }
            source = .content(workspace.environment[name] ?? "")
        } else {
            source = .external
        }
        var object = FileObject(name: node.string(at: "name") ?? "\(name)_\(entry.key)", source: source)
        object.labels = node["labels"].texts
        return object
    }
}

/// The keys of the top-level elements that services use.
struct Usage {
    var networks: Set<String> = []
    var volumes: Set<String> = []
    var secrets: Set<String> = []
    var configs: Set<String> = []

    init(_ services: [Service]) {
        for service in services {
            for attachment in service.networks { networks.insert(attachment.network) }
            for secret in service.secrets + (service.build?.secrets ?? []) { secrets.insert(secret.source) }
            for config in service.configs { configs.insert(config.source) }
            for volume in service.volumes {
                if case .volume(let source?, _, _) = volume.kind { volumes.insert(source) }
            }
        }
    }
}

extension Node? {
    /// The members of a mapping whose values are text; null counts as empty.
    var texts: [String: String] {
        guard let mapping = self?.mapping else { return [:] }
        var result = [String: String](minimumCapacity: mapping.count)
        for entry in mapping.entries {
            result[entry.key] = entry.value.isNull ? "" : Validation.plainText(entry.value) ?? ""
        }
        return result
    }
}
