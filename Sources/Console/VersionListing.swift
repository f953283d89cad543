import EngineWire

/// `history`: the versions of a service.
package enum VersionListing {
    package static func table(_ versions: [VersionRow], now: Double, width: Int?) -> String {
        var table = TextTable([
            .init("VERSION"), .init("WHEN"), .init("BY"), .init("IMAGE", canShrink: true),
            .init("CHANGED", canShrink: true),
        ])
        for version in versions {
            table.add([
                "\(version.number)" + (version.isCurrent ? " *" : ""), HumanUnits.ago(version.at, now: now),
                cause(version.cause), version.image, version.changes.joined(separator: ", "),
            ])
        }
        return table.render(width: width)
    }

    private static func cause(_ cause: VersionRow.Cause) -> String {
        switch cause {
        case .up: "up"
        case .create: "create"
        case .scale: "scale"
        case .rollback: "rollback"
        case .failedUpdate: "failed update"
        case .other: ""
        }
    }
}
