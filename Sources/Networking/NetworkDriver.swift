import Glibc
import Linux
import Synchronization

/// Owns one engine's bridges, interfaces and nftables table. Only one thread, which belongs to the driver, talks to the
/// kernel.
package final class NetworkDriver: Sendable {
    package let instance: InstanceName
    private let thread: BlockingPool
    private let kernel: Confined<KernelNetwork>

    /// Works in the network namespace pinned at `hostNamespace`; nil means the caller's own.
    /// - Throws: `SyscallError` or `FirewallError` when the kernel lacks rtnetlink or nftables.
    package init(instance: InstanceName, hostNamespace: String? = nil) async throws {
        self.instance = instance
        let thread = BlockingPool(name: "berth-kernel", limit: 1)
        self.thread = thread
        kernel = try await thread.run {
            Confined(try KernelNetwork(instance: instance, hostNamespace: hostNamespace))
        }
    }

    /// Creates the bridge with its addresses, or repairs it.
    package func ensureBridge(_ spec: BridgeSpec) async throws { try await run { try $0.ensureBridge(spec) } }

    /// Creates a container's network namespace and pins it at `path`, whose folder must exist; keeps an existing one.
    ///
    /// The loopback interface is up. As images expect, ports below 1024 and `ping` need no capability.
    package func makeNamespace(_ path: String) async throws {
        try await run { _ in try KernelNetwork.makeNamespace(path) }
    }

    /// Unpins the namespace; its interfaces disappear with the last process in it. It is no error if there is none.
    package func removeNamespace(_ path: String) async throws {
        try await run { _ in try NetworkNamespace(path: path).remove() }
    }

    /// Creates the network on this host, or repairs it.
    /// - Throws: `NetworkError` when something else has its name, or the host lacks what it needs.
    package func create(_ realisation: Realisation, _ plan: NetworkPlan) async throws {
        try await run { try realisation.network.create(plan, $0) }
    }

    /// Removes everything that belongs only to the network. It is no error if there is nothing.
    package func remove(_ realisation: Realisation) async throws {
        try await run { try realisation.network.remove($0) }
    }

    /// What is wrong with the networks, by name, and whether the table still has the content written last. The cost
    /// does not depend on other networks.
    package func damage(
        of networks: [String: (Realisation, NetworkPlan)]
    ) async throws -> (damage: [String: String], isTableIntact: Bool) {
        try await run { kernel in
            var found: [String: String] = [:]
            for (name, (realisation, plan)) in networks { found[name] = try realisation.network.damage(plan, kernel) }
            return (found, kernel.isTableIntact)
        }
    }

    /// Connects a container to a network; a repeated call repairs the connection.
    package func attach(_ endpoint: EndpointSpec) async throws {
        try await run { try endpoint.realisation.network.attach(endpoint, $0) }
    }

    /// Disconnects a container from a network; a repeated call does nothing.
    package func detach(_ endpoint: EndpointSpec) async throws {
        try await run { try endpoint.realisation.network.detach(endpoint, $0) }
    }

    /// Removes an interface of the host. It is no error if there is none.
    package func removeLink(_ name: String) async throws { try await run { try $0.removeLink(name) } }

    /// Blocks traffic between a container and a network until it is attached again; `hostInterface` is the host's end.
    /// Faster than detaching and attaching. It is no error if there is none.
    package func silence(hostInterface: String) async throws { try await run { try $0.silenceLink(hostInterface) } }

    /// Replaces the engine's table with `rules` in one transaction; without networks, removes the table.
    @discardableResult
    package func setRules(_ rules: FirewallRules) async throws -> RulesOutcome {
        try await changeRules(FirewallChange(to: rules))
    }

    /// Changes the engine's table in one transaction; removes it when no networks are left. An empty change repairs
    /// what others changed in it.
    package func changeRules(_ change: FirewallChange) async throws -> RulesOutcome {
        try await run { try $0.changeRules(change) }
    }

    /// Lets the networks' packets pass the firewalls of Docker and ufw where those would drop them, and reports
    /// firewalls that only their owner can open. Call it after `setRules` and after
    /// `NetworkEvent.foreignFirewallChanged`. `setRules` without networks undoes it.
    package func openForeignFirewalls() async throws -> ForeignFirewallReport {
        try await run { try $0.openForeignFirewalls() }
    }

    /// Chains of the older packet filter that drop packets of the networks. `openForeignFirewalls` does not see them,
    /// and the kernel reports no changes of them.
    package func legacyFirewallWarnings() async throws -> [ForeignFirewallReport.Warning] {
        try await run { try $0.legacyFirewallWarnings() }
    }

    /// Redirects 127.0.0.11:53 of a namespace to the ports on 127.0.0.11 where the name service listens there.
    package func redirectDNS(namespacePath: String, udpPort: UInt16, tcpPort: UInt16) async throws {
        try await run { _ in
            try KernelNetwork.redirectDNS(namespacePath: namespacePath, udpPort: udpPort, tcpPort: tcpPort)
        }
    }

    /// Whether the kernel supports interfaces of `kind`: `bridge`, `veth` … Creates nothing.
    package func hasLinks(of kind: String) async throws -> Bool { try await run { $0.hasLinks(of: kind) } }

    /// Reads all links, addresses and routes.
    package func observe() async throws -> NetworkObservation { try await run { try $0.observe() } }

    /// Call this before the engine removes these links or their namespaces: no events are reported for them.
    package func expectRemoval(of links: [String]) async {
        _ = try? await run { $0.watch.leave(links) }
    }

    /// Events about the engine's interfaces and table from now on. After an event about the table, and after an
    /// overflow, `setRules` rewrites the whole table.
    package func events() async throws -> AsyncStream<NetworkEvent> {
        try await run { try $0.watch.start(instance: $0.instance, author: $0.firewall.author) }
    }

    /// Runs `body` on the driver's thread.
    func run<Result: Sendable>(_ body: @escaping @Sendable (KernelNetwork) throws -> Result) async throws -> Result {
        try await thread.run { [kernel] in try body(kernel.value) }
    }
}

/// A value that belongs to the only thread of a `BlockingPool(limit: 1)`: created, used and freed there.
private final class Confined<Value>: @unchecked Sendable {
    // That thread guards it: only closures that the pool runs, one at a time, use `value`.
    let value: Value

    init(_ value: Value) { self.value = value }
}
