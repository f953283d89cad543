import EngineWire
import JSON

/// `stats`: resource usage of containers, from two readings of each.
package struct UsageListing: Sendable {
    package let id: String
    package let name: String
    package let processor: String
    package let memory: String
    package let memoryShare: String
    package let network: String
    package let blocks: String
    package let tasks: String

    /// `before` is an earlier reading; without one, the processor's share is missing. `whole`: show the complete id.
    package init(_ usage: ContainerUsage, before: ContainerUsage?, whole: Bool) {
        id = whole ? usage.id : String(usage.id.prefix(12))
        name = usage.name
        var share = 0.0
        if let before {
            let used = Double(usage.processor.total - before.processor.total)
            let passed = Double(usage.processor.machine - before.processor.machine)
            if used > 0, passed > 0 { share = used / passed * Double(usage.processor.online) * 100 }
        }
        processor = Self.percent(share)
        let bytes = usage.memory.withoutCache
        memory = "\(HumanUnits.binarySize(bytes)) / \(HumanUnits.binarySize(usage.memory.limit))"
        memoryShare = Self.percent(
            usage.memory.limit > 0 ? Double(bytes) / Double(usage.memory.limit) * 100 : 0)
        let traffic = usage.networks.values
        network = Self.pair(
            traffic.reduce(0) { $0 + $1.receivedBytes }, traffic.reduce(0) { $0 + $1.sentBytes })
        blocks = Self.pair(
            usage.devices.reduce(0) { $0 + $1.readBytes }, usage.devices.reduce(0) { $0 + $1.writtenBytes })
        tasks = "\(usage.tasks.current)"
    }

    /// For a container that does not run.
    package init(stopped id: String, name: String, whole: Bool) {
        self.id = whole ? id : String(id.prefix(12))
        self.name = name
        (processor, memory, memoryShare) = ("0.00%", "0B / 0B", "0.00%")
        (network, blocks, tasks) = ("0B / 0B", "0B / 0B", "0")
    }

    private static func pair(_ one: Int64, _ other: Int64) -> String {
        "\(HumanUnits.size(one)) / \(HumanUnits.size(other))"
    }

    private static func percent(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)%"
    }

    package var fields: JSONValue {
        [
            "BlockIO": .string(blocks), "CPUPerc": .string(processor), "Container": .string(id), "ID": .string(id),
            "MemPerc": .string(memoryShare), "MemUsage": .string(memory), "Name": .string(name),
            "NetIO": .string(network), "PIDs": .string(tasks),
        ]
    }

    package static func table(_ rows: [UsageListing]) -> String {
        var table = TextTable([
            "CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS",
        ])
        for row in rows {
            table.add([
                row.id, row.name, row.processor, row.memory, row.memoryShare, row.network, row.blocks, row.tasks,
            ])
        }
        return table.render()
    }
}
