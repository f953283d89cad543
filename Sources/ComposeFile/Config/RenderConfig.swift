import YAML

/// The canonical model in the form of docker compose's `config`: YAML with a final line break, or JSON without.
package func renderConfig(
    _ result: LoadResult, format: ConfigFormat = .yaml, options: ConfigOptions = ConfigOptions()
) -> String {
    var model = result.model
    if result.steps.interpolate {
        Selection(options: options).apply(to: &model)
        model = Printed(json: format == .json).file(model)
    } else {
        model = Printed(json: format == .json).sorted(model)
    }
    if options.imagesOnly { model = Printed.imagesOnly(model) }
    let text: String
    switch format {
    case .yaml: text = YAMLWriter.text(model)
    case .json: text = GoJSON.text(model, indent: 2)
    }
    guard result.steps.interpolate, text.utf8.contains(UInt8(ascii: "$")) else { return text }
    return text.split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$")
}

/// Keeps the requested services, their dependencies, and the resources that these use.
struct Selection {
    let options: ConfigOptions

    func apply(to model: inout Node) {
        if !options.services.isEmpty {
            let chosen = chosen(model["services"]?.mapping ?? Mapping())
            model.update("services") { services in
                services.updateMapping { $0.removeAll { !chosen.contains($0.key) } }
            }
        }
        if !options.allResources { dropUnused(&model) }
    }

    private func chosen(_ services: Mapping) -> Set<String> {
        var open = services.keys.filter { name in options.services.contains { Self.matches(name, $0) } }
        var chosen: Set<String> = []
        while let name = open.popLast() {
            guard chosen.insert(name).inserted else { continue }
            open += services[name]?["depends_on"]?.mapping?.keys.filter { services.index(of: $0) != nil } ?? []
        }
        return chosen
    }

    /// `*` matches any text, `?` one character.
    static func matches(_ name: String, _ pattern: String) -> Bool {
        let name = Array(name)
        let pattern = Array(pattern)
        var position = 0
        var star: (pattern: Int, name: Int)?
        var index = 0
        while index < name.count {
            if position < pattern.count, pattern[position] == "*" {
                star = (position, index)
                position += 1
            } else if position < pattern.count, pattern[position] == "?" || pattern[position] == name[index] {
                position += 1
                index += 1
            } else if let last = star {
                position = last.pattern + 1
                index = last.name + 1
                star = (last.pattern, index)
            } else {
                return false
            }
        }
        return pattern[position...].allSatisfy { $0 == "*" }
    }

    private func dropUnused(_ model: inout Node) {
        let used = ModelUsage(model)
        model.updateMapping { mapping in
            for (element, names) in used.names {
                mapping.update(element) { node in node.updateMapping { $0.removeAll { !names.contains($0.key) } } }
            }
        }
    }
}

/// The keys of the top-level elements that a canonical model's services use.
struct ModelUsage {
    private(set) var names: [String: Set<String>] = [
        "networks": [], "volumes": [], "secrets": [], "configs": [], "models": [],
    ]

    init(_ model: Node) {
        for entry in model["services"]?.mapping?.entries ?? [] {
            let service = entry.value
            names["networks"]?.formUnion(service["networks"]?.mapping?.keys ?? [])
            names["models"]?.formUnion(service["models"]?.mapping?.keys ?? [])
            for volume in service["volumes"]?.sequence ?? [] where volume.string(at: "type") == "volume" {
                if let source = volume.string(at: "source") { names["volumes"]?.insert(source) }
            }
            for element in ["secrets", "configs"] {
                names[element]?.formUnion(service[element]?.sequence?.compactMap { $0.string(at: "source") } ?? [])
            }
            names["secrets"]?.formUnion(
                service["build"]?["secrets"]?.sequence?.compactMap { $0.string(at: "source") } ?? [])
            if let config = service["credential_spec"]?.string(at: "config") { names["configs"]?.insert(config) }
        }
    }
}
