/// Names and ids of networks that are no networks of the engine, and of places on networks.
enum NetworkText {
    /// `host` and `none` are networks to Docker's clients, with ids that stay.
    static func id(ofMode mode: String) -> String { hex("berth network mode \(mode)") }

    static func endpointID(_ container: String, _ network: String) -> String { hex("\(container) on \(network)") }

    /// 64 hex digits that belong to `text`.
    private static func hex(_ text: String) -> String {
        (0..<4).map { part in
            // FNV-1a: short, and the same for ever.
            let hash = "\(part) \(text)".utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
                ($0 ^ UInt64($1)) &* 0x100_0000_01b3
            }
            let digits = String(hash, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
