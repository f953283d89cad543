import YAML

/// What a service refers to must be there.
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
                        if report.isWrong("source") { return }
                        return report.error(item.span, "'source' is missing: which \(kind)?")
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
        } else if kind == "volume", name.contains("/") {
            hint = "for a folder of the host start it with './'"
        } else {
            hint = "declare it under the top-level '\(element)'"
        }
        report.error(place, "there is no \(kind) '\(name)'", hint: hint)
    }

    /// A normalised model has it among the dependencies, which are looked at already.
    private func checkNetworkMode(_ service: Node) {
        guard let mode = service["network_mode"], let text = mode.string, text.hasPrefix("service:") else { return }
        let name = String(text.dropFirst(8))
        let known = model["services"]?.mapping
        if known?.index(of: name) != nil || service["depends_on"]?[name] != nil || report.isIncomplete { return }
        report.inside("network_mode") {
            report.error(
                report.sources.narrow(mode.span, to: name), "there is no service '\(name)'",
                hint: report.likely(name, among: known?.keys ?? []).map { "did you mean '\($0)'?" })
        }
    }

    /// All names, where they are few.
    private func listed(_ names: [String]) -> String? {
        names.count > 12 ? nil : "services are \(names.sorted().joined(separator: ", "))"
    }

    private func checkDependencies(_ service: Node) {
        let services = model["services"]?.mapping
        if report.isIncomplete { return }
        report.inside("depends_on") {
            for entry in service["depends_on"]?.mapping?.entries ?? []
            where services?.index(of: entry.key) == nil && !report.isWrong(element: "services.\(entry.key)") {
                report.inside(entry.key) {
                    let other = disabled[entry.key]
                    if other != nil, entry.value["required"]?.bool == false { return }
                    let profiles = other?["profiles"]?.texts ?? []
                    let place = report.sources.narrow(entry.keySpan, to: entry.key)
                    if other != nil {
                        return report.error(
                            place,
                            "the service '\(entry.key)' is disabled: it belongs to a profile that is not enabled",
                            hint: "enable it with --profile \(profiles.first ?? ""), or say `required: false`")
                    }
                    if entry.value["required"]?.bool == false {
                        return report.warning(place, "there is no service '\(entry.key)'; it is not required")
                    }
                    let meant = report.likely(entry.key, among: (services?.keys ?? []) + disabled.keys)
                    report.error(
                        place, "there is no service '\(entry.key)'",
                        hint: meant.map { "did you mean '\($0)'?" } ?? listed(services?.keys ?? []))
                }
            }
        }
    }
}
