import Linux
import Networking
import ProjectModel

/// The parts of the records that the machine's networks may not reflect yet.
struct Unsynced: Sendable {
    var containers: Set<String> = []
    /// Projects of those containers; other containers of the project may have links to them.
    var projects: Set<String> = []
    /// Networks that were created, changed or removed.
    var networks: Set<String> = []
    /// Networks whose set of containers, or of running containers, changed.
    var directories: Set<String> = []
    /// Everything.
    var isWhole = false

    mutating func merge(_ other: Unsynced) {
        containers.formUnion(other.containers)
        projects.formUnion(other.projects)
        networks.formUnion(other.networks)
        directories.formUnion(other.directories)
        isWhole = isWhole || other.isWhole
    }

    mutating func insert(_ record: ContainerRecord) {
        containers.insert(record.id)
        if let project = record.project { projects.insert(project) }
        directories.formUnion(record.endpoints.map(\.network))
    }
}

/// Derives firewall rules, ports and DNS names from the records.
extension Inventory {
    /// What the machine must change: for the containers in `asked`, and for everything that changed since the last
    /// call, which is also the second part of the result. `starting` lists containers that are about to run. The cost
    /// depends only on what changed.
    func networkChange(
        _ asked: Unsynced, starting: Set<String>, resolver: ResolverConfiguration
    ) -> (change: NetworkChange, work: Unsynced) {
        var work = asked
        work.merge(takeUnsynced())
        for id in asked.containers { if let record = containers[id] { work.insert(record) } }
        if work.isWhole {
            work.networks = Set(networks.keys)
            work.containers.formUnion(containers.keys)
            work.directories = Set(containers.values.flatMap(\.endpoints).map(\.network))
        }
        var change = NetworkChange()
        change.isWhole = work.isWhole
        for name in work.networks {
            change.networks[name] = .some(isLeaving(network: name) ? nil : networks[name])
        }
        var ids = work.containers
        if !work.isWhole {
            for name in work.networks { ids.formUnion(users(ofNetwork: name).map(\.id)) }
            for record in linkedContainers()
            where !record.template.everyExternalLink.isEmpty || work.projects.contains(record.project ?? "") {
                ids.insert(record.id)
            }
            for project in work.projects {
                for record in everyContainer(of: project) where record.isAside == true { ids.insert(record.id) }
            }
        }
        for id in ids { change.containers[id] = .some(container(id, starting, resolver)) }
        for name in work.directories { change.directories[name] = .some(directory(name, starting)) }
        return (change, work)
    }

    private func container(
        _ id: String, _ starting: Set<String>, _ resolver: ResolverConfiguration
    ) -> NetworkChange.Container? {
        guard let record = containers[id]?.asKnown else { return nil }
        let isThere = record.isOnNetwork(starting) && !record.endpoints.isEmpty
        let published: [NetworkChange.Published]
        if record.isAside == true {
            published = stoodInFor(record, starting)
        } else {
            published = isThere ? publishedPorts(of: record, leadingTo: record) : []
        }
        guard isThere || !published.isEmpty else { return nil }
        return NetworkChange.Container(zone: isThere ? zone(record, starting, resolver) : nil, published: published)
    }

    private func publishedPorts(
        of record: ContainerRecord, leadingTo other: ContainerRecord
    ) -> [NetworkChange.Published] {
        let addresses = other.publishingEndpoint?.bareAddresses ?? []
        return record.ports.filter { $0.hostPort != 0 }.map { .init(port: $0, addresses: addresses) }
    }

