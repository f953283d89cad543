import YAML

/// The short forms with a grammar of their own: ports, volumes, devices, hosts, build keys.
struct ShortForms {
    let report: Report
    let lenient: Bool

    func expand(_ node: inout Node, _ short: Shape.Short) {
        switch short {
        case .ports: ports(&node)
        case .volume: volume(&node)
        case .device: device(&node)
        case .extraHosts: extraHosts(&node)
        case .ssh: ssh(&node)
        default: return
        }
    }

    // MARK: Ports

    private func ports(_ node: inout Node) {
        guard let items = node.sequence else { return }
        var failed = false
        var ports: [Node] = []
        for (index, item) in items.enumerated() where item.tag != .reset {
            report.inside(index) {
                guard item.mapping == nil, let text = Validation.plainText(item) else {
                    ports.append(longPort(item))
                    return
                }
                do throws(PortSpec.Failure) {
                    ports += try PortSpec.parse(text).map { port($0, at: item.span) }
                } catch {
                    failed = true
                    if !lenient {
                        report.error(
                            item.span, error.message, hint: "the form is [[IP:]HOST:]CONTAINER[/PROTOCOL]: \"8080:80\"")
                    }
                }
            }
        }
        if !(lenient && failed) { node.value = .sequence(ports) }
    }

    private func port(_ spec: PortSpec, at span: Span) -> Node {
        if spec.target == 0 { report.error(span, "the container's port is 0") }
        var members: [(String, Node)] = [
            ("mode", .text("ingress", at: span)), ("target", Node(.integer(Int64(spec.target)), at: span)),
            ("protocol", .text(spec.transport, at: span)),
        ]
        if let published = spec.published { members.append(("published", .text(published, at: span))) }
        if let address = spec.hostIP { members.append(("host_ip", .text(address, at: span))) }
        return .members(members, at: span)
    }

    private func longPort(_ item: Node) -> Node {
        guard let mapping = item.mapping, !lenient else { return item }
        if let address = mapping["host_ip"], let text = address.string, !IPAddress.isValid(text) {
            report.inside("host_ip") { report.error(address.span, "'\(text)' is no IP address") }
        }
        if mapping["target"] == nil { report.error(item.span, "a port needs 'target', the port in the container") }
        return item
    }

    // MARK: Volumes and devices

    private func volume(_ node: inout Node) {
        guard let text = node.string else { return }
        let span = node.span
        do throws(VolumeSpec.Failure) {
            let spec = try VolumeSpec.parse(text)
            for option in spec.unknown {
                let meant = nearest(to: option, among: VolumeSpec.options).map { "did you mean '\($0)'?" }
                report.warning(
                    report.sources.narrow(span, to: option),
                    "the volume option '\(option)' means nothing and is ignored",
                    hint: meant ?? "options are ro, rw, nocopy, z, Z and mount propagation")
            }
            node.value = volume(spec, at: span).value
        } catch {
            report.error(span, error.message, hint: "the form is [SOURCE:]TARGET[:OPTIONS]: \"data:/var/lib/data:ro\"")
        }
    }

    private func volume(_ spec: VolumeSpec, at span: Span) -> Node {
        var members: [(String, Node)] = [("type", .text(spec.isBind ? "bind" : "volume", at: span))]
        if let source = spec.source { members.append(("source", .text(source, at: span))) }
        members.append(("target", .text(FilePath.clean(spec.target), at: span)))
        if spec.readOnly { members.append(("read_only", Node(.bool(true), at: span))) }
        var bind: [(String, Node)] = []
        if let selinux = spec.selinux { bind.append(("selinux", .text(selinux, at: span))) }
        if let propagation = spec.propagation { bind.append(("propagation", .text(propagation, at: span))) }
        if spec.isBind { bind.append(("create_host_path", Node(.bool(true), at: span))) }
        if spec.isBind || !bind.isEmpty { members.append(("bind", .members(bind, at: span))) }
        if !spec.isBind && (spec.source != nil || spec.target.utf8.count > 2) || spec.noCopy {
            let noCopy = spec.noCopy ? [("nocopy", Node(.bool(true), at: span))] : []
            members.append(("volume", .members(noCopy, at: span)))
        }
        return .members(members, at: span)
    }

    private func device(_ node: inout Node) {
        guard let text = node.string else { return }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 3, let source = parts.first, !source.isEmpty else {
            return report.error(
                node.span, "'\(text)' is no device", hint: "the form is SOURCE[:TARGET[:PERMISSIONS]]: \"/dev/fuse\"")
        }
        var target = parts.count > 1 && !parts[1].isEmpty ? parts[1] : source
        var permissions = parts.count == 3 ? parts[2] : "rwm"
        // CDI names and paths contain no second colon; `/dev/a:r` names a target `r`, as docker compose has it.
        if parts.count == 3, permissions.isEmpty { permissions = "rwm" }
        if source.contains("="), parts.count == 1 { target = source }
        node.value =
            Node.members(
                [
                    ("source", .text(source, at: node.span)), ("target", .text(target, at: node.span)),
                    ("permissions", .text(permissions, at: node.span)),
                ], at: node.span
            ).value
    }

    // MARK: Hosts and keys

    private func extraHosts(_ node: inout Node) {
        var lines: [Node] = []
        func add(_ host: String, _ addresses: String, _ span: Span) {
            if host.isEmpty { return report.error(span, "a host name is missing") }
            for address in addresses.split(separator: ",", omittingEmptySubsequences: false) {
                let bare =
                    address.hasPrefix("[") && address.hasSuffix("]") ? address.dropFirst().dropLast() : address
                if bare.isEmpty { return report.error(span, "the address of '\(host)' is missing") }
                lines.append(.text("\(host)=\(bare)", at: span))
            }
        }
        if let items = node.sequence {
            var seen: Set<Node> = []
            for (index, item) in items.enumerated() where item.tag != .reset {
                guard let text = item.string else { continue }
                report.inside(index) {
                    if !seen.insert(item).inserted { report.error(item.span, "'\(text)' is given twice") }
                    let separator: Character = text.contains("=") ? "=" : ":"
                    let host = text.prefix { $0 != separator }
                    add(String(host), String(text[host.endIndex...].dropFirst()), item.span)
                }
            }
        } else if let mapping = node.mapping {
            for entry in mapping.entries {
                report.inside(entry.key) {
                    for address in entry.value.sequence ?? [entry.value] {
                        add(entry.key, address.string ?? "", address.span)
                    }
                }
            }
        } else {
            return
        }
        node.value = .sequence(lines.sorted { ($0.string ?? "") < ($1.string ?? "") })
    }

    /// `ID=PATH` items become a mapping; `default` has no path.
    private func ssh(_ node: inout Node) {
        guard let items = node.sequence else { return }
        var keys = Mapping()
        for (index, item) in items.enumerated() where item.tag != .reset {
            guard let text = item.string else { continue }
            // `config` prints `ID: PATH`.
            let separator = text.firstRange(of: "=") ?? text.firstRange(of: ": ")
            if separator == nil, text != "default" {
                report.inside(index) {
                    report.error(item.span, "'\(text)' is no SSH key", hint: "write 'default' or 'ID=PATH'")
                }
            }
            let id = separator.map { String(text[..<$0.lowerBound]) } ?? text
            let path = separator.map { Node.text(String(text[$0.upperBound...]), at: item.span) }
            keys.put(Mapping.Entry(key: id, keySpan: item.span, value: path ?? Node(.null, at: item.span)))
        }
        node.value = .mapping(keys)
    }
}
