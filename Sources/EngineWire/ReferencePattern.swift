/// The filter `reference` for images: a pattern whose `*` and `?` match within one part of the name.
package enum ReferencePattern {
    /// Whether `name`, in its familiar form, matches: as a whole, or without its tag or digest.
    package static func matches(_ name: String, _ pattern: String) -> Bool {
        let wanted = Array(pattern.utf8)[...]
        return fits(Array(name.utf8)[...], wanted) || fits(Array(bare(name).utf8)[...], wanted)
    }

    /// A port is not a tag.
    private static func bare(_ name: String) -> Substring {
        let named = name.prefix { $0 != "@" }
        guard let colon = named.lastIndex(of: ":"), !named[colon...].contains("/") else { return named }
        return named[..<colon]
    }

    private static func fits(_ text: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == UInt8(ascii: "*") {
            var rest = text
            while true {
                if fits(rest, pattern.dropFirst()) { return true }
                // A star matches within one part of the name.
                guard let next = rest.popFirst(), next != UInt8(ascii: "/") else { return false }
            }
        }
        guard let next = text.first, next == first || (first == UInt8(ascii: "?") && next != UInt8(ascii: "/")) else {
            return false
        }
        return fits(text.dropFirst(), pattern.dropFirst())
    }
}
