import EngineWire

/// The `--filter`s of `image prune`, as docker reads them.
package struct PruneFilter: Hashable, Sendable {
    package private(set) var request: PruneRequest

    /// - Throws: `UsageFailure` for a filter that there is not.
    package init(
        _ filters: [String], all: Bool, now: Double, offset: (Double) -> Int = { _ in 0 }
    ) throws(UsageFailure) {
        request = PruneRequest(all: all)
        for filter in filters {
            let parts = filter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[1].isEmpty else { throw Self.unknown(filter) }
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
            case "dangling":
                guard let isDangling = ["true": true, "1": true, "false": false, "0": false][parts[1]] else {
                    throw Self.unknown(filter)
                }
                request.all = !isDangling
            default: throw Self.unknown(filter)
            }
        }
    }

    private static func unknown(_ filter: String) -> UsageFailure {
        UsageFailure(
            "invalid filter \"\(filter)\"",
            hint: "there are until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE], dangling=false")
    }
}
