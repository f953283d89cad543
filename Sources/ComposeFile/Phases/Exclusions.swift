import YAML

/// Phase 9: checks attributes of one element that exclude or require each other. Unlike `Consistency`, this needs only
/// the element itself.
struct Exclusions {
    let report: Report
    /// For raw output: accepts a secret with a driver.
    var lenient = false

    func check(_ model: Node) {
        checkFileObjects(model, "secrets", sources: ["file", "environment"])
        checkFileObjects(model, "configs", sources: ["file", "environment", "content"])
        each(model["volumes"], "volumes") { checkExternal($0) }
        each(model["services"], "services") { service in
            if let rules = service.value["develop"]?["watch"]?.sequence {
                report.inside("develop") { report.inside("watch") { checkWatch(rules) } }
            }
            if let mounts = service.value["volumes"]?.sequence { report.inside("volumes") { checkMounts(mounts) } }
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
                report.error(entry.keySpan, "\(names) exclude each other", hint: "keep one of them")
            }
            let isKeptElsewhere =
                element == "secrets" && !lenient
                ? object["external"]?.bool == true : object["external"] ?? object["driver"] != nil
            let isMisspelt = sources.contains { report.isWrong($0) }
            if given.isEmpty, !isKeptElsewhere, !report.isIncomplete, !isMisspelt {
                let names = sources.map { "'\($0)'" }.joined(separator: ", ")
                report.error(
                    entry.keySpan, "'\(entry.key)' has no source: one of \(names) is needed",
                    hint: "add `file: ./\(entry.key).txt`, or `environment: NAME` for a variable")
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

    private func checkWatch(_ rules: [Node]) {
        for (index, rule) in rules.enumerated() {
            guard let path = rule["path"], path.string == "" else { continue }
            report.inside(index) {
                report.inside("path") {
                    report.error(path.span, "the path is empty", hint: "write the folder to watch: ./src")
                }
            }
        }
    }

    private func checkMounts(_ mounts: [Node]) {
        // What seems to be missing may be in the part that could not be read.
        if report.isIncomplete { return }
        for (index, mount) in mounts.enumerated() {
            guard let members = mount.mapping else { continue }
            report.inside(index) {
                if members.index(of: "target") == nil && !report.isWrong("target")
                    || members.string(at: "target") == ""
                {
                    report.error(
                        mount.span, "a volume needs 'target', the path in the container", hint: "add `target: /PATH`")
                }
                if members.string(at: "type") == "bind", members.index(of: "source") == nil,
                    !report.isWrong("source")
                {
                    report.error(
                        mount.span, "a bind mount needs 'source', the path on the host", hint: "add `source: ./PATH`")
                }
            }
        }
    }

    private func checkDevices(_ service: Node) {
        if let requests = service["gpus"]?.sequence { report.inside("gpus") { checkRequests(requests) } }
        guard let requests = service["deploy"]?["resources"]?["reservations"]?["devices"]?.sequence else { return }
        report.inside("deploy") {
            report.inside("resources") {
                report.inside("reservations") { report.inside("devices") { checkRequests(requests) } }
            }
        }
    }

    private func checkRequests(_ requests: [Node]) {
        for (index, request) in requests.enumerated() {
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
