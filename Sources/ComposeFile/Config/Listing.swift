import ProjectModel
import YAML

/// What `config` can list instead of printing the model.
package enum ConfigListing: Hashable, Sendable {
    case services, volumes, networks, images, profiles, models, environment
    case variables(VariablesFormat)
    /// `name hash` lines for these services; `*` means all.
    case hash([String])
}

/// The forms of `config --variables`.
package enum VariablesFormat: Hashable, Sendable {
    case table, yaml, json
}

/// The list for `config --services` and similar flags: one item in each line, with a final line break unless it is
/// empty.
///
/// `variables` needs the result of a load without interpolation; after interpolation no variables are left.
///
/// - Throws: a diagnostic when a hash is requested for a service that does not exist.
package func renderListing(
    _ result: LoadResult, _ listing: ConfigListing, options: ConfigOptions = ConfigOptions()
) throws(Diagnostic) -> String {
    let lines: [String]
    switch listing {
    case .services: lines = inDependencyOrder(result.model["services"]?.mapping ?? Mapping())
    case .volumes: lines = resources("volumes", result, options)
    case .networks: lines = resources("networks", result, options)
    case .models:
        let used = ModelUsage(result.model).names["models"] ?? []
        lines = (result.model["models"]?.mapping?.entries ?? []).filter { used.contains($0.key) }.compactMap {
            $0.value.string(at: "model")
        }
    case .images: lines = images(result, options)
    case .profiles:
        let services = (result.model["services"]?.mapping?.entries ?? []) + result.disabled.entries
        lines = Set(services.flatMap { $0.value["profiles"]?.texts ?? [] }).sorted()
    case .variables(let format): return Variables(result).text(format)
    case .environment: lines = result.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    case .hash(let names): lines = try hashes(result, names)
    }
    return lines.map { $0 + "\n" }.joined()
}

private func resources(_ element: String, _ result: LoadResult, _ options: ConfigOptions) -> [String] {
    var model = result.model
    Selection(options: options).apply(to: &model)
    return (model[element]?.mapping?.keys ?? []).sorted()
}

private func images(_ result: LoadResult, _ options: ConfigOptions) -> [String] {
    var model = result.model
    Selection(options: options).apply(to: &model)
    let services = (model["services"]?.mapping?.entries ?? []).sorted { $0.key < $1.key }
    return services.flatMap { entry in
        let own = ImageReferences.own(entry.value) ?? "\(result.name)-\(entry.key)"
        let others = ImageReferences.dependent(entry.value).filter { $0 != own }
        return [own] + others.filter { !ImageReferences.isService($0, in: result) }
    }
}

/// Dependencies first; services that do not depend on each other by name.
private func inDependencyOrder(_ services: Mapping) -> [String] {
    var order: [String] = []
    var state: [String: Bool] = [:]
    for name in services.keys.sorted() {
        var stack = [name]
        while let top = stack.last {
            if state[top] == nil {
                state[top] = false
                let needs = services[top]?["depends_on"]?.mapping?.keys ?? []
                stack += needs.filter { services.index(of: $0) != nil && state[$0] == nil }.sorted().reversed()
            } else {
                stack.removeLast()
                if state[top] == false { order.append(top) }
                state[top] = true
            }
        }
    }
    return order
}

private func hashes(_ result: LoadResult, _ names: [String]) throws(Diagnostic) -> [String] {
    let services = result.model["services"]?.mapping ?? Mapping()
    var wanted = names
    if names.contains("*") { wanted = services.keys }
    var lines: [String] = []
    for name in wanted.sorted() {
        guard let service = services[name] else {
            throw Diagnostic(
                .error, at: nil, "no such service: \(name)",
                hint: nearest(to: name, among: services.keys).map { "did you mean '\($0)'?" })
        }
        lines.append("\(name) \(configHash(service))")
    }
    return lines
}

/// The label `com.docker.compose.config-hash` of a canonical service: SHA-256 of its JSON, without attributes that do
/// not concern a running container.
package func configHash(_ service: ComposeNode) -> String {
    var service = service
    service.updateMapping { mapping in
        for key in ["build", "pull_policy", "scale", "depends_on", "profiles"] { mapping.remove(key) }
        mapping.update("deploy") { $0.updateMapping { $0.remove("replicas") } }
    }
    let printed = Printed(json: true).node(service, .mapping(Format.service))
    return SHA256.hexadecimal(of: Array(GoJSON.text(printed).utf8))
}
