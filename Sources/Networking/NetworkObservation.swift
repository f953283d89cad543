import Linux

/// What the kernel shows of an engine's networks, and of the host's own that must be avoided.
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

    /// Addresses that the host can reach, through which interface.
    package struct UsedRange: Hashable, Sendable {
        package var range: CIDR
        package var interface: String
    }

    /// All interfaces, by index.
    package var interfaces: [Interface]
    /// Those of them that are this engine's.
    package var bridges: [Interface]
    package var endpoints: [Interface]
    /// Addresses and routes of the host, without default routes and without this engine's bridges.
    package var usedRanges: [UsedRange]
    /// The table holds what was last written; false before the first writing and after someone else's change.
    package var isTableIntact: Bool

    /// The bridge named so, if the kernel has it.
    package func bridge(_ name: String) -> Interface? { bridges.first { $0.name == name } }
}
