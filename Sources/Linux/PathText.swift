private let slash = UInt8(ascii: "/")

/// Paths as bytes, as the kernel reads them. `split`, `contains`, `hasPrefix` and `==` work on characters, and a
/// combining mark after a slash forms one character with it, so they would miss that slash. And two names that look
/// alike can be equal for `==` but different for the kernel.
extension StringProtocol where UTF8View: BidirectionalCollection {
    /// The parts between slashes, without empty ones.
    package var pathParts: [String] { utf8.split(separator: slash).map { String(decoding: $0, as: UTF8.self) } }

    package var isAbsolutePath: Bool { utf8.first == slash }
    package var hasSlash: Bool { utf8.contains(slash) }
    package var lastSlash: Index? { utf8.lastIndex(of: slash) }

    /// The part after the last slash; everything if there is none.
    package var lastPathPart: String {
        String(decoding: utf8[(lastSlash.map { utf8.index(after: $0) } ?? startIndex)...], as: UTF8.self)
    }

    package func hasBytePrefix(_ prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

    /// The part after `prefix`; nil when it does not begin with it.
    package func droppingBytePrefix(_ prefix: String) -> String? {
        hasBytePrefix(prefix) ? String(decoding: utf8.dropFirst(prefix.utf8.count), as: UTF8.self) : nil
    }

    package func hasSameBytes(as other: some StringProtocol) -> Bool { utf8.elementsEqual(other.utf8) }
}
