import EngineWire

/// The `--filter` options of verbs that list, with docker's rules: of several values for a name one must match, but all
/// labels, and all names.
package struct ListFilter: Sendable {
    /// The objects to list; each kind has its own filters.
    package enum Kind: Sendable {
        case containers, images, networks, volumes

        fileprivate var names: [String] {
            switch self {
            case .containers: ["name", "id", "label", "status", "ancestor", "health", "project"]
            case .images: ["reference", "label", "dangling"]
            case .networks: ["name", "id", "label", "driver", "dangling"]
            case .volumes: ["name", "label", "driver", "dangling"]
            }
        }
    }

    private var values: [String: [String]] = [:]

    /// - Throws: `UsageFailure` for an unknown filter.
    package init(_ filters: [String], of kind: Kind) throws(UsageFailure) {
        for filter in filters {
            let parts = filter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[1].isEmpty, kind.names.contains(parts[0]) else {
                throw UsageFailure(
                    "invalid filter \"\(filter)\"",
                    hint: "use \(kind.names.map { "\($0)=…" }.joined(separator: ", "))")
            }
            var value = parts[1]
            if parts[0] == "dangling" {
                guard let isOn = ["true": true, "1": true, "false": false, "0": false][value] else {
                    throw UsageFailure("invalid filter \"\(filter)\"", hint: "dangling=true or dangling=false")
                }
                value = "\(isOn)"
            }
            values[parts[0], default: []].append(value)
        }
    }

    /// There is a filter by `name`.
    package func names(_ name: String) -> Bool { values[name] != nil }

    /// Whether to list an object with these `fields` and `labels`.
    package func allows(_ fields: [String: String], labels: [String: String]) -> Bool {
        values.allSatisfy { name, wanted in
            if name == "label" { return wanted.allSatisfy { Self.has(labels, $0) } }
            let own = fields[name] ?? ""
            return wanted.contains { Self.fits(own, $0, name) }
        }
    }

    private static func has(_ labels: [String: String], _ wanted: String) -> Bool {
        let parts = wanted.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let value = labels[parts[0]] else { return false }
        return parts.count == 1 || value == parts[1]
    }

    private static func fits(_ own: String, _ wanted: String, _ name: String) -> Bool {
        switch name {
        case "name": own.contains(wanted)
        case "id": own.hasPrefix(wanted)
        case "reference": ReferencePattern.matches(own, wanted)
        case "ancestor": own == wanted || own.split(separator: ":").first.map(String.init) == wanted
        default: own == wanted
        }
    }
}
