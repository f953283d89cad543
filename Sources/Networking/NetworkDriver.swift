import Glibc
import Linux
import Synchronization

/// Owns one engine's bridges, interfaces and nftables table; the kernel is asked from one thread that belongs to the driver.
package final class NetworkDriver: Sendable {
    package let instance: InstanceName
    private let thread: BlockingPool
    private let kernel: Confined<KernelNetwork>

    /// The driver works in the network namespace pinned at `hostNamespace`; nil is the caller's own.
    /// - Throws: `SyscallError` or `FirewallError` when the kernel lacks rtnetlink or nftables.
    package init(instance: InstanceName, hostNamespace: String? = nil) async throws {
        self.instance = instance
        let thread = BlockingPool(name: "berth-kernel", limit: 1)
        self.thread = thread
        kernel = try await thread.run {
            Confined(try KernelNetwork(instance: instance, hostNamespace: hostNamespace))
        }
    }

    /// Makes the bridge with its addresses, or repairs it.
    package func ensureBridge(_ spec: BridgeSpec) async throws { try await run { try $0.ensureBridge(spec) } }

    /// Makes a container's network namespace and pins it at `path`, whose folder must exist; one that is there is kept.
    ///
    /// The loopback interface is up, ports below 1024 need no capability and `ping` needs none either, as images expect.
    package func makeNamespace(_ path: String) async throws {
        try await run { _ in try KernelNetwork.makeNamespace(path) }
    }

    /// Unpins the namespace; its interfaces go with the last process in it. None is fine.
    package func removeNamespace(_ path: String) async throws {
        try await run { _ in try NetworkNamespace(path: path).remove() }
    }

    /// Makes what the network is on this host, or repairs it.
    /// - Throws: `NetworkError` when something else is in its place, or the host lacks what it needs.
    package func create(_ realisation: Realisation, _ plan: NetworkPlan) async throws {
        try await run { try realisation.network.create(plan, $0) }
    }

    /// Removes what is the network's own; none is fine.
    package func remove(_ realisation: Realisation) async throws {
        try await run { try realisation.network.remove($0) }
    }

    /// What is wrong with networks, by name, and whether the table holds what was last written; what others have costs nothing.
    package func damage(
        of networks: [String: (Realisation, NetworkPlan)]
    ) async throws -> (damage: [String: String], isTableIntact: Bool) {
        try await run { kernel in
            var found: [String: String] = [:]
            for (name, (realisation, plan)) in networks { found[name] = try realisation.network.damage(plan, kernel) }
            return (found, kernel.isTableIntact)
        }
    }

    /// Puts a container on a network; repeated, it repairs.
    package func attach(_ endpoint: EndpointSpec) async throws {
        try await run { try endpoint.realisation.network.attach(endpoint, $0) }
    }

    /// Takes a container off a network; repeated, it does nothing.
    package func detach(_ endpoint: EndpointSpec) async throws {
        try await run { try endpoint.realisation.network.detach(endpoint, $0) }
    }

    /// Removes an interface of the host; none is fine.
    package func removeLink(_ name: String) async throws { try await run { try $0.removeLink(name) } }

    /// Nothing passes between a container and a network until it is attached again, by the name of the host's end: quicker than taking
    /// it off and putting it back. None is fine.
    package func silence(hostInterface: String) async throws { try await run { try $0.silenceLink(hostInterface) } }

    /// Brings the engine's table to `rules`, as one transaction; no networks remove it.
    @discardableResult
    package func setRules(_ rules: FirewallRules) async throws -> RulesOutcome {
        try await changeRules(FirewallChange(to: rules))
    }

    /// Changes the engine's table, as one transaction; no networks left remove it. An empty change repairs what others did to it.
    package func changeRules(_ change: FirewallChange) async throws -> RulesOutcome {
        try await run { try $0.changeRules(change) }
    }

    /// Lets the networks' packets pass the firewalls of Docker and ufw where those would drop them, and reports the firewalls that only
    /// their owner can open. To be called after `setRules`, and again after `NetworkEvent.foreignFirewallChanged`; what was opened is
    /// closed when `setRules` is told that there are no networks.
    package func openForeignFirewalls() async throws -> ForeignFirewallReport {
        try await run { try $0.openForeignFirewalls() }
    }

    /// Chains of the older packet filter, which `openForeignFirewalls` does not see and nobody tells the changes of, that drop what the
    /// networks send.
    package func legacyFirewallWarnings() async throws -> [ForeignFirewallReport.Warning] {
        try await run { try $0.legacyFirewallWarnings() }
    }

    /// Leads 127.0.0.11:53 of a namespace to the ports on 127.0.0.11 where the name service listens in it.
    package func redirectDNS(namespacePath: String, udpPort: UInt16, tcpPort: UInt16) async throws {
        try await run { _ in
            try KernelNetwork.redirectDNS(namespacePath: namespacePath, udpPort: udpPort, tcpPort: tcpPort)
        }
    }

    /// Whether the kernel can make interfaces of `kind`: `bridge`, `veth` … Nothing is made to find out.
    package func hasLinks(of kind: String) async throws -> Bool { try await run { $0.hasLinks(of: kind) } }

    /// Reads links, addresses and routes in full.
    package func observe() async throws -> NetworkObservation { try await run { try $0.observe() } }

    /// The engine takes these links away, or the namespaces that they end with: what happens to them is no event any more.
    package func expectRemoval(of links: [String]) async {
        _ = try? await run { $0.watch.leave(links) }
    }

    /// What happens to the engine's interfaces and table from now on. After an event about the table, and after an overflow,
    /// `setRules` writes the whole table anew.
    package func events() async throws -> AsyncStream<NetworkEvent> {
        try await run { try $0.watch.start(instance: $0.instance, author: $0.firewall.author) }
    }

    /// Runs `body` on the driver's thread.
    func run<Result: Sendable>(_ body: @escaping @Sendable (KernelNetwork) throws -> Result) async throws -> Result {
        try await thread.run { [kernel] in try body(kernel.value) }
    }
}

/// A value that belongs to the one thread of a `BlockingPool(limit: 1)`: made, used and freed there.
private final class Confined<Value>: @unchecked Sendable {
    // Guarded by that thread: `value` is touched only in bodies that the pool runs, one after the other.
    let value: Value

    init(_ value: Value) { self.value = value }
}