    /// During an update: the published ports of a replica that is unavailable, so that another replica answers on them.
    private func stoodInFor(_ record: ContainerRecord, _ starting: Set<String>) -> [NetworkChange.Published] {
        guard isStoodInFor(record, starting), let project = record.project, let service = record.service else {
            return []
        }
        let other = records(index.services[.init(project: project, service: service)]).lazy.map(\.asKnown).first {
            $0.isOnNetwork(starting) && $0.isAside != true && !$0.isOneOff && !$0.endpoints.isEmpty
        }
        guard let other else { return [] }
        return publishedPorts(of: record, leadingTo: other).filter { published in
            !records(index.ports[published.port.hostPort]).contains { rival in
                guard rival.id != record.id, rival.ports.contains(where: { $0.isTheSamePlace(as: published.port) })
                else {
                    return false
                }
                if rival.isAside == true { return rival.id < record.id && isStoodInFor(rival, starting) }
                return rival.isOnNetwork(starting) && !rival.endpoints.isEmpty
            }
        }
    }

    /// A container that is being replaced keeps its ports until its successor starts.
    private func isStoodInFor(_ record: ContainerRecord, _ starting: Set<String>) -> Bool {
        guard record.isAside == true, !record.isOneOff else { return false }
        if let successor = record.replacedBy.flatMap({ containers[$0] }), successor.isOnNetwork(starting) {
            return false
        }
        return record.isOnNetwork(starting) || record.life.phase == .exited && record.life.stoppedByUs
    }

    private func directory(_ network: String, _ starting: Set<String>) -> NetworkChange.Directory? {
        var directory = NetworkChange.Directory(network: network)
        let suffix = network.lowercased()
        for record in users(ofNetwork: network).map(\.asKnown)
        where record.isOnNetwork(starting) && record.isAside != true {
            for endpoint in record.endpoints where endpoint.network == network {
                let addresses = endpoint.bareAddresses
                for name in Set(endpoint.aliases.map { $0.lowercased() }) {
                    directory.names[name, default: []] += addresses
                    directory.names["\(name).\(suffix)", default: []] += addresses
                }
                for address in addresses { directory.reverse[address] = "\(record.name).\(network)" }
            }
        }
        return directory.names.isEmpty ? nil : directory
    }

    private func zone(
        _ record: ContainerRecord, _ starting: Set<String>, _ resolver: ResolverConfiguration
    ) -> NetworkChange.Zone {
        let shared = Set(record.endpoints.map(\.network))
        var linked: [String: [IPAddress]] = [:]
        let links = record.template.links.map { link in
            (
                link,
                records(index.services[.init(project: record.project ?? "", service: link.target)]).map(\.asKnown)
                    .filter { !$0.isOneOff && $0.isAside != true }
            )
        }
        let external = record.template.everyExternalLink.map { link in (link, find(link.target).map { [$0] } ?? []) }
        for (link, targets) in links + external {
            let addresses = targets.filter { $0.isOnNetwork(starting) }.flatMap(\.endpoints)
                .filter { shared.contains($0.network) }.flatMap(\.bareAddresses)
            if !addresses.isEmpty { linked[link.alias.lowercased()] = addresses }
        }
        let joined = shared.sorted().compactMap { isLeaving(network: $0) ? nil : network($0) }
        let chosen = resolver.replacing(search: record.template.dnsSearch, options: record.template.dnsOptions)
        return NetworkChange.Zone(
            container: record.id, directories: record.endpoints.map(\.network), names: linked,
            networks: joined.flatMap(\.subnets),
            upstreams: record.template.dns.isEmpty
                ? resolver.nameservers : record.template.dns.compactMap { IPAddress($0) },
            search: chosen.search, options: chosen.options, isInternal: joined.allSatisfy(\.definition.isInternal))
    }
}

extension ContainerRecord {
    /// Others can reach it: it runs or is about to run.
    fileprivate func isOnNetwork(_ starting: Set<String>) -> Bool {
        switch life.phase {
        case .running, .paused: true
        case .creating, .created, .restarting, .exited: starting.contains(id)
        case .removing: false
        }
    }
}

extension ContainerRecord.Port {
    /// They occupy the same place on the host.
    fileprivate func isTheSamePlace(as other: Self) -> Bool {
        hostPort == other.hostPort && transport == other.transport && (hostIP ?? "") == (other.hostIP ?? "")
    }
}
