import EngineWire

/// The `--filter` options of the verbs that prune, with docker's rules.
package struct PruneFilter: Hashable, Sendable {
    /// The objects to prune; each kind has its own filters.
    package enum Kind: Sendable {
        case images, networks, volumes, containers, everything

        fileprivate var filters: [(name: String, form: String)] {
            let labels = [("label", "label=KEY[=VALUE]"), ("label!", "label!=KEY[=VALUE]")]
            switch self {
            case .images: return [("until", "until=TIME")] + labels + [("dangling", "dangling=false")]
            case .networks, .containers, .everything: return [("until", "until=TIME")] + labels
            case .volumes: return labels + [("all", "all=true")]
            }
        }
    }

    package private(set) var request: PruneRequest

    /// - Throws: `UsageFailure` for an unknown filter.
    package init(
        _ filters: [String], of kind: Kind = .images, all: Bool, now: Double, offset: (Double) -> Int = { _ in 0 }
    ) throws(UsageFailure) {
        request = PruneRequest(all: all)
        for filter in filters {
            let parts = filter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[1].isEmpty, kind.filters.contains(where: { $0.name == parts[0] }) else {
                throw Self.unknown(filter, kind)
            }
            switch parts[0] {
            case "until":
                do throws(InstantArgument.Invalid) {
                    request.until = try InstantArgument.parse(parts[1], now: now, offset: offset)
                } catch {
                    throw UsageFailure(
                        "--filter until=\(parts[1]): neither a time nor a duration",
                        hint: "for example until=24h or until=2025-01-31T12:00:00")
                }
            case "label": request.labels.append(parts[1])
            case "label!": request.withoutLabels.append(parts[1])
            case "dangling", "all":
                guard let isOn = ["true": true, "1": true, "false": false, "0": false][parts[1]] else {
                    throw Self.unknown(filter, kind)
                }
                request.all = parts[0] == "all" ? isOn : !isOn
            default: throw Self.unknown(filter, kind)
            }
        }
    }

    private static func unknown(_ filter: String, _ kind: Kind) -> UsageFailure {
        UsageFailure(
            "invalid filter \"\(filter)\"", hint: "use \(kind.filters.map(\.form).joined(separator: ", "))")
    }
}
