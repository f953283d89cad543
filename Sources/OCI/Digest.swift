/// A hash algorithm and a hash in hex, always valid (OCI image-spec, descriptor.md): `sha256:` and 64 digits, or
/// `sha512:` and 128.
package struct Digest: Hashable, Sendable, CustomStringConvertible {
    package let algorithm: Algorithm
    /// Lower-case hex.
    package let hex: String

    package enum Algorithm: String, Hashable, Sendable {
        case sha256, sha512

        package var hexLength: Int { self == .sha256 ? 64 : 128 }
    }

    /// nil unless the text is a digest of a known algorithm.
    package init?(_ text: some StringProtocol) {
        guard let colon = text.firstIndex(of: ":"), let algorithm = Algorithm(rawValue: String(text[..<colon])) else {
            return nil
        }
        self.init(algorithm: algorithm, hex: String(text[text.index(after: colon)...]))
    }

    /// nil unless `hex` has the algorithm's length and only lower-case hex digits.
    package init?(algorithm: Algorithm, hex: String) {
        let isHex = hex.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        guard isHex, hex.utf8.count == algorithm.hexLength else { return nil }
        self.algorithm = algorithm
        self.hex = hex
    }

    package var description: String { "\(algorithm.rawValue):\(hex)" }

    /// The first 12 digits, for people.
    package var short: String { String(hex.prefix(12)) }
}

extension Digest: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let digest = Digest(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(text)\" is not a digest")
        }
        self = digest
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
