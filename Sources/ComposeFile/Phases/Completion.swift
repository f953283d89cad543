import YAML

/// Phase 8: fills in the defaults of the format.
struct Completion {
    /// For raw output: `all` stays a word.
    var lenient = false

    func apply(to model: inout Node) {
        model.updateMapping { mapping in
            for key in ["networks", "volumes"] {
                mapping.update(key) { elements in
                    elements.updateMapping { members in
                        members.updateValues { if $1.isNull { $1.value = .mapping(Mapping()) } }
                    }
                }
            }
            if !lenient { mapping.fill("services", Node(.mapping(Mapping()))) }
            mapping.update("services") { services in
                services.updateMapping { $0.updateValues { _, service in complete(&service) } }
            }
        }
    }

    /// The default folder of a build is that of its file, even for an included file.
    static func completeBuilds(in model: inout Node) {
        model.update("services") { services in
            services.updateMapping { $0.updateValues { _, service in service.update("build", completeBuild) } }
        }
    }

    private static func completeBuild(_ build: inout Node) {
        let span = build.span
        build.updateMapping { $0.fill("context", .text(".", at: span)) }
    }

    private func complete(_ service: inout Node) {
        service.updateMapping { mapping in
            mapping.update("build", Self.completeBuild)
            mapping.update("ports") { $0.each(completePort) }
            mapping.update("secrets") { $0.each(completeSecret) }
            mapping.update("gpus") { $0.each(completeRequest) }
            mapping.update("depends_on") { node in
                node.updateMapping { services in
                    services.updateValues { _, dependency in
                        let span = dependency.span
                        dependency.updateMapping { $0.fill("required", Node(.bool(true), at: span)) }
                    }
                }
            }
            mapping.update("deploy") { completeDeploy(&$0) }
            if !lenient {
                mapping.update("provider") {
                    $0.update("options") { $0.updateMapping { $0.updateValues(completeOption) } }
                }
            }
            // An empty DNS server comes from a variable without a value. An empty search domain means "none".
            mapping.update("dns") { node in node.updateSequence { $0.removeAll { $0.string == "" } } }
        }
    }

    /// A single value becomes a list of one. This comes after merging, because there a single value replaces another.
    private func completeOption(_ name: String, _ value: inout Node) {
        if value.sequence == nil { value.value = .sequence([Node(value.value, at: value.span)]) }
    }

    private func completePort(_ port: inout Node) {
        let span = port.span
        port.updateMapping { mapping in
            mapping.fill("mode", .text("ingress", at: span))
            mapping.fill("protocol", .text("tcp", at: span))
        }
    }

    private func completeSecret(_ secret: inout Node) {
        let span = secret.span
        secret.updateMapping { mapping in
            guard let source = mapping.string(at: "source") else { return }
            mapping.fill("target", .text("/run/secrets/\(source)", at: span))
        }
    }

    private func completeRequest(_ request: inout Node) {
        let span = request.span
        request.updateMapping { mapping in
            if mapping["device_ids"] == nil {
                mapping.fill("count", Node(lenient ? .string("all") : .integer(-1), at: span))
            }
        }
    }

    private func completeDeploy(_ deploy: inout Node) {
        deploy.updateMapping { mapping in
            mapping.update("resources") { resources in
                resources.updateMapping { parts in
                    parts.update("reservations") { reservations in
                        reservations.updateMapping { $0.update("devices") { $0.each(completeRequest) } }
                    }
                }
            }
        }
    }
}

extension Mapping {
    /// Changes the value of `key` in place, if there is one.
    mutating func update(_ key: String, _ body: (inout Node) -> Void) {
        if let index = index(of: key) { update(at: index, body) }
    }

    /// Sets `key` when it is absent.
    mutating func fill(_ key: String, _ value: @autoclosure () -> Node) {
        if index(of: key) == nil { self[key] = value() }
    }
}

extension Node {
    /// Changes each item of a sequence in place.
    mutating func each(_ body: (inout Node) -> Void) {
        updateSequence { nodes in
            for index in nodes.indices { body(&nodes[index]) }
        }
    }

    /// Changes the member `key` of a mapping in place, if there is one.
    mutating func update(_ key: String, _ body: (inout Node) -> Void) {
        updateMapping { $0.update(key, body) }
    }
}
