import Linux
import ProjectModel

/// What networks and ports get that do not say otherwise.
package struct NetworkDefaults: Hashable, Sendable {
    /// Bytes of a packet; nil is what the kernel has.
    package var mtu: UInt32?
    /// Where ports are published that name no address; nil is everywhere.
    package var publishAddress: String?
    /// The network of containers of no project: its range, and the bridge's own address in it. nil takes one of the pools.
    package var bridge: CIDR?
    package var bridgeHasIPv6 = false

    package init() {}

    /// The network of containers of no project.
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
