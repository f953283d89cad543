import YAML

/// Puts a canonical model into the order and completeness of docker compose's output.
struct Printed {
    let json: Bool

    /// Attributes to print even when they are zero, false or empty, because their presence matters.
    private static let keptWhenZero: Set<String> = [
        "init", "attach", "command", "entrypoint", "scale", "replicas", "retries", "enable_ipv4", "enable_ipv6",
        "parallelism", "required", "condition", "create_host_path",
    ]

    func file(_ model: Node) -> Node {
        var result = node(model, .mapping(Format.file))
        result.updateMapping { mapping in
            guard json else { return }
            mapping.remove("models")
            mapping = Mapping(mapping.entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        }
        return result
    }

    /// Mappings to print even when they are empty.
    private static let keptWhenEmpty: Set<String> = [
        "build", "deploy", "healthcheck", "logging", "blkio_config", "credential_spec", "develop", "provider",
        "update_config", "rollback_config", "limits", "reservations", "restart_policy", "bind", "volume", "tmpfs",
        "image", "services",
    ]

    func node(_ node: Node, _ shape: Shape) -> Node {
        switch node.value {
        case .mapping(let mapping):
            if let record = shape.record { return Node(.mapping(members(mapping, record)), at: node.span) }
            let sorted = mapping.entries.sorted { precedes($0.key, $1.key) }
            let members = sorted.map { entry in
                (entry.key, shape.members.map { self.node(entry.value, $0) } ?? entry.value)
            }
            return Node(.mapping(Mapping(members)), at: node.span)
        case .sequence(let nodes):
            guard let items = shape.items else { return node }
            return Node(.sequence(nodes.map { self.node($0, items) }), at: node.span)
        default: return node
        }
    }

    private func members(_ mapping: Mapping, _ record: Record) -> Mapping {
        var result = Mapping()
        let quirks = Quirks(json: json, record: record)
        for attribute in record.attributes {
            let value = mapping[attribute.name].map { node($0, attribute.shape) }
            guard let value = quirks.adjust(attribute.name, value) else { continue }
            if quirks.keeps(attribute.name) || keeps(value, attribute, record) {
                result[quirks.key(attribute.name)] = value
            }
        }
        guard !json || record === Format.file else { return result }
        let extensions = mapping.entries.filter { $0.key.hasPrefix("x-") }.sorted { $0.key < $1.key }
        for entry in extensions { result[entry.key] = sorted(entry.value) }
        return result
    }

    private func keeps(_ value: Node, _ attribute: Attribute, _ record: Record) -> Bool {
        guard Self.isZero(value) else { return true }
        switch value.value {
        case .null: return false
        case .mapping: return Self.keptWhenEmpty.contains(attribute.name)
        case .bool where attribute.name == "required": return record === Format.dependency
        default: return Self.keptWhenZero.contains(attribute.name)
        }
    }

    static func isZero(_ node: Node) -> Bool {
        switch node.value {
        case .null: true
        case .bool(let value): !value
        case .integer(let value): value == 0
        case .unsigned: false
        case .float(let value): value == 0
        case .string(let text): text.isEmpty
        case .timestamp: false
        case .sequence(let nodes): nodes.isEmpty
        case .mapping(let mapping): mapping.isEmpty
        }
    }

    /// The tree with the members of every mapping sorted.
    func sorted(_ node: Node) -> Node {
        switch node.value {
        case .mapping(let mapping):
            let entries = mapping.entries.sorted { precedes($0.key, $1.key) }
            return Node(.mapping(Mapping(entries.map { ($0.key, sorted($0.value)) })), at: node.span)
        case .sequence(let nodes): return Node(.sequence(nodes.map(sorted)), at: node.span)
        default: return node
        }
    }

    /// Go's JSON sorts keys by their bytes, Go's YAML in natural order.
    private func precedes(_ left: String, _ right: String) -> Bool {
        json ? left.utf8.lexicographicallyPrecedes(right.utf8) : NaturalOrder.precedes(left, right)
    }

    /// Only the images and the volumes of `type: image` of services: an override file that pins them.
    static func imagesOnly(_ model: Node) -> Node {
        let services = (model["services"]?.mapping?.entries ?? []).map { entry in
            var members = Mapping()
            members["image"] = entry.value["image"]
            let volumes = (entry.value["volumes"]?.sequence ?? []).filter(ImageReferences.isImage)
            if !volumes.isEmpty { members["volumes"] = Node(.sequence(volumes)) }
            return (entry.key, Node(.mapping(members)))
        }
        return Node(.mapping(Mapping([("services", Node(.mapping(Mapping(services))))])))
    }
}
