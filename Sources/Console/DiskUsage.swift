import JSON

/// Disk usage, summed up as in `docker system df`.
package struct DiskUsage: Sendable {
    package struct Row: Hashable, Sendable {
        package let type: String
        package let total: Int
        package let active: Int
        package let size: Int64
        package let reclaimable: Int64

        /// Docker shows the share that could be freed, except for the build cache.
        fileprivate let hasShare: Bool

        var reclaimableText: String {
            let text = HumanUnits.size(reclaimable)
            guard hasShare, size > 0 else { return text }
            return "\(text) (\(reclaimable * 100 / size)%)"
        }
    }

    package let rows: [Row]

    /// `answer` is that of `GET /system/df`; `cache` has the sizes of the build cache's entries.
    package init(_ answer: JSONValue, cache: [Int64]) {
        func list(_ name: String) -> [JSONValue] { answer[name]?.array ?? [] }
        let images = list("Images")
        let used = images.filter { ($0["Containers"]?.integer ?? 0) > 0 }
        let layers = Self.number(answer["LayersSize"])
        let held = used.reduce(0) { $0 + Self.number($1["Size"]) - max(0, Self.number($1["SharedSize"])) }
        let containers = list("Containers")
        let up = containers.filter { ["running", "paused", "restarting"].contains($0["State"]?.string ?? "") }
        let written = containers.reduce(0) { $0 + Self.number($1["SizeRw"]) }
        let writtenUp = up.reduce(0) { $0 + Self.number($1["SizeRw"]) }
        let volumes = list("Volumes")
        let mounted = volumes.filter { Self.number($0["UsageData"]?["RefCount"]) > 0 }
        let volumeSize = { (volumes: [JSONValue]) in
            volumes.reduce(0) { $0 + max(0, Self.number($1["UsageData"]?["Size"])) }
        }
        let kept = volumeSize(volumes)
        let cached = cache.reduce(0, +)
        rows = [
            Row(
                type: "Images", total: images.count, active: used.count, size: layers,
                reclaimable: max(0, layers - held), hasShare: true),
            Row(
                type: "Containers", total: containers.count, active: up.count, size: written,
                reclaimable: written - writtenUp, hasShare: true),
            Row(
                type: "Local Volumes", total: volumes.count, active: mounted.count, size: kept,
                reclaimable: kept - volumeSize(mounted), hasShare: true),
            Row(
                type: "Build Cache", total: cache.count, active: 0, size: cached, reclaimable: cached,
                hasShare: false),
        ]
    }

    private static func number(_ value: JSONValue?) -> Int64 { Int64(value?.integer ?? 0) }

    package var table: String {
        var table = TextTable(["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"])
        for row in rows {
            table.add([
                row.type, "\(row.total)", "\(row.active)", HumanUnits.size(row.size), row.reclaimableText,
            ])
        }
        return table.render()
    }

    package var fields: [JSONValue] {
        rows.map { row in
            var object = JSONObject()
            object["Active"] = .string("\(row.active)")
            object["Reclaimable"] = .string(row.reclaimableText)
            object["Size"] = .string(HumanUnits.size(row.size))
            object["TotalCount"] = .string("\(row.total)")
            object["Type"] = .string(row.type)
            return .object(object)
        }
    }
}
