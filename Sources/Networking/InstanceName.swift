import Linux

/// Distinguishes the interfaces and the table of one engine from those of others on the same machine: empty for the
/// default engine, otherwise three characters derived from the path of its root folder.
package struct InstanceName: Hashable, Sendable {
    /// Lower-case letters and digits.
    package let suffix: String

    /// - Parameter rootFolder: absolute path; `/var/lib/berth` is the default engine's.
    package init(rootFolder: String) {
        suffix = rootFolder == "/var/lib/berth" ? "" : Self.code(of: rootFolder, length: 3)
    }

    /// The nftables table, in the family inet.
    package var table: String { suffix.isEmpty ? "berth" : "berth-\(suffix)" }

    /// The prefix of the names of all bridges of this engine.
    package var bridgePrefix: String { "berth\(suffix)-" }

    /// The prefix of the names of all host ends of containers' interfaces.
    package var vethPrefix: String { "bv\(suffix)-" }

    /// The bridge of the network with this id; an interface name has at most 15 bytes.
    package func bridge(ofNetwork id: String) -> String { bridgePrefix + Self.code(of: id, length: 6) }

    /// The host end of a container's interface on a network.
    package func veth(ofContainer container: String, network: String) -> String {
        vethPrefix + Self.code(of: "\(container)\u{0}\(network)", length: 9)
    }

    /// `length` characters of base 32 from the hash of `text`.
    private static func code(of text: String, length: Int) -> String {
        let hash = stableHash(text)
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")
        return String((0..<length).map { alphabet[Int(truncatingIfNeeded: hash >> (5 * $0)) & 31] })
    }
}
