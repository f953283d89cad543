import ProjectModel

extension PreflightFinding {
    /// Settings of a network that berth supports on no machine; `key` is its key in the file.
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
                    hint: "remove it; `ipam.config` chooses the subnets"))
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
            "remove the network and give its services `network_mode: \(driver == "host" ? "host" : "none")`"
        case "overlay": "remove the driver: a network covers only one machine"
        default: "remove the driver, or write `bridge`"
        }
    }

    /// A volume's name becomes the name of a folder, so it must not lead to another path.
    private static func isVolumeName(_ name: String) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
        }
        return name.utf8.first.map(isAlphanumeric) == true && name.utf8.count <= 255
            && name.utf8.allSatisfy { isAlphanumeric($0) || "_.-".utf8.contains($0) }
    }

    /// The same for a volume.
    package static func unsupported(_ volume: VolumeDefinition, key: String) -> [PreflightFinding] {
        let place = AttributePath("volumes", key)
        guard volume.external || isVolumeName(volume.name) else {
            return [
                PreflightFinding(
                    .optionInvalid, at: place.appending("name"), "\"\(volume.name)\" cannot be the name of a volume",
                    hint: "use letters, digits, _, . and -, a letter or digit first")
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
                "volume \(volume.name): driver_opts need `device`, the source of the mount",
                hint: "for memory: {type: tmpfs, device: tmpfs}; for a folder: {type: none, o: bind, device: /path}")
        ]
    }
}

extension Preflight {
    /// Requirements of new networks and volumes on the machine.
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
                        hint: "`ip link` lists them"))
            }
            findings += unknown.sorted().map { kind in
                PreflightFinding(
                    .kernelLacks, at: AttributePath("networks", key),
                    "network \(network.name): this kernel cannot create interfaces of type \"\(kind)\"",
                    hint:
                        "`modprobe \(kind == "vlan" ? "8021q" : kind)` loads it if it is installed; `network_mode: host` needs none"
                )
            }
            if network.enableIPv6, !facts.features.hasIPv6 {
                findings.append(
                    PreflightFinding(
                        .kernelLacks, at: AttributePath("networks", key, "enable_ipv6"),
                        "network \(network.name): this kernel has no IPv6",
                        hint: "remove it, or start the kernel without ipv6.disable=1"))
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
                    hint: "`modprobe \(type)` loads it if it is installed; /proc/filesystems lists the supported ones")
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
    /// The folder of the host that the volume stands for, if any.
    package var bindSource: String? {
        let options = (driverOptions["o"] ?? "").split(separator: ",")
        guard options.contains("bind") || options.contains("rbind"), let device = driverOptions["device"],
            device.hasPrefix("/")
        else { return nil }
        return device
    }
}
