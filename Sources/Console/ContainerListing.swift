import EngineWire
import JSON

/// The output of `ps`: the table, and the fields for JSON and templates.
package enum ContainerListing {
    /// Sorted by name. On a narrow terminal the least important parts are shortened first: the command, the exact age,
    /// the address that means "any", the end of a long image name. State and ports stay to the last.
    package static func table(_ rows: [ContainerRow], now: Double, whole: Bool, width: Int?) -> String {
        var table = TextTable(
            [
                .init("NAME"), .init("IMAGE"), .init("COMMAND"), .init("SERVICE"), .init("CREATED"), .init("STATUS"),
                .init("PORTS"),
            ],
            concessions: [
                .cut(2, least: 8), .shorten(4), .cut(1, least: 14), .shorten(6), .omit(2), .cut(5, least: 34), .omit(4),
                .cut(1, least: 8), .cut(6, least: 14), .cut(5, least: 20),
            ])
        for row in rows.sorted(by: { $0.name < $1.name }) {
            table.add(cells: [
                .init(row.name), .init(row.image), .init(ContainerText.command(row, whole: whole)), .init(row.service),
                .init(
                    HumanUnits.ago(row.createdAt, now: now), short: HumanUnits.briefly(seconds: now - row.createdAt)),
                .init(ContainerText.explainedStatus(row, now: now)),
                .init(
                    whole ? ContainerText.allPorts(row) : ContainerText.ports(row),
                    short: ContainerText.ports(row, withAnyAddress: false)),
            ])
        }
        return table.render(width: whole ? nil : width)
    }

    /// docker compose's keys, and also `Arguments`, `LabelMap` and `Reason` with separate values.
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
