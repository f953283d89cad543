import Linux

/// What tells the interfaces and the table of one engine from those of another on the same machine: empty for the default engine,
/// else three characters from the path of its root folder.
package struct InstanceName: Hashable, Sendable {
    /// Lower-case letters and digits.
    package let suffix: String

    /// - Parameter rootFolder: absolute path; `/var/lib/berth` is the default engine's.
    package init(rootFolder: String) {
        suffix = rootFolder == "/var/lib/berth" ? "" : Self.code(of: rootFolder, length: 3)
    }

    /// The nftables table, of family inet.
    package var table: String { suffix.isEmpty ? "berth" : "berth-\(suffix)" }

    /// What the names of all bridges of this engine begin with.
    package var bridgePrefix: String { "berth\(suffix)-" }

    /// What the names of all host ends of containers' interfaces begin with.
    package var vethPrefix: String { "bv\(suffix)-" }

    /// The bridge of the network with this id; interface names have at most 15 bytes.
    package func bridge(ofNetwork id: String) -> String { bridgePrefix + Self.code(of: id, length: 6) }

    /// The host end of a container's interface on a network.
    package func veth(ofContainer container: String, network: String) -> String {
        vethPrefix + Self.code(of: "\(container)\u{0}\(network)", length: 9)
    }

    /// `length` characters of base 32 from the FNV-1a hash of `text`; the same in every release, because live interfaces bear it.
    private static func code(of text: String, length: Int) -> String {
        var hash = text.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        hash ^= hash >> 29
        hash = hash &* 0xbf58_476d_1ce4_e5b9
        hash ^= hash >> 32
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")
        return String((0..<length).map { alphabet[Int(truncatingIfNeeded: hash >> (5 * $0)) & 31] })
    }
}
