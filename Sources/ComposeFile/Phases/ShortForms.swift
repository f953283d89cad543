import Addresses
import YAML

/// Short forms with a grammar of their own: ports, volumes, devices, hosts, build keys.
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
                    if !lenient || item.string == nil {
                        report.error(item.span, error.message, hint: PortSpec.advice(text))
                    }
                }
            }
        }
        if !(lenient && failed) { node.value = .sequence(ports) }
    }

    private func port(_ spec: PortSpec, at span: Span) -> Node {
        if spec.target == 0 {
            report.error(span, "the container's port is 0", hint: "write the port on which its program listens: 80")
            report.silence(span)
        }
        var members = Mapping(capacity: 5)
        func add(_ key: String, _ value: Node.Value) {
            members.append(Mapping.Entry(key: key, keySpan: span, value: Node(value, at: span)))
        }
        add("mode", .string("ingress"))
        add("target", .integer(Int64(spec.target)))
        add("protocol", .string(spec.transport))
        if let published = spec.published { add("published", .string(published)) }
        if let address = spec.hostIP { add("host_ip", .string(address)) }
        return Node(.mapping(members), at: span)
    }

    private func longPort(_ item: Node) -> Node {
        guard let mapping = item.mapping else { return item }
        // Otherwise the grammar of the attribute checks it.
        if lenient, let address = mapping["host_ip"], let text = address.string, !IPAddress.isValid(text),
            !text.contains("$")
        {
            report.inside("host_ip") {
                report.error(
                    address.span, "'\(text)' is not an IP address", hint: TextGrammar.hostAddressHint(text))
            }
        }
        if mapping["target"] == nil, !report.isWrong("target"), !report.isIncomplete {
            report.error(
                item.span, "a port needs 'target', the port in the container",
                hint: "add `target: \(mapping["published"].flatMap { Validation.plainText($0) } ?? "80")`")
        }
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
                    "the volume option '\(option)' is unknown and has no effect",
                    hint: meant ?? "options are ro, rw, nocopy, z, Z and mount propagation")
            }
            if !lenient, spec.target.utf8.first != UInt8(ascii: "/") {
                report.add(spec.relativeTarget, at: span, worksElsewhere: TextGrammar.isWindowsPath(spec.target))
                report.silence(span)
            }
            node.value = volume(spec, at: span).value
        } catch {
            report.error(span, error.message, hint: VolumeSpec.advice(text))
        }
    }

    private func volume(_ spec: VolumeSpec, at span: Span) -> Node {
        var members = Mapping(capacity: 5)
        func add(_ key: String, _ value: Node.Value, to mapping: inout Mapping) {
            mapping.append(Mapping.Entry(key: key, keySpan: span, value: Node(value, at: span)))
        }
        add("type", .string(spec.isBind ? "bind" : "volume"), to: &members)
        if let source = spec.source { add("source", .string(source), to: &members) }
        add("target", .string(FilePath.clean(spec.target)), to: &members)
        if spec.readOnly { add("read_only", .bool(true), to: &members) }
        var bind = Mapping()
        if let selinux = spec.selinux { add("selinux", .string(selinux), to: &bind) }
        if let propagation = spec.propagation { add("propagation", .string(propagation), to: &bind) }
        if spec.isBind { add("create_host_path", .bool(true), to: &bind) }
        if !bind.isEmpty { add("bind", .mapping(bind), to: &members) }
        if !spec.isBind && (spec.source != nil || spec.target.utf8.count > 2) || spec.noCopy {
            var volume = Mapping()
            if spec.noCopy { add("nocopy", .bool(true), to: &volume) }
            add("volume", .mapping(volume), to: &members)
        }
        return Node(.mapping(members), at: span)
    }

    private func device(_ node: inout Node) {
        guard let text = node.string else { return }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 3, let source = parts.first, !source.isEmpty else {
            if lenient { return }
            return report.error(
                node.span, "'\(text)' is not a device", hint: "the form is SOURCE[:TARGET[:PERMISSIONS]]: \"/dev/fuse\""
            )
        }
        if !lenient, let fault = Self.deviceFault(parts, text) {
            report.add(fault, at: node.span)
            report.silence(node.span)
        }
        var target = parts.count > 1 && !parts[1].isEmpty ? parts[1] : source
        var permissions = parts.count == 3 ? parts[2] : "rwm"
        // CDI names and paths contain no second colon. As in docker compose, `/dev/a:r` means a target `r`.
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

    /// A path or permissions that no device can have. `vendor.com/class=name` is a CDI name.
    private static func deviceFault(_ parts: [String], _ text: String) -> TextGrammar.Fault? {
        if parts.count > 1, !parts[1].isEmpty, !parts[1].hasPrefix("/") {
            if TextGrammar.devicePermissions.fault(parts[1]) == nil {
                return TextGrammar.Fault(
                    "'\(parts[1])' stands where the path in the container is expected",
                    hint: "write \"\(parts[0]):\(parts[0]):\(parts[1])\"")
            }
            return TextGrammar.relative(parts[1], "the path of a device in the container")
        }
        if parts.count < 3 || parts[2].isEmpty { return nil }
        return TextGrammar.devicePermissions.fault(parts[2])
    }

    // MARK: Hosts and keys

    private func extraHosts(_ node: inout Node) {
        var lines: [Node] = []
        func add(_ host: String, _ addresses: String, _ span: Span, _ text: String) {
            if host.isEmpty {
                return report.error(span, "a host name is missing", hint: "write NAME=ADDRESS: \"db=10.0.0.3\"")
            }
            for address in addresses.split(separator: ",", omittingEmptySubsequences: false) {
                let bare =
                    address.hasPrefix("[") && address.hasSuffix("]") ? address.dropFirst().dropLast() : address
                if bare.isEmpty {
                    return report.error(span, "the address of '\(host)' is missing", hint: ExtraHostText.advice(text))
                }
                if !lenient, let fault = ExtraHostText.fault(host, String(bare)) { report.add(fault, at: span) }
                lines.append(.text("\(host)=\(bare)", at: span))
            }
        }
        if let items = node.sequence {
            var seen: Set<Node> = []
            for (index, item) in items.enumerated() where item.tag != .reset {
                guard let text = item.string else { continue }
                report.inside(index) {
                    if !seen.insert(item).inserted {
                        report.error(item.span, "'\(text)' is given twice", hint: "remove one of the two")
                    }
                    let separator: Character = text.contains("=") ? "=" : ":"
                    let host = text.prefix { $0 != separator }
                    add(String(host), String(text[host.endIndex...].dropFirst()), item.span, text)
                }
            }
        } else if let mapping = node.mapping {
            for entry in mapping.entries {
                report.inside(entry.key) {
                    for address in entry.value.sequence ?? [entry.value] {
                        add(entry.key, address.string ?? "", address.span, "\(entry.key)=")
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
                    report.error(item.span, "'\(text)' is not an SSH key", hint: "write 'default' or 'ID=PATH'")
                }
            }
            let id = separator.map { String(text[..<$0.lowerBound]) } ?? text
            let path = separator.map { Node.text(String(text[$0.upperBound...]), at: item.span) }
            keys.put(Mapping.Entry(key: id, keySpan: item.span, value: path ?? Node(.null, at: item.span)))
        }
        node.value = .mapping(keys)
    }
}
