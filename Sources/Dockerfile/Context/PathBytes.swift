// Paths are bytes: a combining mark behind a slash makes one Character of both, and still begins a name. `Linux` has the same for
// those that work with files; this target does no I/O.
extension StringProtocol {
    /// The names between slashes.
    var slashParts: [String] { utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) } }

    var beginsWithSlash: Bool { utf8.first == UInt8(ascii: "/") }
}
