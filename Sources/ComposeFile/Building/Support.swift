import YAML

/// Finds what a model uses and berth does not act on: a warning, or an error where ignoring it would do harm.
struct Support {
    let report: Report

    func check(_ node: Node, _ shape: Shape) {
        guard shape.holdsUnacted else { return }
        switch node.value {
        case .mapping(let mapping):
            let entries = mapping.entries
            for index in entries.indices {
                if let record = shape.record {
                    check(entries[index], record)
                } else if let members = shape.members, entries[index].value.isCollection {
                    report.inside(entries[index].key) { check(entries[index].value, members) }
                }
            }
            if shape.record === Format.serviceVolume { checkVolume(node) }
            if shape.record === Format.service { checkService(node) }
        case .sequence(let nodes):
            guard let items = shape.items else { return }
            for index in nodes.indices { report.inside(index) { check(nodes[index], items) } }
        default: return
        }
    }

    private func check(_ entry: Mapping.Entry, _ record: Record) {
        guard let attribute = record[entry.key] else { return }
        switch attribute.standing {
        case .acted where !attribute.shape.holdsUnacted: return
        case .acted: report.inside(entry.key) { check(entry.value, attribute.shape) }
        default: report.inside(entry.key) { judge(entry, attribute.standing) }
        }
    }

    private func judge(_ entry: Mapping.Entry, _ standing: Standing) {
        switch standing {
        case .notYet: report.warning(entry.keySpan, "'\(entry.key)' is not acted on yet")
        case .refused(let reason): report.error(entry.keySpan, "'\(entry.key)' is not acted on yet: \(reason)")
        case .acted, .noEffect: return
        }
    }

    private func checkVolume(_ volume: Node) {
        guard let type = volume["type"], let text = type.string, text == "cluster" || text == "npipe" else { return }
        report.error(
            type.span, "a volume of type '\(text)' cannot be mounted here: what is written there would be lost")
    }

    private func checkService(_ service: Node) {
        guard let mode = service["network_mode"], mode.string == "bridge" || mode.string == "default" else { return }
        report.warning(
            mode.span, "there is no bridge that all projects share: the project's default network is used",
            hint: "remove 'network_mode'")
    }
}
