import EngineWire
import JSON

/// The objects that a prune removed, in docker's format.
package struct PrunedObjects: Sendable {
    private var sections: [(title: String, lines: [String])] = []
    private var bytes: Int64 = 0

    package init() {}

    /// `answer` is that of `POST /containers/prune`; the same for the next ones.
    package mutating func add(containers answer: JSONValue) { add("Containers", answer["ContainersDeleted"], answer) }
    package mutating func add(networks answer: JSONValue) { add("Networks", answer["NetworksDeleted"], answer) }
    package mutating func add(volumes answer: JSONValue) { add("Volumes", answer["VolumesDeleted"], answer) }

    package mutating func add(images report: PruneReport) { add("Images", report.lines, report.reclaimed) }

    /// For the build cache: the removed result of each step.
    package mutating func add(cache report: PruneReport) {
        add("build cache objects", report.lines, report.reclaimed)
    }

    private mutating func add(_ title: String, _ names: JSONValue?, _ answer: JSONValue) {
        add(title, names?.array?.compactMap(\.string) ?? [], Int64(answer["SpaceReclaimed"]?.integer ?? 0))
    }

    private mutating func add(_ title: String, _ lines: [String], _ reclaimed: Int64) {
        bytes += reclaimed
        if !lines.isEmpty { sections.append(("Deleted \(title):", lines)) }
    }

    package var text: String {
        let blocks = sections.map { section in
            "\(section.title)\n\(section.lines.map { "\($0)\n" }.joined())\n"
        }
        return blocks.joined() + "Total reclaimed space: \(HumanUnits.size(bytes))\n"
    }
}
