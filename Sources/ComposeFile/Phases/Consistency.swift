import YAML

/// Phase 13: checks that the parts of a model fit together.
struct Consistency {
    let report: Report
    let model: Node
    let disabled: Mapping

    private var services: Mapping { model["services"]?.mapping ?? Mapping() }

    func check() {
        report.inside("services") {
            for entry in services.entries {
                report.inside(entry.key) { check(entry) }
            }
            checkContainerNames()
        }
        checkCycles()
    }

    private func check(_ entry: Mapping.Entry) {
        let service = entry.value
        guard service.mapping != nil else { return }
        let isUnknown =
            report.isIncomplete || report.isWrong(element: "services.\(entry.key)")
            || ["image", "build", "provider", "extends"].contains { report.isWrong($0) }
        if !isUnknown, service.string(at: "image") ?? "" == "", service["build"] == nil, service["provider"] == nil {
            report.error(
                entry.keySpan, "the service '\(entry.key)' has neither 'image' nor 'build'",
                hint: "say what it runs: image: NAME")
        }
        if let mode = service["network_mode"], let networks = service.mapping?.entry("networks"),
            networks.value.mapping?.isEmpty == false
        {
            report.inside("network_mode") {
                report.error(
                    mode.span, "'network_mode' and 'networks' exclude each other", hint: "remove one of the two",
                    notes: [report.note("the networks", networks.keySpan)])
            }
        }
        References(report: report, model: model, disabled: disabled).check(service)
        Scaling(report: report).check(service)
        checkBuild(service)
        checkTargets(service)
        checkWatch(service)
    }

    private func checkBuild(_ service: Node) {
        guard let build = service["build"] else { return }
        report.inside("build") {
            if let inline = build["dockerfile_inline"], let file = build.mapping?.entry("dockerfile") {
                report.inside("dockerfile_inline") {
                    report.error(
                        inline.span, "'dockerfile' and 'dockerfile_inline' exclude each other",
                        hint: "remove one of the two", notes: [report.note("the other one", file.keySpan)])
                }
            }
            if let platform = service["platform"], let text = platform.string,
                let platforms = build["platforms"]?.texts, !platforms.isEmpty, !platforms.contains(text)
            {
                report.error(
                    platform.span, "the platform '\(text)' is not among 'build.platforms'",
                    hint: "add it there, or remove 'platform'")
            }
            for entry in build["additional_contexts"]?.mapping?.entries ?? [] {
                guard let text = entry.value.string, text.hasPrefix("service:") else { continue }
                let name = String(text.dropFirst(8))
                if report.isIncomplete || report.isWrong(element: "services.\(name)") { continue }
                guard let other = services[name] ?? disabled[name] else {
                    let names = services.keys + disabled.keys
                    report.error(
                        entry.value.span, "there is no service '\(name)'",
                        hint: report.likely(name, among: names).map { "did you mean 'service:\($0)'?" }
                            ?? References.listed(names))
                    continue
                }
                if other["build"] == nil {
                    report.error(
                        entry.value.span, "the service '\(name)' has no 'build'",
                        hint: "name a service that is built, or an image: docker-image://NAME")
                }
            }
        }
    }

    private func checkTargets(_ service: Node) {
        let (volumes, temporary) = (service["volumes"]?.sequence ?? [], service["tmpfs"]?.sequence ?? [])
        let count = volumes.count + temporary.count
        guard count > 1 else { return }
        var seen = [String: Span](minimumCapacity: count)
        func check(_ path: String, _ span: Span) {
            let target = FilePath.clean(path)
            if let first = seen[target] {
                report.error(
                    span, "something is already mounted on '\(target)'", hint: "remove one of the two",
                    notes: [report.note("the first mount", first)])
            }
            seen[target] = seen[target] ?? span
        }
        report.inside("tmpfs") {
            for (index, item) in temporary.enumerated() {
                let path = String((item.string ?? "").prefix { $0 != ":" })
                report.inside(temporary.count > 1 ? index : nil) { check(path, item.span) }
            }
        }
        report.inside("volumes") {
            for (index, volume) in volumes.enumerated() {
                guard let target = volume["target"], let path = target.string else { continue }
                report.inside(index) { check(path, target.span) }
            }
        }
    }

    private func checkWatch(_ service: Node) {
        guard let rules = service["develop"]?["watch"]?.sequence else { return }
        report.inside("develop") {
            report.inside("watch") {
                for (index, rule) in rules.enumerated() {
                    guard let action = rule["action"], let text = action.string, text.hasPrefix("sync"),
                        rule["target"] == nil
                    else { continue }
                    report.inside(index) {
                        report.error(
                            action.span, "the action '\(text)' needs 'target'",
                            hint: "add `target: /PATH`, in the container")
                    }
                }
            }
        }
    }

    private func checkContainerNames() {
        var seen: [String: Span] = [:]
        for entry in services.entries {
            guard let name = entry.value["container_name"], let text = name.string else { continue }
            if let first = seen[text] {
                report.inside(entry.key) {
                    report.inside("container_name") {
                        report.error(
                            name.span, "the container name '\(text)' is taken by another service",
                            hint: "give one of the two another name, or leave it out",
                            notes: [report.note("taken here", first)])
                    }
                }
            }
            seen[text] = seen[text] ?? name.span
        }
    }

    // MARK: Cycles

    private func checkCycles() {
        var done: Set<String> = []
        let dependent = services.entries.filter { $0.value["depends_on"]?.mapping?.isEmpty == false }
        for name in dependent.map(\.key).sorted() where !done.contains(name) {
            if let cycle = cycle(from: name, &done) {
                let (from, to) = (cycle[cycle.count - 2], cycle[cycle.count - 1])
                References(report: report, model: model, disabled: disabled).atDependency(of: from, on: to) { span in
                    report.error(
                        span, "services depend on each other: \(cycle.joined(separator: " -> "))",
                        hint: from == to
                            ? "remove '\(to)' from its own dependencies" : "remove one of these dependencies")
                }
                return
            }
        }
    }

    /// A cycle that can be reached from `start`, with its first name repeated at the end. Not recursive, because chains
    /// may be long.
    private func cycle(from start: String, _ done: inout Set<String>) -> [String]? {
        var stack: [(name: String, open: [String])] = [(start, dependencies(of: start))]
        var onPath: Set<String> = [start]
        while let (name, open) = stack.last {
            guard let next = open.first else {
                done.insert(name)
                onPath.remove(name)
                stack.removeLast()
                continue
            }
            stack[stack.count - 1].open.removeFirst()
            if onPath.contains(next) {
                let path = stack.map(\.name)
                let from = path.firstIndex(of: next) ?? 0
                return path[from...] + [next]
            }
            if !done.contains(next) {
                onPath.insert(next)
                stack.append((next, dependencies(of: next)))
            }
        }
        return nil
    }

    private func dependencies(of name: String) -> [String] {
        (services[name]?["depends_on"]?.mapping?.keys ?? []).filter { services.index(of: $0) != nil }.sorted()
    }
}
