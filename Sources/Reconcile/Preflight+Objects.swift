import Addresses
import ProjectModel

extension Preflight {
    /// Networks that cannot be created or used, and changes of networks that must wait.
    func networks() -> [PreflightFinding] {
        var findings: [PreflightFinding] = []
        for (key, users) in usersByKey({ $0.networks.map(\.network) }) {
            guard let wanted = desired.networks[key] else { continue }
            let there = observed.networks[wanted.name]
            if wanted.external {
                guard there == nil else { continue }
                findings.append(
                    PreflightFinding(
                        .networkMissing, service: users.first, at: AttributePath("networks", key, "external"),
                        "network \(wanted.name) declared as external, but could not be found",
                        hint:
                            "`berth network create \(wanted.name)`, or start the project that creates it, or remove `external`"
                    ))
            } else if let there, there.project != desired.project {
                findings.append(
                    PreflightFinding(
                        .networkNotOurs, service: users.first, at: AttributePath("networks", key),
                        "a network with name \(wanted.name) exists but was not created by this project",
                        hint: "set `external: true` to use it, or give networks.\(key) another name"))
            } else if let there, !effects.removedNetworks.contains(wanted.name) {
                let changes = wanted.shapeDivergences(from: there.definition, field: "networks.\(key)")
                guard !changes.isEmpty else { continue }
                findings.append(
                    PreflightFinding(
                        .networkChangePutOff, at: AttributePath("networks", key),
                        "network \(wanted.name) stays as it is (\(changes.reason)): containers outside "
                            + "of this plan use it",
                        hint: "run `berth up` for the whole project, and remove stopped one-offs"))
            }
        }
        return findings + subnets()
    }

    func volumes() -> [PreflightFinding] {
        var findings: [PreflightFinding] = []
        for (key, users) in usersByKey(\.volumeKeys) {
            guard let wanted = desired.volumes[key] else { continue }
            let there = observed.volumes[wanted.name]
            if wanted.external {
                guard there == nil else { continue }
                findings.append(
                    PreflightFinding(
                        .volumeMissing, service: users.first, at: AttributePath("volumes", key, "external"),
                        "external volume \"\(wanted.name)\" not found",
                        hint: "`berth volume create \(wanted.name)`, or remove `external` to have it created"))
            } else if let there, there.project != desired.project {
                let whose = there.project.map { "for project \"\($0)\"" } ?? "by hand"
                findings.append(
                    PreflightFinding(
                        .volumeNotOurs, service: users.first, at: AttributePath("volumes", key),
                        "volume \"\(wanted.name)\" was created \(whose); this project uses it, but never removes it",
                        hint: "set `external: true` to confirm this"))
            } else if let there, !effects.removedVolumes.contains(wanted.name) {
                let changes = wanted.shapeDivergences(from: there.definition, field: "volumes.\(key)")
                guard !changes.isEmpty else { continue }
                findings.append(
                    PreflightFinding(
                        .volumeChangePutOff, at: AttributePath("volumes", key),
                        "volume \(wanted.name) stays as it is (\(changes.reason)): changing it loses its data"))
            }
        }
        return findings
    }

    /// By key, with the names of the services that the plan touches and that use it, both sorted.
    private func usersByKey(_ keys: (Service) -> [String]) -> [(key: String, users: [String])] {
        var users: [String: [String]] = [:]
        for service in touched {
            for key in Set(keys(service.spec)) { users[key, default: []].append(service.spec.name) }
        }
        return users.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Compares the subnets of new networks with the machine's and with each other.
    private func subnets() -> [PreflightFinding] {
        var findings: [PreflightFinding] = []
        var seen: [(range: CIDR, name: String)] = []
        for key in effects.createdNetworks.sorted() {
            guard let wanted = desired.networks[key] else { continue }
            for (index, pool) in (wanted.ipam?.config ?? []).enumerated() {
                guard let subnet = pool.subnet else { continue }
                let path = AttributePath("networks", key, "ipam", "config").appending(index).appending("subnet")
                guard let range = CIDR(range: subnet) else {
                    findings.append(
                        PreflightFinding(
                            .badSubnet, at: path, "networks.\(key): \(subnet) is not a subnet",
                            hint: "such as 10.1.2.0/24"))
                    continue
                }
                let hint = "choose another subnet for networks.\(key), or leave it out, and berth finds a free one"
                let taken = facts.subnets.first { held in
                    if let network = held.network, network == wanted.name || effects.removedNetworks.contains(network) {
                        return false
                    }
                    // A network that shares an interface of the host may overlap the subnet of that interface.
                    if held.network == nil, wanted.kind?.hasHost == false { return false }
                    return CIDR(range: held.subnet)?.overlaps(range) ?? false
                }
                if let taken {
                    let message =
                        "subnet \(subnet) of network \(wanted.name) overlaps \(taken.subnet) of \(taken.owner)"
                    findings.append(PreflightFinding(.subnetClash, at: path, message, hint: hint))
                } else if let other = seen.first(where: { $0.range.overlaps(range) }) {
                    let message = "subnet \(subnet) of network \(wanted.name) overlaps that of network \(other.name)"
                    findings.append(PreflightFinding(.subnetClash, at: path, message, hint: hint))
                }
                seen.append((range, wanted.name))
            }
        }
        return findings
    }

    /// Fixed addresses must be in a subnet of their network.
    func addresses(of service: DesiredService) -> [PreflightFinding] {
        unreachablePorts(of: service)
            + service.spec.networks.flatMap { attachment -> [PreflightFinding] in
                guard let network = desired.networks[attachment.network], !network.external else { return [] }
                let ranges = (network.ipam?.config ?? []).compactMap(\.subnet).compactMap { CIDR(range: $0) }
                let name = service.spec.name
                let wanted = [("ipv4_address", attachment.ipv4Address), ("ipv6_address", attachment.ipv6Address)]
                return wanted.compactMap { attribute, address in
                    guard let address else { return nil }
                    if let single = CIDR(range: address), ranges.contains(where: { $0.overlaps(single) }) {
                        return nil
                    }
                    let message = "the address \(address) is in no subnet of network \(attachment.network)"
                    return PreflightFinding(
                        .addressOutsideSubnet, service: name,
                        at: .service(name, "networks", attachment.network, attribute), message,
                        hint: "set networks.\(attachment.network).ipam.config.subnet to one that contains it")
                }
            }
    }

    /// berth can publish ports only of networks that the host is on.
    private func unreachablePorts(of service: DesiredService) -> [PreflightFinding] {
        let kinds = service.spec.networks.compactMap { desired.networks[$0.network] }.filter { !$0.external }
            .compactMap(\.kind)
        guard !service.spec.ports.isEmpty, !kinds.isEmpty, kinds.count == service.spec.networks.count,
            kinds.allSatisfy({ !$0.hasHost })
        else { return [] }
        return [
            PreflightFinding(
                .portsUnreachable, service: service.spec.name, at: .service(service.spec.name, "ports"),
                "the ports are not published: the host is on no network of the service",
                hint: "remove them, or add a network with the driver bridge")
        ]
    }
}

extension CIDR {
    /// A range or a single address.
    fileprivate init?(range text: String) {
        guard let range = CIDR(text) ?? IPAddress(text).map(CIDR.init(host:)) else { return nil }
        self = range
    }
}
