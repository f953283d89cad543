import YAML

/// Cases where docker compose's output does not follow from the model. berth imitates them because people compare
/// outputs.
struct Quirks {
    let json: Bool
    let record: Record

    /// JSON output has these even when they are empty.
    private static let alwaysInJSON: [(Record, [String: Node.Value])] = [
        (Format.service, ["command": .null, "entrypoint": .null]),
        (Format.hook, ["command": .null]),
        (Format.watch, ["exec": .mapping(Mapping([("command", Node(.null))]))]),
        (Format.network, ["ipam": .mapping(Mapping())]),
        (Format.deploy, ["resources": .mapping(Mapping()), "placement": .mapping(Mapping())]),
    ]

    /// The value to print; nil leaves the attribute out.
    func adjust(_ name: String, _ value: Node?) -> Node? {
        if record === Format.service, name == "ulimits", let value { return limits(value) }
        if record === Format.service, name == "pull_refresh_after" { return nil }
        if record === Format.build, name == "ssh", let value { return keys(value) }
        if record === Format.envFile, name == "required", value?.bool == true { return nil }
        if record === Format.rollout, value?.string == "0s" { return nil }
        if let text = value?.string, text == "0", name != "mem_swappiness", Self.isByteCount(record[name]) {
            return nil
        }
        if value == nil, json {
            for (record, defaults) in Self.alwaysInJSON where record === self.record {
                return defaults[name].map { Node($0) }
            }
        }
        return value
    }

    func keeps(_ name: String) -> Bool {
        !json && record === Format.ulimit || json && Self.alwaysInJSON.contains { $0.0 === record && $0.1[name] != nil }
    }

    /// The name to print.
    func key(_ name: String) -> String {
        guard json, record.title == "a device limit" || record.title == "a device weight" else { return name }
        return name.prefix(1).uppercased() + name.dropFirst()
    }

    private static func isByteCount(_ attribute: Attribute?) -> Bool {
        if case .bytes = attribute?.shape.meaning { return true }
        return false
    }

    /// docker compose prints SSH keys as a list of `ID: PATH` strings. In JSON, where docker compose fails, berth
    /// prints `ID=PATH`.
    private func keys(_ node: Node) -> Node {
        guard let mapping = node.mapping else { return node }
        let lines = mapping.entries.map { entry in
            let path = entry.value.string ?? ""
            return Node.text(path.isEmpty ? entry.key : entry.key + (json ? "=" : ": ") + path, at: entry.keySpan)
        }
        return Node(.sequence(lines), at: node.span)
    }

    /// A limit of 0 becomes a mapping.
    private func limits(_ node: Node) -> Node {
        var node = node
        let zero = Node(.integer(0))
        node.updateMapping { mapping in
            mapping.updateValues { _, value in
                if value.integer == 0 {
                    value.value = .mapping(json ? Mapping() : Mapping([("soft", zero), ("hard", zero)]))
                }
            }
        }
        return node
    }
}
