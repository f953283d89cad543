/// Writes a string: plain if it reads back as the same string in YAML 1.1 and 1.2, otherwise quoted.
package enum YAMLScalar {
    private enum Style {
        case plain, single, double, literal
    }

    /// A value at the given indent.
    package static func text(_ text: String, indent: Int) -> String {
        let traits = Traits(text)
        var style: Style = text.utf8.contains(0x0A) ? .literal : readsAsText(text) ? .plain : .double
        if style == .plain, !traits.plain { style = .single }
        if style == .single, !traits.single { style = .double }
        if style == .literal, !traits.block { style = .double }
        switch style {
        case .plain: return text
        case .single:
            return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
        case .double: return quoted(text)
        case .literal: return literal(text, indent: indent)
        }
    }

    /// A key; always on one line.
    package static func key(_ key: String) -> String { key.utf8.contains(0x0A) ? quoted(key) : text(key, indent: 0) }

    /// A number as Go's yaml library writes it.
    package static func number(_ value: Double) -> String {
        if value.isNaN { return ".nan" }
        if value.isInfinite { return value < 0 ? "-.inf" : ".inf" }
        return ShortestNumber.text(value)
    }

    private static func readsAsText(_ text: String) -> Bool {
        guard case .string = ScalarResolution.resolve(text) else { return false }
        return !isSexagesimal(text) && !oldBooleans.contains(text)
    }

    private static let oldBooleans: Set<String> = [
        "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF",
    ]

    /// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`
    private static func isSexagesimal(_ text: String) -> Bool {
        guard text.utf8.contains(UInt8(ascii: ":")) else { return false }
        var rest = Substring(text)
        if rest.first == "-" || rest.first == "+" { rest.removeFirst() }
        if let point = rest.firstIndex(of: ".") {
            guard rest[rest.index(after: point)...].allSatisfy({ ("0"..."9").contains($0) || $0 == "_" }) else {
                return false
            }
            rest = rest[..<point]
        }
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts[0].first, ("0"..."9").contains(first),
            parts[0].allSatisfy({ ("0"..."9").contains($0) || $0 == "_" })
        else { return false }
        return parts.dropFirst().allSatisfy { part in
            let digits = part.allSatisfy { ("0"..."9").contains($0) }
            return digits && (part.utf8.count == 1 || part.utf8.count == 2 && ("0"..."5").contains(part.first ?? "9"))
        }
    }

    private static func quoted(_ text: String) -> String {
        let named: [UInt32: Character] = [
            0: "0", 7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 27: "e", 0x22: "\"", 0x5C: "\\",
            0x85: "N", 0xA0: "_", 0x2028: "L", 0x2029: "P",
        ]
        var result = "\""
        for scalar in text.unicodeScalars {
            let value = scalar.value
            if Traits.isPrintable(value), value != 0x0A, value != 0x22, value != 0x5C, !Traits.isBreak(value) {
                result.unicodeScalars.append(scalar)
            } else if let name = named[value] {
                result += "\\\(name)"
            } else {
                let (letter, width) = value <= 0xFF ? ("x", 2) : value <= 0xFFFF ? ("u", 4) : ("U", 8)
                let digits = String(value, radix: 16, uppercase: true)
                result += "\\\(letter)" + String(repeating: "0", count: width - digits.utf8.count) + digits
            }
        }
        return result + "\""
    }

    private static func literal(_ text: String, indent: Int) -> String {
        let bytes = Array(text.utf8)
        var header = "|"
        if bytes[0] == 0x20 || bytes[0] == 0x0A { header += "2" }
        if bytes[bytes.count - 1] != 0x0A {
            header += "-"
        } else if bytes.count == 1 || bytes[bytes.count - 2] == 0x0A {
            header += "+"
        }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        let pad = String(repeating: " ", count: indent)
        return header + lines.map { $0.isEmpty ? "\n" : "\n\(pad)\($0)" }.joined()
    }

    /// The styles in which a text can be written, by libyaml's rules.
    private struct Traits {
        var plain = true
        var single = true
        var block = true

        init(_ text: String) {
            let scalars = text.unicodeScalars.map(\.value)
            guard let first = scalars.first, let last = scalars.last else {
                block = false
                return
            }
            if text.hasPrefix("---") || text.hasPrefix("...") { plain = false }
            var previous: UInt32 = 0x20
            for (index, value) in scalars.enumerated() {
                let next = index + 1 < scalars.count ? scalars[index + 1] : 0
                look(at: value, first: index == 0, after: previous, before: next)
                previous = value
            }
            if Self.isBlank(first) && first != 9 || Self.isBreak(first) { plain = false }
            if last == 0x20 || Self.isBreak(last) { plain = false }
            if last == 0x20 { block = false }
        }

        private mutating func look(at value: UInt32, first: Bool, after previous: UInt32, before next: UInt32) {
            let endsWord = next == 0 || Self.isBlank(next) || Self.isBreak(next)
            let scalar = Unicode.Scalar(value) ?? " "
            if first {
                if "#,[]{}&*!|>'\"%@`".unicodeScalars.contains(scalar) { plain = false }
                if "?:-".unicodeScalars.contains(scalar), endsWord { plain = false }
            } else {
                if value == 0x3A, endsWord { plain = false }
                if value == 0x23, Self.isBlank(previous) || Self.isBreak(previous) { plain = false }
            }
            if value == 9 {
                plain = false
                single = false
            } else if !Self.isPrintable(value) {
                plain = false
                single = false
                block = false
            }
            if Self.isBreak(value) {
                plain = false
                if previous == 0x20, !first {
                    single = false
                    block = false
                }
            } else if value == 0x20, Self.isBreak(previous) {
                plain = false
                single = false
            }
        }

        static func isBlank(_ value: UInt32) -> Bool { value == 0x20 || value == 9 }

        static func isBreak(_ value: UInt32) -> Bool {
            value == 0x0A || value == 0x0D || value == 0x85 || value == 0x2028 || value == 0x2029
        }

        /// As in Go's yaml library: only the basic multilingual plane.
        static func isPrintable(_ value: UInt32) -> Bool {
            switch value {
            case 0x0A, 0x20...0x7E, 0xA0...0xD7FF, 0xE000...0xFFFD: value != 0xFEFF
            default: false
            }
        }
    }
}
