private let slash = UInt8(ascii: "/")

/// Paths as the kernel reads them: byte by byte. `split`, `contains`, `hasPrefix` and `==` go by characters, and a mark that combines
/// with the slash before it makes one character of both: they would pass over that slash. Two names that look alike are one to
/// `==` and two to the kernel.
extension StringProtocol where UTF8View: BidirectionalCollection {
    /// What stands between slashes, without empty parts.
    package var pathParts: [String] { utf8.split(separator: slash).map { String(decoding: $0, as: UTF8.self) } }

    package var isAbsolutePath: Bool { utf8.first == slash }
    package var hasSlash: Bool { utf8.contains(slash) }
    package var lastSlash: Index? { utf8.lastIndex(of: slash) }

    /// What is after the last slash; all of it without one.
    package var lastPathPart: String {
        String(decoding: utf8[(lastSlash.map { utf8.index(after: $0) } ?? startIndex)...], as: UTF8.self)
    }

    package func hasBytePrefix(_ prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

    /// What follows `prefix`; nil when it does not begin so.
    package func droppingBytePrefix(_ prefix: String) -> String? {
        hasBytePrefix(prefix) ? String(decoding: utf8.dropFirst(prefix.utf8.count), as: UTF8.self) : nil
    }

    package func hasSameBytes(as other: some StringProtocol) -> Bool { utf8.elementsEqual(other.utf8) }
}
