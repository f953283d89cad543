/// Image references: `[REGISTRY[:PORT]/]NAME[:TAG][@DIGEST]`, as in distribution/reference.
extension TextGrammar {
    static let imageReference = TextGrammar { text in
        // An empty name, from a variable without a value, counts as none.
        if text.isEmpty || isReference(text) { return nil }
        return imageFault(text)
    }

    /// A name to give to an image: a reference without a digest, because the content decides the digest.
    package static let imageName = TextGrammar { text in
        if let fault = imageReference.fault(text) { return fault }
        guard let at = text.firstIndex(of: "@") else { return nil }
        return Fault(
            "'\(text)' is not a valid image name: its digest comes from its content", hint: "write \(text[..<at])",
            at: text[at...])
    }

    private static func isReference(_ text: String) -> Bool {
        var copy = text
        return copy.withUTF8 { bytes in
            if isPlainReference(bytes) { return true }
            if bytes.count == 64, bytes.allSatisfy({ $0.isDigit || (0x61...0x66).contains($0) }) { return true }
            var rest = bytes[...]
            if let at = rest.firstIndex(of: UInt8(ascii: "@")) {
                guard isDigest(rest[(at + 1)...]) else { return false }
                rest = rest[..<at]
            }
            if let slash = rest.firstIndex(of: UInt8(ascii: "/")), isDomain(rest[..<slash]) {
                guard isHost(rest[..<slash]) else { return false }
                rest = rest[(slash + 1)...]
            }
            if let colon = rest.lastIndex(of: UInt8(ascii: ":")) {
                guard isTag(rest[(colon + 1)...]) else { return false }
                rest = rest[..<colon]
            }
            return rest.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy(isComponent)
        }
    }

