import YAML

/// Phase 9: attributes of one element that exclude or need each other; unlike what `Consistency` looks at, nothing but
/// the element itself has to be known for it.
struct Exclusions {
    let report: Report
    /// For raw output: a driver of a secret is let through.
    var lenient = false

    func check(_ model: Node) {
        checkFileObjects(model, "secrets", sources: ["file", "environment"])
        checkFileObjects(model, "configs", sources: ["file", "environment", "content"])
        each(model["volumes"], "volumes") { checkExternal($0) }
        each(model["services"], "services") { service in
            report.inside("develop") { report.inside("watch") { checkWatch(service.value) } }
            report.inside("volumes") { checkMounts(service.value) }
            checkDevices(service.value)
        }
    }

    private func each(_ elements: Node?, _ name: String, _ body: (Mapping.Entry) -> Void) {
        report.inside(name) {
            for entry in elements?.mapping?.entries ?? [] { report.inside(entry.key) { body(entry) } }
        }
    }

    private func checkFileObjects(_ model: Node, _ element: String, sources: [String]) {
        each(model[element], element) { entry in
            guard let object = entry.value.mapping else { return }
            let given = sources.filter { object.index(of: $0) != nil }
            if given.count > 1 {
                let names = given.map { "'\($0)'" }.joined(separator: " and ")
                report.error(entry.keySpan, "\(names) exclude each other")
            }
            let isKeptElsewhere =
                element == "secrets" && !lenient
                ? object["external"]?.bool == true : object["external"] ?? object["driver"] != nil
            let isMisspelt = sources.contains { report.isWrong($0) }
            if given.isEmpty, !isKeptElsewhere, !report.isIncomplete, !isMisspelt {
                let names = sources.map { "'\($0)'" }.joined(separator: ", ")
                report.error(entry.keySpan, "'\(entry.key)' has no source: one of \(names) is needed")
            }
        }
    }

    private func checkExternal(_ entry: Mapping.Entry) {
        guard entry.value["external"]?.bool == true else { return }
        for key in ["driver", "driver_opts", "labels"] {
            guard let other = entry.value.mapping?.entry(key) else { continue }
            report.error(
                other.keySpan, "an external volume has no '\(key)': it exists already",
                hint: "remove '\(key)' or 'external'")
        }
    }

    private func checkWatch(_ service: Node) {
        for (index, rule) in (service["develop"]?["watch"]?.sequence ?? []).enumerated() {
            guard let path = rule["path"], path.string == "" else { continue }
            report.inside(index) { report.inside("path") { report.error(path.span, "the path is empty") } }
        }
    }

    private func checkMounts(_ service: Node) {
        // What seems to be missing may stand in the part that could not be read.
        if report.isIncomplete { return }
        for (index, mount) in (service["volumes"]?.sequence ?? []).enumerated() {
            guard let members = mount.mapping else { continue }
            report.inside(index) {
                if members["target"] == nil && !report.isWrong("target") || members["target"]?.string == "" {
                    report.error(mount.span, "a volume needs 'target', the path in the container")
                }
                if members["type"]?.string == "bind", members["source"] == nil, !report.isWrong("source") {
                    report.error(mount.span, "a bind mount needs 'source', the path on the host")
                }
            }
        }
    }

    private func checkDevices(_ service: Node) {
        report.inside("gpus") { checkRequests(service["gpus"]) }
        report.inside("deploy") {
            let reserved = service["deploy"]?["resources"]?["reservations"]
            report.inside("resources") {
                report.inside("reservations") { report.inside("devices") { checkRequests(reserved?["devices"]) } }
            }
        }
    }

    private func checkRequests(_ requests: Node?) {
        for (index, request) in (requests?.sequence ?? []).enumerated() {
            guard let count = request.mapping?.entry("count"), let ids = request.mapping?.entry("device_ids") else {
                continue
            }
            report.inside(index) {
                report.error(
                    count.keySpan, "'count' and 'device_ids' exclude each other", hint: "remove one of the two",
                    notes: [report.note("the other one", ids.keySpan)])
            }
        }
    }
}
