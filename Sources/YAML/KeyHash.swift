/// A hash of a key that takes a few instructions: from its length and three of its bytes, spread over 32 bits.
///
/// Use it for tables of few known names, and for look-ups in mappings. A table that a file can make long needs a seeded
/// hash instead.
package func keyHash(_ key: String) -> UInt32 {
    let known = key.utf8.withContiguousStorageIfAvailable { bytes in
        guard let first = bytes.first, let last = bytes.last else { return UInt32(0) }
        let middle = UInt32(bytes[bytes.count / 2]) << 8 | UInt32(truncatingIfNeeded: bytes.count)
        return (UInt32(first) << 24 | UInt32(last) << 16 ^ middle) &* 0x9E37_79B1
    }
    return known ?? 0
}
