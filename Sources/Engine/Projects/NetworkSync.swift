import EngineWire
import Linux
import Logging
import Networking
import ProjectModel

/// Keeps rules, published ports and names as the records say; callers that come while it works share the next round.
package actor NetworkSync {
    private let inventory: Inventory
    private let machine: any Machine
    private let upstreams: @Sendable () -> ResolverConfiguration
    private let log: Logger
    /// Containers on their way to running: they have names and ports already.
    private var starting: Set<String> = []
    private var requested = 0
    private var current: Round?
    /// What of the state that is in force could not be made, by container: its own fault, and nobody else's.
    private(set) var faults: [String: EngineFailure] = [:]
    private var retry: Task<Void, Never>?

    /// One application of the state, for all who asked before it began.
    private struct Round {
        let task: Task<Void, any Error>
        let covers: Int
    }

    init(
        inventory: Inventory, machine: any Machine, upstreams: @escaping @Sendable () -> ResolverConfiguration,
        log: Logger
    ) {
        self.inventory = inventory
        self.machine = machine
        self.upstreams = upstreams
        self.log = log
    }

    /// Makes names and ports of `container` known before it runs.
    /// - Throws: what stands against those of this container; what stands against others' is told to them.
    func begin(_ container: String) async throws {
        starting.insert(container)
        try await sync()
        if let fault = faults[container] { throw fault }
    }

    func end(_ container: String) { starting.remove(container) }

    /// Returns once a state at least as new as this call is in force.
    func sync() async throws {
        requested += 1
        let mine = requested
        while true {
            let round = current ?? begin()
            let result = await round.task.result
            if round.covers >= mine { return try result.get() }
        }
    }

    /// Names and ports of what is gone leave soon: tried until it works, and waited for only the first time.
    func settle() async {
        if await !isSettled() { tryAgain() }
    }

    private func isSettled() async -> Bool {
        do {
            try await sync()
            return faults.isEmpty
        } catch {
            log.warning("names and ports could not be brought up to date: \(error)")
            return false
        }
    }

    private func tryAgain() {
        guard retry == nil else { return }
        retry = Task {
            var pause = Duration.seconds(1)
            repeat {
                do { try await machine.sleep(pause) } catch { break }
                pause = min(.seconds(60), pause * 2)
            } while await !isSettled()
            retry = nil
        }
    }

    private func begin() -> Round {
        // The task itself takes the round away when it ends: whoever waits for it must not find it again.
        let task = Task {
            defer { self.current = nil }
            try await self.apply()
        }
        let round = Round(task: task, covers: requested)
        current = round
        return round
    }

    private func apply() async throws {
        let state = NetworkStateBuilder(
            networks: await inventory.standingNetworks(), containers: await inventory.allContainers(),
            starting: starting,
            resolver: upstreams()
        ).state
        let found = try await machine.apply(state).containers
        for (id, fault) in found where faults[id] != fault {
            let name = await inventory.container(id)?.name ?? String(id.prefix(12))
            log.warning("container \(name): \(fault.message)")
        }
        faults = found
    }
}

/// Derives the wanted state of the networks from the records; pure.
struct NetworkStateBuilder {
    let networks: [NetworkRecord]
    let containers: [ContainerRecord]
    let starting: Set<String>
    let resolver: ResolverConfiguration

    var state: NetworkState {
        var state = NetworkState()
        let up = containers.filter { isUp($0) }
        state.networks = networks
        state.directories = directories(up)
        let byName = Dictionary(networks.map { ($0.name, $0) }) { first, _ in first }
        for container in up where !container.endpoints.isEmpty {
            for port in container.ports where port.hostPort != 0 {
                let addresses = publishedAddresses(container)
                state.published.append(.init(port: port, addresses: addresses, container: container.id))
            }
            state.zones.append(zone(container, up, byName))
        }
        return state
    }

    private func isUp(_ container: ContainerRecord) -> Bool {
        switch container.life.phase {
        case .running, .paused: true
        case .creating, .created, .restarting, .exited: starting.contains(container.id)
        case .removing: false
        }
    }

    private func publishedAddresses(_ container: ContainerRecord) -> [String] {
        (container.publishingEndpoint?.addresses ?? []).map { String($0.prefix { $0 != "/" }) }
    }

    private func directories(_ up: [ContainerRecord]) -> [NetworkState.Directory] {
        var result: [String: NetworkState.Directory] = [:]
        for container in up {
            for endpoint in container.endpoints {
                var directory = result[endpoint.network] ?? NetworkState.Directory(network: endpoint.network)
                let addresses = endpoint.addresses.map { String($0.prefix { $0 != "/" }) }
                for name in Set(endpoint.aliases.map { $0.lowercased() }) {
                    directory.names[name, default: []] += addresses
                    directory.names["\(name).\(endpoint.network.lowercased())", default: []] += addresses
                }
                for address in addresses { directory.reverse[address] = "\(container.name).\(endpoint.network)" }
                result[endpoint.network] = directory
            }
        }
        return result.values.sorted { $0.network < $1.network }
    }

    private func zone(
        _ container: ContainerRecord, _ up: [ContainerRecord], _ networks: [String: NetworkRecord]
    ) -> NetworkState.Zone {
        let shared = Set(container.endpoints.map(\.network))
        var linked: [String: [String]] = [:]
        let links = container.spec.links.map { link in
            (link, up.filter { $0.project == container.project && $0.service == link.target && !$0.isOneOff })
        }
        let external = container.spec.externalLinks.map { link in
            (link, up.filter { $0.name == link.target || $0.id.hasPrefix(link.target) })
        }
        for (link, targets) in links + external {
            let addresses = targets.flatMap(\.endpoints).filter { shared.contains($0.network) }
                .flatMap(\.addresses).map { String($0.prefix { $0 != "/" }) }
            if !addresses.isEmpty { linked[link.alias.lowercased()] = addresses }
        }
        let joined = shared.sorted().compactMap { networks[$0] }
        let isInternal = joined.allSatisfy(\.definition.isInternal)
        let chosen = resolver.replacing(search: container.spec.dnsSearch, options: container.spec.dnsOptions)
        return NetworkState.Zone(
            container: container.id, namespace: container.id, directories: container.endpoints.map(\.network),
            names: linked, networks: joined.flatMap(\.subnets),
            upstreams: container.spec.dns.isEmpty ? resolver.nameservers.map(\.description) : container.spec.dns,
            search: chosen.search, options: chosen.options, isInternal: isInternal)
    }
}
