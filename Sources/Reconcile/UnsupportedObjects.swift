import ProjectModel

extension PreflightFinding {
    /// What a network asks for that berth has on no machine; `key` is its key in the file.
    package static func unsupported(_ network: NetworkDefinition, key: String) -> [PreflightFinding] {
        let place = AttributePath("networks", key)
        var findings: [PreflightFinding] = []
        if network.kind == nil {
            let known = NetworkKind.drivers.map { "\"\($0)\"" }.joined(separator: ", ")
            findings.append(
                PreflightFinding(
                    .driverUnsupported, at: place.appending("driver"),
                    "network \(network.name): there is no driver \"\(network.driverName)\", only \(known)",
                    hint: hint(insteadOf: network.driverName)))
        }
        if let driver = network.ipam?.driver, !["default", ""].contains(driver) {
            findings.append(
                PreflightFinding(
                    .driverUnsupported, at: place.appending("ipam").appending("driver"),
                    "network \(network.name): there is no address driver \"\(driver)\", berth gives addresses itself",
                    hint: "take it away; `ipam.config` chooses the subnets"))
        }
        findings += (network.kind?.mistakes(in: network.driverOptions) ?? []).map { mistake in
            PreflightFinding(
                .optionInvalid, at: place.appending("driver_opts").appending(mistake.option),
                "network \(network.name): \(mistake.problem)", hint: mistake.hint)
        }
        return findings
    }

    private static func hint(insteadOf driver: String) -> String {
        switch driver {
        case "host", "none", "null":
            "take the network away and give its services `network_mode: \(driver == "host" ? "host" : "none")`"
        case "overlay": "take the driver away: a network reaches over one machine"
        default: "take the driver away, or write `bridge`"
        }
    }

    /// A volume is a folder of its name, so nothing in it may lead elsewhere.
    private static func isVolumeName(_ name: String) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
        }
        return name.utf8.first.map(isAlphanumeric) == true && name.utf8.count <= 255
            && name.utf8.allSatisfy { isAlphanumeric($0) || "_.-".utf8.contains($0) }
    }

    /// The same of a volume.
    package static func unsupported(_ volume: VolumeDefinition, key: String) -> [PreflightFinding] {
        let place = AttributePath("volumes", key)
        guard volume.external || isVolumeName(volume.name) else {
            return [
                PreflightFinding(
                    .optionInvalid, at: place.appending("name"), "\"\(volume.name)\" cannot be the name of a volume",
                    hint: "letters, digits, _, . and - name one, and it begins with a letter or digit")
            ]
        }
        if let driver = volume.driver, !["local", ""].contains(driver) {
            return [
                PreflightFinding(
                    .driverUnsupported, at: place.appending("driver"),
                    "volume \(volume.name): there is no driver \"\(driver)\", only \"local\"",
                    hint: "the local driver mounts NFS, CIFS and folders too: driver_opts type, device and o")
            ]
        }
        let options = volume.driverOptions
        let unknown = options.keys.sorted().filter { !["type", "device", "o"].contains($0) }
        if !unknown.isEmpty {
            return unknown.map { option in
                PreflightFinding(
                    .optionInvalid, at: place.appending("driver_opts").appending(option),
                    "volume \(volume.name): the driver option \"\(option)\" is unknown",
                    hint: "the local driver has type, device and o")
            }
        }
        guard !options.isEmpty, options["device"]?.isEmpty ?? true else { return [] }
        return [
            PreflightFinding(
                .optionInvalid, at: place.appending("driver_opts"),
                "volume \(volume.name): driver_opts lack `device`, what is mounted",
                hint: "for memory: {type: tmpfs, device: tmpfs}; for a folder: {type: none, o: bind, device: /path}")
        ]
    }
}

extension Preflight {
    /// What networks and volumes that would be made ask of the machine.
    func abilities() -> [PreflightFinding] {
        var findings: [PreflightFinding] = []
        for key in effects.createdNetworks.sorted() {
            guard let network = desired.networks[key] else { continue }
            findings += PreflightFinding.unsupported(network, key: key)
            let unknown = facts.features.unknownLinks.intersection(network.kind?.linkKinds ?? [])
            if let parent = network.kind?.parent, facts.features.missingInterfaces.contains(parent) {
                findings.append(
                    PreflightFinding(
                        .optionInvalid, at: AttributePath("networks", key, "driver_opts").appending("parent"),
                        "network \(network.name): this host has no interface \(parent)",
                        hint: "`ip link` lists those there are"))
            }
            findings += unknown.sorted().map { kind in
                PreflightFinding(
                    .kernelLacks, at: AttributePath("networks", key),
                    "network \(network.name): this kernel cannot make interfaces of kind \"\(kind)\"",
                    hint:
                        "`modprobe \(kind == "vlan" ? "8021q" : kind)` loads it where it is installed; `network_mode: host` does without"
                )
            }
            if network.enableIPv6, !facts.features.hasIPv6 {
                findings.append(
                    PreflightFinding(
                        .kernelLacks, at: AttributePath("networks", key, "enable_ipv6"),
                        "network \(network.name): this kernel has no IPv6",
                        hint: "take it away, or start the kernel without ipv6.disable=1"))
            }
        }
        for key in effects.createdVolumes.sorted() {
            guard let volume = desired.volumes[key] else { continue }
            let unsupported = PreflightFinding.unsupported(volume, key: key)
            findings += unsupported.isEmpty ? mount(of: volume, key) : unsupported
        }
        return findings
    }

    private func mount(of volume: VolumeDefinition, _ key: String) -> [PreflightFinding] {
        let place = AttributePath("volumes", key, "driver_opts")
        if let type = volume.driverOptions["type"], facts.features.unknownFileSystems.contains(type) {
            return [
                PreflightFinding(
                    .kernelLacks, at: place.appending("type"),
                    "volume \(volume.name): this kernel has no file system \"\(type)\"",
                    hint: "`modprobe \(type)` loads it where it is installed; /proc/filesystems lists what there is")
            ]
        }
        guard let device = volume.bindSource, facts.missingPaths.contains(device) else { return [] }
        return [
            PreflightFinding(
                .bindSourceMissing, at: place.appending("device"),
                "volume \(volume.name): \(device) does not exist", hint: "`mkdir -p \(device)`")
        ]
    }
}

extension VolumeDefinition {
    /// The folder of the host that it is, if it is one.
    package var bindSource: String? {
        let options = (driverOptions["o"] ?? "").split(separator: ",")
        guard options.contains("bind") || options.contains("rbind"), let device = driverOptions["device"],
            device.hasPrefix("/")
        else { return nil }
        return device
    }
}
