/// Ids that the engine itself does not have: of the networks `host` and `none`, and of endpoints.
enum NetworkText {
    /// Docker's clients see `host` and `none` as networks, and their ids never change.
    static func id(ofMode mode: String) -> String { hex("berth network mode \(mode)") }

    static func endpointID(_ container: String, _ network: String) -> String { hex("\(container) on \(network)") }

    /// 64 hex digits computed from `text`.
    private static func hex(_ text: String) -> String {
        (0..<4).map { part in
            // FNV-1a: short, and the result never changes.
            let hash = "\(part) \(text)".utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
                ($0 ^ UInt64($1)) &* 0x100_0000_01b3
            }
            let digits = String(hash, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
