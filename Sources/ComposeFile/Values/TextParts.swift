extension String {
    /// The text before and after the first `separator`, an ASCII character; `after` is nil when there is none.
    func cut(at separator: UInt8) -> (before: String, after: String?) {
        var copy = self
        return copy.withUTF8 { bytes in
            guard let index = bytes.firstIndex(of: separator) else { return (self, nil) }
            return (
                String(decoding: bytes[..<index], as: UTF8.self), String(decoding: bytes[(index + 1)...], as: UTF8.self)
            )
        }
    }

    /// The parts between `separator`s, an ASCII character; includes empty ones, so there is at least one.
    func parts(at separator: UInt8) -> [String] {
        var copy = self
        return copy.withUTF8 { bytes in
            var parts: [String] = []
            parts.reserveCapacity(4)
            var rest = bytes[...]
            while let index = rest.firstIndex(of: separator) {
                parts.append(String(decoding: rest[..<index], as: UTF8.self))
                rest = rest[(index + 1)...]
            }
            parts.append(parts.isEmpty ? self : String(decoding: rest, as: UTF8.self))
            return parts
        }
    }
}
