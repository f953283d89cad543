import Linux

/// The observed state of an engine's networks, and of the host's own ranges to avoid.
package struct NetworkObservation: Hashable, Sendable {
    /// An interface of the host's namespace.
    package struct Interface: Hashable, Sendable {
        package var name: String
        package var index: UInt32
        /// `bridge`, `veth` …; empty for hardware.
        package var kind: String
        package var isUp: Bool
        package var mtu: UInt32
        /// The bridge whose port it is.
        package var master: UInt32?
        package var macAddress: String
        package var addresses: [CIDR]
    }

    /// Addresses that the host can reach, and the interface for them.
    package struct UsedRange: Hashable, Sendable {
        package var range: CIDR
        package var interface: String
    }

    /// All interfaces, by index.
    package var interfaces: [Interface]
    /// Those that belong to this engine.
    package var bridges: [Interface]
    package var endpoints: [Interface]
    /// Addresses and routes of the host, without default routes and without this engine's bridges.
    package var usedRanges: [UsedRange]
    /// The table has the content written last; false before the first write and after somebody else's change.
    package var isTableIntact: Bool

    /// The bridge with this name, if the kernel has it.
    package func bridge(_ name: String) -> Interface? { bridges.first { $0.name == name } }
}
