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

    /// Removes the bridge; none is fine.
    package func removeBridge(_ name: String) async throws { try await run { try $0.removeLink(name) } }

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

    /// Puts a container on a network; repeated, it repairs.
    package func attach(_ endpoint: EndpointSpec) async throws { try await run { try $0.attach(endpoint) } }

    /// Takes a container off a network by the name of the host's end; none is fine.
    package func detach(hostInterface: String) async throws { try await run { try $0.removeLink(hostInterface) } }

    /// Brings the engine's table to `rules`, as one transaction; no networks remove it.
    @discardableResult
    package func setRules(_ rules: FirewallRules) async throws -> RulesOutcome {
        try await run { try $0.setRules(rules) }
    }

    /// Lets the networks' packets pass the firewalls of Docker and ufw where those would drop them, and reports the firewalls that only
    /// their owner can open. To be called after `setRules`, and again after `NetworkEvent.foreignFirewallChanged`; what was opened is
    /// closed when `setRules` is told that there are no networks.
    package func openForeignFirewalls() async throws -> ForeignFirewallReport {
        try await run { try $0.openForeignFirewalls() }
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

    /// The bridges named so that are there, and whether the table holds what was last written; what others have costs nothing.
    package func observe(bridges names: [String]) async throws -> (
        bridges: [String: NetworkObservation.Interface], isTableIntact: Bool
    ) {
        try await run { kernel in
            var found: [String: NetworkObservation.Interface] = [:]
            for name in names { found[name] = try kernel.bridge(name) }
            return (found, kernel.isTableIntact)
        }
    }

    /// The engine takes these links away, or the namespaces that they end with: what happens to them is no event any more.
    package func expectRemoval(of links: [String]) async {
        _ = try? await run { $0.watch.leave(links) }
    }

    /// What happens to the engine's interfaces and table from now on. After an event about the table, and after an overflow,
    /// `setRules` writes the whole table anew.
    package func events() async throws -> AsyncStream<NetworkEvent> {
        try await run { try $0.watch.start(instance: $0.instance, author: $0.author) }
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
