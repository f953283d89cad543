import YAML

/// Phase 10: adds what a model implies: the default network, full names, implied dependencies.
struct Normalisation {
    let projectName: String

    func apply(to model: inout Node) {
        var usesDefault = false
        model.update("services") { services in
            services.updateMapping { mapping in
                mapping.updateValues { _, service in
                    normalise(&service)
                    if service["networks"]?.mapping?.index(of: "default") != nil { usesDefault = true }
                }
            }
        }
        model.updateMapping { mapping in
            if usesDefault {
                mapping.fill("networks", Node(.mapping(Mapping())))
                mapping.update("networks") { networks in
                    networks.updateMapping { $0.fill("default", Node(.null)) }
                }
            }
            for key in ["networks", "volumes", "secrets", "configs"] {
                mapping.update(key) { elements in
                    elements.updateMapping { $0.updateValues(name) }
                }
            }
        }
    }

    private func name(_ key: String, _ element: inout Node) {
        if element.isNull { element.value = .mapping(Mapping()) }
        let span = element.span
        let isExternal = element["external"]?.bool == true
        element.updateMapping { mapping in
            mapping.fill("name", .text(isExternal ? key : "\(projectName)_\(key)", at: span))
        }
    }

    private func normalise(_ service: inout Node) {
        let span = service.span
        service.updateMapping { mapping in
            if mapping["network_mode"] == nil, mapping["provider"] == nil, mapping["networks"]?.mapping?.isEmpty ?? true
            {
                mapping["networks"] = .members([("default", Node(.null, at: span))], at: span)
            }
            if mapping.string(at: "pull_policy") == "if_not_present" {
                mapping.update("pull_policy") { $0.value = .string("missing") }
            }
            mapping.update("build") { build in
                let place = build.span
                build.updateMapping { members in
                    if members["dockerfile_inline"] == nil {
                        members.fill("dockerfile", .text("Dockerfile", at: place))
                    }
                }
            }
            if let image = mapping["image"], image.string?.isEmpty == false {
                // A hook that runs before the container needs an image; the default is the service's.
                mapping.update("pre_start") { hooks in
                    hooks.each { hook in hook.updateMapping { $0.fill("image", image) } }
                }
            }
            mapping.update("volumes") { volumes in
                volumes.each { volume in
                    volume.update("target") { target in
                        if let path = target.string { target.value = .string(FilePath.clean(path)) }
                    }
                }
            }
        }
        addImpliedDependencies(&service)
    }

    private func addImpliedDependencies(_ service: inout Node) {
        var implied: [(name: String, restart: Bool, span: Span)] = []
        for link in service["links"]?.sequence ?? [] {
            guard let text = link.string else { continue }
            let parts = text.parts(at: UInt8(ascii: ":"))
            implied.append((parts.count == 2 ? parts[0] : text, true, link.span))
        }
        for key in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
            guard let node = service[key], let text = node.string, text.hasPrefix("service:") else { continue }
            implied.append((String(text.dropFirst(8)), true, node.span))
        }
        for source in service["volumes_from"]?.sequence ?? [] {
            guard let text = source.string, !text.hasPrefix("container:") else { continue }
            implied.append((String(text.prefix { $0 != ":" }), false, source.span))
        }
        guard !implied.isEmpty else { return }
        service.updateMapping { mapping in
            let place = implied[0].span
            mapping.fill("depends_on", Node(.mapping(Mapping()), at: place))
            mapping.update("depends_on") { dependencies in
                dependencies.updateMapping { members in
                    for (name, restart, span) in implied where members.index(of: name) == nil {
                        var dependency: [(String, Node)] = [
                            ("condition", .text("service_started", at: span)),
                            ("required", Node(.bool(true), at: span)),
                        ]
                        dependency.append(("restart", Node(.bool(restart), at: span)))
                        members[name] = .members(dependency, at: span)
                    }
                }
            }
        }
    }
}

/// Phase 11: gives variables and build arguments without a value the value in the project's environment, and reads
/// env_file and label_file.
struct EnvironmentResolution {
    let source: any FileSource
    let report: Report
    let environment: [String: String]

    /// Resolves `environment` and, with `arguments`, `build.args` of every service. An unset variable stays without a
    /// value.
    func resolveVariables(in services: inout Mapping, arguments: Bool) {
        services.updateValues { _, service in
            service.update("environment") { node in
                node.updateMapping { $0.updateValues(take) }
            }
            guard arguments else { return }
            service.update("build") { build in
                build.update("args") { args in
                    args.updateMapping { mapping in
                        mapping.updateValues(take)
                        mapping.removeAll { $0.value.isNull }
                    }
                }
            }
        }
    }

    private func take(_ name: String, _ value: inout Node) {
        if value.isNull, let found = environment[name] { value.value = .string(found) }
    }

    /// Reads the files of the enabled services. The services' own values override theirs.
    func readFiles(of services: inout Mapping, variables: Bool) {
        services.updateValues { name, service in
            report.inside("services") {
                report.inside(name) {
                    if variables, service["env_file"] != nil { readVariables(of: &service) }
                    if service["label_file"] != nil { readLabels(of: &service) }
                }
            }
        }
    }

    private func readVariables(of service: inout Node) {
        let reader = EnvironmentFiles(source: source, report: report)
        let own = service["environment"]?.mapping ?? Mapping()
        let environment = environment
        var values: [String: String] = [:]
        each(service["env_file"], "env_file") { file in
            guard let path = file.string(at: "path") else { return }
            if let format = file["format"], let text = format.string, text != "raw" {
                report.inside("format") {
                    report.error(
                        format.span, "expected 'raw' as format, found '\(text)'", hint: "write raw, or remove 'format'")
                }
            }
            let read = reader.read(
                path, required: file["required"]?.bool ?? true, raw: file.string(at: "format") == "raw", at: file.span,
                earlier: values
            ) { environment[$0] ?? own[$0]?.string }
            values.merge(read) { _, new in new }
        }
        lay(values, under: &service, "environment")
        service.updateMapping { $0.remove("env_file") }
    }

    private func readLabels(of service: inout Node) {
        let reader = EnvironmentFiles(source: source, report: report)
        var labels: [String: String] = [:]
        each(service["label_file"], "label_file") { file in
            guard let path = file.string else { return }
            labels.merge(reader.read(path, required: true, at: file.span, earlier: labels) { _ in nil }) { _, new in new
            }
        }
        lay(labels, under: &service, "labels")
        service.updateMapping { $0.remove("label_file") }
    }

    /// The files of a list, each at its position; a single file has no number.
    private func each(_ list: Node?, _ attribute: String, _ body: (Node) -> Void) {
        guard let list, let files = list.sequence else { return }
        report.inside(attribute) {
            for (index, file) in files.enumerated() {
                report.inside(files.count == 1 && file.span == list.span ? nil : index) { body(file) }
            }
        }
    }

    private func lay(_ values: [String: String], under service: inout Node, _ key: String) {
        guard !values.isEmpty else { return }
        let span = service[key]?.span ?? service.span
        service.updateMapping { mapping in
            mapping.fill(key, Node(.mapping(Mapping()), at: span))
            mapping.update(key) { node in
                node.updateMapping { members in
                    for (name, value) in values where members.index(of: name) == nil {
                        members[name] = .text(value, at: span)
                    }
                }
            }
        }
    }
}
