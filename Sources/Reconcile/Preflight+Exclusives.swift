import ProjectModel

extension Preflight {
    func names(of service: DesiredService) -> [PreflightFinding] {
        let name = service.spec.name
        var findings: [PreflightFinding] = []
        if let fixed = service.spec.containerName, service.scale > 1 {
            findings.append(
                PreflightFinding(
                    .containerNameScaled, service: name, at: .service(name, "container_name"),
                    "container_name \(fixed) cannot be shared by \(service.scale) replicas",
                    hint: "remove container_name to scale the service"))
        }
        if let fixed = service.spec.containerName {
            for other in namers[fixed] ?? [] where isReported(with: service, other) {
                findings.append(
                    PreflightFinding(
                        .containerNameClash, service: name, at: .service(name, "container_name"),
                        "container_name \(fixed) is also that of \(other.spec.name)",
                        hint: "give one of them another name"))
            }
        }
        let replicas = effects.created[name] ?? []
        let wanted = Set(replicas.map { service.spec.replicaName($0, in: desired.project) }).sorted()
        for wantedName in wanted {
            guard let owner = facts.containerNames[wantedName], !effects.removed.contains(owner.container) else {
                continue
            }
            let whose = owner.project.map { $0 == desired.project ? "this project" : "project \($0)" } ?? "no project"
            findings.append(
                PreflightFinding(
                    .containerNameTaken, service: name,
                    at: service.spec.containerName == nil ? .service(name) : .service(name, "container_name"),
                    "the name \(wantedName) is taken by container \(owner.container.prefix(12)) of \(whose)",
                    hint: "remove or rename that container"))
        }
        return findings
    }

    func ports(of service: DesiredService) -> [PreflightFinding] {
        let count = service.upWantedCount
        guard count > 0 else { return [] }
        let name = service.spec.name
        return service.spec.ports.enumerated().flatMap { index, port -> [PreflightFinding] in
            let path = AttributePath.service(name, "ports").appending(index)
            guard let range = port.publishedRange else { return [] }
            var findings: [PreflightFinding] = []
            if count > range.count {
                findings.append(
                    PreflightFinding(
                        .fixedPortScaled, service: name, at: path,
                        "\(count) replicas cannot all publish port \(port.publishedText)",
                        hint: "publish a range of \(count) ports, or only the target port \(port.target)"))
            }
            if let clash = clash(of: port, in: service) {
                findings.append(
                    PreflightFinding(
                        .portClash, service: name, at: path,
                        "port \(port.publishedText) is also published by \(clash)",
                        hint: "publish one of them on another port or address"))
            }
            let holders = range.map { number in holder(of: port, number) }
            let fixed = range.count { number in
                range.count > 1 && holder(of: port, number) == nil && isFixed(number, port, by: service)
            }
            let free = holders.count { $0 == nil } - fixed
            if free + fixed == 0, case let holder?? = holders.first {
                let what = range.count == 1 ? "is" : "are all"
                findings.append(
                    PreflightFinding(
                        .portTaken, service: name, at: path,
                        "port \(port.publishedText) \(what) taken by \(holder)",
                        hint: "stop it, or publish another port"))
            } else if let crowd = crowd(on: port, range, free, with: service) {
                findings.append(
                    PreflightFinding(
                        .portTaken, service: name, at: path,
                        "\(crowd) cannot share port \(port.publishedText), of which \(free) are free",
                        hint: "publish longer ranges, or only the target port \(port.target)"))
            }
            return findings
        }
    }

    /// Another service of this project that also wants this single port.
    private func clash(of port: PortMapping, in service: DesiredService) -> String? {
        guard let range = port.publishedRange, range.count == 1 else { return nil }
        let others = (publishers[range.lowerBound] ?? []).filter { other in
            isReported(with: service, other) && other.upWantedCount > 0
        }
        return others.first { other in
            other.spec.ports.contains { theirs in
                theirs.publishedRange == range && theirs.transport == port.transport
                    && addressesOverlap(theirs.hostIP, port.hostIP)
            }
        }?.spec.name
    }

    /// Another service wants exactly this port, so the replicas of this service cannot have it.
    private func isFixed(_ number: UInt16, _ port: PortMapping, by service: DesiredService) -> Bool {
        (publishers[number] ?? []).contains { other in
            guard other.spec.name != service.spec.name, other.upWantedCount > 0 else { return false }
            return other.spec.ports.contains {
                $0.publishedRange == number...number && $0.transport == port.transport
                    && addressesOverlap($0.hostIP, port.hostIP)
            }
        }
    }

    /// The replicas that together want more ports than a range has: "6 replicas of api, web".
    private func crowd(
        on port: PortMapping, _ range: ClosedRange<UInt16>, _ free: Int, with service: DesiredService
    ) -> String? {
        guard range.count > 1 else { return nil }
        var total = service.upWantedCount
        var names = [service.spec.name]
        for other in desired.services
        where other.spec.name != service.spec.name && !other.isOrphan {
            let rivals = other.spec.ports.filter {
                $0.publishedRange == range && $0.transport == port.transport && addressesOverlap($0.hostIP, port.hostIP)
            }
            guard !rivals.isEmpty, other.upWantedCount > 0 else { continue }
            // Report it once, for the last service that the plan touches.
            if effects.touched.contains(other.spec.name), other.spec.name > service.spec.name { return nil }
            total += other.upWantedCount * rivals.count
            names.append(other.spec.name)
        }
        // A service that alone wants too many ports has its own finding, whatever others hold.
        guard total > free, names.count > 1 || free < range.count else { return nil }
        return "\(total) replicas of \(names.sorted().joined(separator: ", "))"
    }

    private func holder(of port: PortMapping, _ number: UInt16) -> String? {
        let held = facts.ports.first { held in
            guard held.number == number, held.transport == port.transport else { return false }
            guard addressesOverlap(held.address, port.hostIP) else { return false }
            guard let container = held.container else { return true }
            if effects.leaving.contains(container) { return false }
            // A container of a remaining service is a clash within the project; the code above reports that.
            guard let own = containersByID[container] else { return true }
            return own.number == nil || (services[own.service]?.isOrphan ?? true)
        }
        return held?.owner
    }
}

extension PortMapping {
    /// The host ports to choose from; nil when any will do.
    package var publishedRange: ClosedRange<UInt16>? {
        guard let published else { return nil }
        let ends = published.split(separator: "-", maxSplits: 1).compactMap { UInt16($0) }
        guard let first = ends.first, let last = ends.last, first > 0, first <= last else { return nil }
        return first...last
    }

    var publishedText: String {
        (hostIP.map { $0.contains(":") ? "[\($0)]:" : "\($0):" } ?? "") + (published ?? "any") + "/" + transport
    }
}

/// Whether two listeners on one port conflict. nil and `::` mean every address, `0.0.0.0` every IPv4 address.
func addressesOverlap(_ one: String?, _ other: String?) -> Bool {
    guard let one, let other, one != "::", other != "::" else { return true }
    if one == other { return true }
    let areIPv4 = !one.contains(":") && !other.contains(":")
    return areIPv4 && (one == "0.0.0.0" || other == "0.0.0.0")
}
