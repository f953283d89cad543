import YAML

/// Finds the attributes of a model that berth does not act on: reports a warning, or an error where ignoring one would
/// do harm.
struct Support {
    let report: Report

    func check(_ node: Node, _ shape: Shape) {
        guard shape.holdsUnacted else { return }
        switch node.value {
        case .mapping(let mapping):
            let entries = mapping.entries
            for index in entries.indices {
                if let record = shape.record {
                    check(entries, index, record)
                } else if let members = shape.members, entries[index].value.isCollection {
                    report.inside(entries[index].key) { check(entries[index].value, members) }
                }
            }
            if shape.record === Format.serviceVolume { checkVolume(node) }
            if shape.record === Format.service { checkService(node) }
            if shape.record === Format.network { checkNetwork(node) }
        case .sequence(let nodes):
            guard let items = shape.items else { return }
            for index in nodes.indices { report.inside(index) { check(nodes[index], items) } }
        default: return
        }
    }

    private func check(_ entries: [Mapping.Entry], _ index: Int, _ record: Record) {
        guard let attribute = record[entries[index].key] else { return }
        switch attribute.standing {
        case .acted:
            guard attribute.shape.holdsUnacted, entries[index].value.isCollection else { return }
            report.inside(attribute.name) { check(entries[index].value, attribute.shape) }
        default: report.inside(attribute.name) { judge(entries[index], attribute.standing) }
        }
    }

    private func judge(_ entry: Mapping.Entry, _ standing: Standing) {
        switch standing {
        case .notYet: report.warning(entry.keySpan, "'\(entry.key)' is not supported yet")
        case .refused(let reason): report.error(entry.keySpan, "'\(entry.key)' is not supported yet: \(reason)")
        case .acted, .noEffect: return
        }
    }

    private func checkVolume(_ volume: Node) {
        guard let type = volume["type"], let text = type.string, text == "cluster" || text == "npipe" else { return }
        report.error(
            type.span, "a volume of type '\(text)' cannot be mounted here: data written there would be lost")
    }

    private func checkService(_ service: Node) {
        checkNetworkMode(service)
        checkAttachments(service)
        if let runtime = service["runtime"] { report.inside("runtime") { checkRuntime(runtime) } }
        if let mode = service["userns_mode"], let text = mode.string, text != "", text != "host" {
            report.error(
                mode.span, "'userns_mode: \(text)' is not supported: only 'host' is", hint: "remove 'userns_mode'")
        }
        guard let options = service["security_opt"]?.sequence else { return }
        report.inside("security_opt") { for option in options { checkSecurityOption(option) } }
    }

    /// berth's own runtime does what runc and crun do. It cannot replace a runtime that isolates better or adds
    /// devices.
    private func checkRuntime(_ runtime: Node) {
        guard let name = runtime.string else { return }
        let own = ["", "berth-runtime", "runc", "crun", "youki", "io.containerd.runc.v2"]
        guard !own.contains(name) else { return }
        report.error(
            runtime.span,
            "the runtime '\(name)' is not available: berth uses its own, which isolates like runc",
            hint: "remove 'runtime' if that is enough")
    }

    private func checkSecurityOption(_ option: Node) {
        guard let text = option.string, text != "no-new-privileges" else { return }
        let kind = String(text.prefix { $0 != "=" && $0 != ":" })
        let known = ["no-new-privileges", "seccomp", "apparmor", "label", "systempaths"]
        guard !known.contains(kind) || kind == text else { return }
        report.error(
            option.span, "the security option '\(text)' is unknown",
            hint: nearest(to: kind, among: known).map { "did you mean '\($0)'?" }
                ?? "known are \(known.joined(separator: ", "))")
    }

    private func checkNetwork(_ network: Node) {
        let own =
            switch network["driver"]?.string {
            case "macvlan": ["parent", "macvlan_mode"]
            case "ipvlan": ["parent", "ipvlan_mode", "ipvlan_flag"]
            default:
                [
                    "com.docker.network.bridge.name", "com.docker.network.bridge.enable_icc",
                    "com.docker.network.bridge.enable_ip_masquerade", "com.docker.network.bridge.host_binding_ipv4",
                ]
            }
        checkDriverOptions(
            of: network, known: own + ["com.docker.network.driver.mtu", "com.docker.network.container_iface_prefix"])
    }

    private func checkAttachments(_ service: Node) {
        report.inside("networks") {
            for entry in service["networks"]?.mapping?.entries ?? [] where entry.value.isCollection {
                report.inside(entry.key) {
                    checkDriverOptions(
                        of: entry.value,
                        known: ["com.docker.network.endpoint.sysctls", "com.docker.network.endpoint.ifname"])
                }
            }
        }
    }

    private func checkDriverOptions(of node: Node, known: [String]) {
        report.inside("driver_opts") {
            for entry in node["driver_opts"]?.mapping?.entries ?? [] where !known.contains(entry.key) {
                report.warning(entry.keySpan, "the driver option '\(entry.key)' is not supported yet")
            }
        }
    }

    private func checkNetworkMode(_ service: Node) {
        guard let mode = service["network_mode"], mode.string == "bridge" || mode.string == "default" else { return }
        report.warning(
            mode.span, "there is no bridge that all projects share: the project's default network is used",
            hint: "remove 'network_mode'")
    }
}
