import EngineWire
import JSON

/// What `ps` prints: the table, and the fields of its JSON and templates.
package enum ContainerListing {
    /// Sorted by name; cut to `width` where given.
    package static func table(_ rows: [ContainerRow], now: Double, whole: Bool, width: Int?) -> String {
        var table = TextTable([
            .init("NAME"), .init("IMAGE", canShrink: true), .init("COMMAND", canShrink: true), .init("SERVICE"),
            .init("CREATED", least: 12), .init("STATUS", least: 30), .init("PORTS", least: 14),
        ])
        for row in rows.sorted(by: { $0.name < $1.name }) {
            table.add([
                row.name, row.image, ContainerText.command(row, whole: whole), row.service,
                HumanUnits.ago(row.createdAt, now: now), ContainerText.explainedStatus(row, now: now),
                whole ? ContainerText.allPorts(row) : ContainerText.ports(row),
            ])
        }
        return table.render(width: whole ? nil : width)
    }

    /// docker compose's keys; besides them `Arguments`, `LabelMap` and `Reason`, which can be taken apart.
    package static func fields(_ row: ContainerRow, now: Double) throws -> JSONValue {
        let labels = row.labels.sorted { $0.key < $1.key }
        let publishers = row.ports.sorted { ($0.target, $0.hostIP) < ($1.target, $1.hostIP) }.map { port -> JSONValue in
            [
                "URL": .string(port.hostIP), "TargetPort": .integer(Int64(port.target)),
                "PublishedPort": .integer(Int64(port.hostPort)), "Protocol": .string(port.transport),
            ]
        }
        let isVolume = row.mounts.map { $0.kind == "volume" }
        return [
            "Arguments": .array(row.command.map { .string($0) }),
            "Command": .string(ContainerText.command(row, whole: false)),
            "CreatedAt": .string(CalendarTime.createdAt(row.createdAt)),
            "ExitCode": .integer(Int64(row.exitCode ?? 0)),
            "Health": .string(row.health?.rawValue ?? ""),
            "ID": .string(String(row.id.prefix(12))),
            "Image": .string(row.image),
            "LabelMap": .object(object(labels.map { ($0.key, .string($0.value)) })),
            "Labels": .string(labels.map { "\($0.key)=\($0.value)" }.joined(separator: ",")),
            "LocalVolumes": .string("\(isVolume.count { $0 })"),
            "Mounts": .string(row.mounts.map { truncated($0.source, to: 15) }.joined(separator: ",")),
            "Name": .string(row.name),
            "Names": .string(row.name),
            "Networks": .string(row.networks.map(\.name).joined(separator: ",")),
            "Ports": .string(ContainerText.allPorts(row)),
            "Project": .string(row.project),
            "Publishers": .array(publishers),
            "Reason": .string(row.reason ?? ""),
            "RunningFor": .string(HumanUnits.ago(row.createdAt, now: now)),
            "Service": .string(row.service),
            "Size": "0B",
            "State": .string(row.state.rawValue),
            "Status": .string(ContainerText.status(row, now: now)),
        ]
    }
}

/// An object with its members in the given order.
func object(_ members: [(String, JSONValue)]) -> JSONObject {
    var object = JSONObject()
    for (key, value) in members { object[key] = value }
    return object
}
