import ProjectModel

extension NetworkDefinition {
    /// Fields in which this differs from the definition of an existing network, if they require a new network. Labels and
    /// `attachable` do not; docker compose replaces a network because of a label.
    func shapeDivergences(from made: NetworkDefinition, field: String) -> [Divergence] {
        var result: [Divergence] = []
        result.compare("\(field).driver", made.driver ?? "bridge", driver ?? "bridge")
        result.compareNames("\(field).driver_opts", made.driverOptions, driverOptions)
        result.compare("\(field).internal", made.isInternal, isInternal)
        result.compare("\(field).enable_ipv4", made.enableIPv4, enableIPv4)
        result.compare("\(field).enable_ipv6", made.enableIPv6, enableIPv6)
        if made.ipam ?? IPAMDefinition() != ipam ?? IPAMDefinition() {
            let old = made.ipam?.config.compactMap(\.subnet).joined(separator: " ") ?? ""
            let new = ipam?.config.compactMap(\.subnet).joined(separator: " ") ?? ""
            let isPlain = old != new && !old.isEmpty && !new.isEmpty
            result.append(
                Divergence("\(field).ipam", .changed(from: isPlain ? old : nil, to: isPlain ? new : nil)))
        }
        return result
    }
}

extension VolumeDefinition {
    /// Fields in which this differs from the definition of an existing volume, if they require a new volume. Labels do not.
    func shapeDivergences(from made: VolumeDefinition, field: String) -> [Divergence] {
        var result: [Divergence] = []
        result.compare("\(field).driver", made.driver ?? "local", driver ?? "local")
        result.compareNames("\(field).driver_opts", made.driverOptions, driverOptions)
        return result
    }
}

extension [Divergence] {
    fileprivate mutating func compare<Value: Equatable>(_ field: String, _ old: Value, _ new: Value) {
        if old != new { append(Divergence(field, .changed(from: "\(old)", to: "\(new)"))) }
    }

    /// Options by name only: a mount option of a network file system may hold a password.
    fileprivate mutating func compareNames(_ field: String, _ old: [String: String], _ new: [String: String]) {
        for key in Set(old.keys).union(new.keys).sorted() where old[key] != new[key] {
            let change: Divergence.Change =
                old[key] == nil ? .added(nil) : new[key] == nil ? .removed(nil) : .changed(from: nil, to: nil)
            append(Divergence("\(field).\(key)", change))
        }
    }
}

extension Planner {
    /// Divergences of the networks, volumes, secrets and configs of a container. Definitions that the container did not record
    /// count as unchanged: a missing record must not replace anything.
    func definitionDivergences(of container: ObservedContainer, spec: Service) -> [Divergence] {
        var result: [Divergence] = []
        for key in spec.networks.map(\.network) {
            guard let made = container.networks[key], let wanted = desired.networks[key] else { continue }
            if made.name != wanted.name {
                let change = Divergence.Change.changed(from: made.name, to: wanted.name)
                result.append(Divergence("networks.\(key).name", change, isInPlace: true))
            }
            if objects.settledNetworks.contains(key) || wanted.external { continue }
            result += wanted.shapeDivergences(from: made, field: "networks.\(key)")
        }
        for key in spec.volumeKeys {
            guard let made = container.volumes[key], let wanted = desired.volumes[key] else { continue }
            result.compare("volumes.\(key).name", made.name, wanted.name)
            if objects.settledVolumes.contains(key) || wanted.external { continue }
            result += wanted.shapeDivergences(from: made, field: "volumes.\(key)")
        }
        result += fileDivergences("secrets", spec.secrets, container.secrets, desired.secrets)
        result += fileDivergences("configs", spec.configs, container.configs, desired.configs)
        return result
    }

    private func fileDivergences(
        _ field: String, _ mounts: [FileMount], _ made: [String: FileObject], _ wanted: [String: FileObject]
    ) -> [Divergence] {
        Set(mounts.map(\.source)).sorted().compactMap { key in
            guard let old = made[key], let new = wanted[key], old.name != new.name || old.source != new.source else {
                return nil
            }
            return Divergence("\(field).\(key)", .changed(from: nil, to: nil))
        }
    }
}
