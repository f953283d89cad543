import YAML

/// Checks that everything that a service refers to exists.
struct References {
    let report: Report
    let model: Node
    let disabled: Mapping

    func check(_ service: Node) {
        check(service["networks"]?.mapping, "networks", "network")
        checkSources(service["secrets"], "secrets", "secret")
        checkSources(service["configs"], "configs", "config")
        check(service["models"]?.mapping, "models", "model")
        report.inside("build") { checkSources(service["build"]?["secrets"], "secrets", "secret") }
        checkVolumes(service)
        checkDependencies(service)
        checkNetworkMode(service)
    }

    private func check(_ names: Mapping?, _ element: String, _ kind: String) {
        guard let names else { return }
        report.inside(element) {
            for entry in names.entries {
                report.inside(entry.key) { require(entry.key, in: element, kind, at: entry.keySpan) }
            }
        }
    }

    private func checkSources(_ list: Node?, _ element: String, _ kind: String) {
        guard let items = list?.sequence else { return }
        report.inside(element) {
            for (index, item) in items.enumerated() {
                report.inside(index) {
                    guard let source = item["source"], let name = source.string else {
                        if report.isWrong("source") || report.isIncomplete { return }
                        return report.error(
                            item.span, "'source' is missing: which \(kind)?", hint: "add `source: NAME`")
                    }
                    require(name, in: element, kind, at: source.span)
                }
            }
        }
    }

    private func checkVolumes(_ service: Node) {
        report.inside("volumes") {
            for (index, volume) in (service["volumes"]?.sequence ?? []).enumerated() {
                guard volume.string(at: "type") == "volume", let source = volume["source"], let name = source.string,
                    !name.isEmpty
                else { continue }
                report.inside(index) { require(name, in: "volumes", "volume", at: source.span) }
            }
        }
    }

    private func require(_ name: String, in element: String, _ kind: String, at span: Span) {
        let known = model[element]?.mapping
        if known?.index(of: name) != nil || report.isIncomplete || report.isWrong(element: element)
            || report.isWrong(element: "\(element).\(name)")
        {
            return
        }
        let place = report.sources.narrow(span, to: name)
        let hint: String
        if let meant = report.likely(name, among: known?.keys ?? []) {
            hint = "did you mean '\(meant)'?"
        } else if kind == "volume", name.contains("$(") || name.contains("`") {
            hint = "no shell expands it: start the path with './' or ${PWD}"
        } else if kind == "volume", name.contains("/") {
            hint = "for a folder of the host start it with './'"
        } else {
            hint = "declare it under the top-level '\(element)'"
        }
        report.error(place, "there is no \(kind) '\(name)'", hint: hint)
    }

    /// In a normalised model it is also a dependency, and those are checked already.
    private func checkNetworkMode(_ service: Node) {
        guard let mode = service["network_mode"], let text = mode.string, text.hasPrefix("service:") else { return }
        let name = String(text.dropFirst(8))
        let known = model["services"]?.mapping
        if known?.index(of: name) != nil || service["depends_on"]?[name] != nil || report.isIncomplete { return }
        report.inside("network_mode") {
            report.error(
                report.sources.narrow(mode.span, to: name), "there is no service '\(name)'",
                hint: report.likely(name, among: known?.keys ?? []).map { "did you mean '\($0)'?" }
                    ?? Self.listed(known?.keys ?? []))
        }
    }

    /// All names, if they are few.
    static func listed(_ names: [String]) -> String {
        if names.isEmpty { return "declare it under 'services'" }
        return "services are \(names.sorted().prefix(12).joined(separator: ", "))" + (names.count > 12 ? " …" : "")
    }

    private func checkDependencies(_ service: Node) {
        let services = model["services"]?.mapping
        if report.isIncomplete { return }
        for entry in service["depends_on"]?.mapping?.entries ?? []
        where services?.index(of: entry.key) == nil && !report.isWrong(element: "services.\(entry.key)") {
            atDependency(in: service, on: entry) { _ in check(entry, services) }
        }
    }

    /// One that is not among the enabled services.
    private func check(_ entry: Mapping.Entry, _ services: Mapping?) {
        let other = disabled[entry.key]
        if other != nil, entry.value["required"]?.bool == false { return }
        let profiles = other?["profiles"]?.texts ?? []
        let place = report.sources.narrow(entry.keySpan, to: entry.key)
        if other != nil {
            return report.error(
                place, "the service '\(entry.key)' is disabled: it belongs to a profile that is not enabled",
                hint: "enable it with --profile \(profiles.first ?? ""), or say `required: false`")
        }
        if entry.value["required"]?.bool == false {
            return report.warning(place, "there is no service '\(entry.key)'; it is not required")
        }
        let known = (services?.keys ?? []) + disabled.keys
        report.error(
            place, "there is no service '\(entry.key)'",
            hint: report.likely(entry.key, among: known).map { "did you mean '\($0)'?" } ?? Self.listed(known))
    }

    /// Runs `body` at the path of the attribute that makes the service `name` depend on `other`, with its place.
    func atDependency(of name: String, on other: String, _ body: (Span) -> Void) {
        guard let service = model["services"]?[name], let entry = service["depends_on"]?.mapping?.entry(other) else {
            return body(.none)
        }
        report.inside("services") { report.inside(name) { atDependency(in: service, on: entry, body) } }
    }

    /// Another attribute may imply a dependency: `network_mode: service:db`, `links: [db]`.
    private func atDependency(in service: Node, on entry: Mapping.Entry, _ body: (Span) -> Void) {
        for attribute in ["network_mode", "ipc", "pid", "uts", "cgroup"]
        where service.string(at: attribute) == "service:\(entry.key)" && service[attribute]?.span == entry.keySpan {
            return report.inside(attribute) { body(entry.keySpan) }
        }
        for attribute in ["links", "volumes_from"] {
            guard let index = service[attribute]?.sequence?.firstIndex(where: { $0.span == entry.keySpan }) else {
                continue
            }
            return report.inside(attribute) { report.inside(index) { body(entry.keySpan) } }
        }
        report.inside("depends_on") { report.inside(entry.key) { body(entry.keySpan) } }
    }
}
