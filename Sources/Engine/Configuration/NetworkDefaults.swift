import Linux
import ProjectModel

/// Defaults for networks and ports.
package struct NetworkDefaults: Hashable, Sendable {
    /// The MTU in bytes; nil means the kernel's default.
    package var mtu: UInt32?
    /// The address for published ports without one; nil means all addresses.
    package var publishAddress: String?
    /// The network for containers of no project: its subnet, and the bridge's own address in it. nil: taken from the
    /// address pools.
    package var bridge: CIDR?
    package var bridgeHasIPv6 = false

    package init() {}

    /// The network for containers of no project.
    func common(_ name: String) -> NetworkDefinition {
        var definition = NetworkDefinition(name: name)
        definition.enableIPv6 = bridgeHasIPv6
        if let bridge {
            var addresses = IPAMDefinition()
            addresses.config = [.init(subnet: "\(bridge.network)", gateway: "\(bridge.address)")]
            definition.ipam = addresses
        }
        return definition
    }
}