    /// True for `name`, `owner/name` or `name:tag`, which most references are, in a single pass. False means nothing.
    private static func isPlainReference(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var isAfterWord = false
        var hasTag = false
        for byte in bytes {
            switch byte {
            case 0x30...0x39, 0x61...0x7A: isAfterWord = true
            case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "/"), UInt8(ascii: ":"):
                if !isAfterWord || hasTag && (byte == UInt8(ascii: "/") || byte == UInt8(ascii: ":")) { return false }
                if byte == UInt8(ascii: ":") { hasTag = true }
                isAfterWord = false
            default: return false
            }
        }
        return isAfterWord && bytes.count <= 128
    }

    private typealias Bytes = Slice<UnsafeBufferPointer<UInt8>>

    /// The first part cannot belong to a repository's path.
    private static func isDomain(_ bytes: Bytes) -> Bool {
        bytes.contains { $0 == 0x2E || $0 == 0x3A || $0 == 0x5B || (0x41...0x5A).contains($0) }
            || bytes.elementsEqual("localhost".utf8)
    }

    private static func isHost(_ bytes: Bytes) -> Bool {
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        if bytes.first == UInt8(ascii: "[") { return bytes.contains(UInt8(ascii: "]")) }
        if parts.count > 2 || parts.count == 2 && !(!parts[1].isEmpty && parts[1].allSatisfy(\.isDigit)) {
            return false
        }
        return parts[0].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            label.first?.isAlphanumeric == true && label.last?.isAlphanumeric == true
                && label.allSatisfy { $0.isAlphanumeric || $0 == 0x2D }
        }
    }

    private static func isTag(_ bytes: Bytes) -> Bool {
        guard let first = bytes.first, first.isAlphanumeric || first == 0x5F, bytes.count <= 128 else { return false }
        return bytes.allSatisfy(isNameByteOfTag)
    }

    private static func isNameByteOfTag(_ byte: UInt8) -> Bool {
        byte.isAlphanumeric || byte == 0x5F || byte == 0x2E || byte == 0x2D
    }

    private static func isDigest(_ bytes: Bytes) -> Bool {
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > bytes.startIndex else { return false }
        let hex = bytes[(colon + 1)...]
        return hex.count >= 32 && hex.allSatisfy { $0.isDigit || (0x61...0x66).contains($0) }
    }

    /// Lower-case letters and digits, separated by a single `.`, one or two `_`, or any number of `-`.
    private static func isComponent(_ bytes: Bytes) -> Bool {
        guard let first = bytes.first, let last = bytes.last, isLowerOrDigit(first), isLowerOrDigit(last) else {
            return false
        }
        var run: (byte: UInt8, count: Int) = (0, 0)
        for byte in bytes {
            if isLowerOrDigit(byte) {
                run = (0, 0)
            } else if byte == UInt8(ascii: "-"), run.count == 0 || run.byte == byte {
                run = (byte, run.count + 1)
            } else if byte == UInt8(ascii: "."), run.count == 0 {
                run = (byte, 1)
            } else if byte == UInt8(ascii: "_"), run.count == 0 || run.byte == byte && run.count == 1 {
                run = (byte, run.count + 1)
            } else {
                return false
            }
        }
        return true
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool { byte.isDigit || (0x61...0x7A).contains(byte) }

    private static func imageFault(_ text: String) -> Fault {
        let message = "'\(text)' is not an image reference"
        if let scheme = ["https://", "http://", "docker://", "oci://"].first(where: text.hasPrefix) {
            var name = text.dropFirst(scheme.count)
            for host in ["hub.docker.com/_/", "hub.docker.com/r/"] where name.hasPrefix(host) {
                name = name.dropFirst(host.count)
            }
            return Fault(message, hint: "write it without '\(scheme)': \(name)", at: scheme)
        }
        let quotes = "\"'\u{201C}\u{201D}\u{201E}\u{2018}\u{2019}"
        if text.contains(where: quotes.contains) {
            return Fault(
                "\(message): a quote is part of the text", hint: "write \"\(text.filter { !quotes.contains($0) })\"")
        }
        if text.utf8.contains(where: \.isBlankOrControl) {
            let words = text.split { $0 == " " || $0 == "\t" || $0 == "\n" }
            return Fault(
                "\(message): it cannot contain a space",
                hint: words.count == 2 && isReference("\(words[0]):\(words[1])")
                    ? "write a ':' before the tag: \(words[0]):\(words[1])"
                    : "write one name: \((words.first == "docker" ? words.last : words.first).map(String.init) ?? "nginx")"
            )
        }
        if text.hasSuffix(":") { return Fault("\(message): the tag is missing", hint: "write \(text)latest") }
        if text.hasPrefix("./") || text.hasPrefix("/") || text.hasPrefix("../") {
            return Fault(message, hint: "for a folder with a Dockerfile write `build: \(text)`")
        }
        let lower = text.lowercased()
        if lower != text, isReference(lower) {
            return Fault("\(message): names are in lower case", hint: "write \(lower)")
        }
        if let colon = text.lastIndex(of: ":"), isReference(String(text[..<colon])) {
            let tag = text[text.index(after: colon)...]
            if text[..<colon].split(separator: "/").last?.contains(":") == true {
                return Fault("\(message): '\(tag)' is a second tag", hint: "write \(text[..<colon])", at: ":\(tag)")
            }
            return Fault(
                "\(message): '\(tag)' is not a tag",
                hint: tag.contains(":") || tag.contains("@")
                    ? "write one tag: \(text[..<colon]):latest"
                    : "a tag has letters, digits, '_', '.' and '-': \(text[..<colon]):latest", at: tag)
        }
        if let at = text.firstIndex(of: "@"), isReference(String(text[..<at])) {
            return Fault(
                "\(message): '\(text[text.index(after: at)...].prefix(20))' is not a digest",
                hint: "write @sha256: and its 64 digits, or a tag: \(text[..<at]):latest",
                at: text[text.index(after: at)...])
        }
        return Fault(message, hint: "the form is [REGISTRY/]NAME[:TAG], as in nginx:1.27 or ghcr.io/owner/app:1.0")
    }
}
