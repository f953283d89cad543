/// `$NAME`, `${NAME}` and `${NAME:-text}` in a value (Compose Specification, 12-interpolation).
package enum Template {
    package enum Failure: Error, Hashable, Sendable {
        /// A `${` that is no substitution; the text from there on.
        case invalid(String)
        /// `${NAME:?message}` without a value.
        case required(name: String, message: String, fragment: String)
    }

    /// A substitution as it is written.
    package struct Reference: Hashable, Sendable {
        package var name: String
        package var isRequired = false
        package var defaultValue = ""
        package var alternative = ""
        /// The whole of it, from `$` to its end.
        package var fragment: String
    }

    /// How deep `${A:-${B:-…}}` may nest.
    private static let depth = 64

    /// The text with its substitutions made; the text of an operator is looked at only where it is needed.
    ///
    /// `lookup` gives a variable's value; `unset` is told of each variable without one for which "" was taken.
    package static func expand(
        _ text: String, lookup: @escaping (String) -> String?, unset: @escaping (Reference) -> Void
    ) throws(Failure) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        return try Expansion(lookup: lookup, unset: unset).expand(Substring(text).utf8, depth: 0)
    }

    /// Every substitution of the text, those inside operators' texts too, in order.
    package static func references(in text: String) -> [Reference] {
        var found: [Reference] = []
        collect(Substring(text).utf8, depth: 0, into: &found)
        return found
    }

    private static func collect(_ text: Substring.UTF8View, depth: Int, into found: inout [Reference]) {
        guard depth < Self.depth else { return }
        var rest = text
        while let dollar = rest.firstIndex(of: UInt8(ascii: "$")) {
            let token = Token(rest[dollar...])
            if case .substitution(let substitution) = token.kind {
                var reference = Reference(name: substitution.name, fragment: String(Substring(token.text)))
                switch substitution.operation {
                case .required: reference.isRequired = true
                case .orElse: reference.defaultValue = String(Substring(substitution.text))
                case .ifSet: reference.alternative = String(Substring(substitution.text))
                case .plain: break
                }
                found.append(reference)
                collect(substitution.text, depth: depth + 1, into: &found)
            }
            rest = rest[token.text.endIndex...]
        }
    }

    private struct Expansion {
        let lookup: (String) -> String?
        let unset: (Reference) -> Void

        func expand(_ text: Substring.UTF8View, depth: Int) throws(Failure) -> String {
            guard depth < Template.depth else { throw .invalid(String(Substring(text))) }
            var result = ""
            var rest = text
            while let dollar = rest.firstIndex(of: UInt8(ascii: "$")) {
                result += Substring(rest[..<dollar])
                let token = Token(rest[dollar...])
                switch token.kind {
                case .dollar: result += "$"
                case .invalid: throw .invalid(String(Substring(rest[dollar...])))
                case .substitution(let substitution):
                    let fragment = String(Substring(token.text))
                    result += try value(substitution, fragment: fragment, depth: depth)
                }
                rest = rest[token.text.endIndex...]
            }
            return result + Substring(rest)
        }

        private func value(_ the: Substitution, fragment: String, depth: Int) throws(Failure) -> String {
            let value = lookup(the.name)
            let isMissing = value == nil || the.emptyCounts && value?.isEmpty == true
            switch the.operation {
            case .plain:
                if value == nil { unset(Reference(name: the.name, fragment: fragment)) }
                return value ?? ""
            case .orElse: return isMissing ? try expand(the.text, depth: depth + 1) : value ?? ""
            case .ifSet: return isMissing ? "" : try expand(the.text, depth: depth + 1)
            case .required:
                guard isMissing else { return value ?? "" }
                let message = try expand(the.text, depth: depth + 1)
                throw .required(name: the.name, message: message, fragment: fragment)
            }
        }
    }

    private enum Operation {
        case plain, orElse, ifSet, required
    }

    private struct Substitution {
        let name: String
        let operation: Operation
        /// With a colon: a variable that is set but empty counts as missing.
        let emptyCounts: Bool
        let text: Substring.UTF8View
    }

    /// What starts at a `$`.
    private struct Token {
        enum Kind {
            /// `$$`, or a `$` that starts nothing.
            case dollar
            case substitution(Substitution)
            case invalid
        }

        let kind: Kind
        let text: Substring.UTF8View

        init(_ input: Substring.UTF8View) {
            let after = input.dropFirst()
            switch after.first {
            case UInt8(ascii: "$"):
                kind = .dollar
                text = input.prefix(2)
            case UInt8(ascii: "{"):
                guard let (inside, end) = Self.braces(after), let substitution = Self.substitution(inside) else {
                    kind = .invalid
                    text = input
                    return
                }
                kind = .substitution(substitution)
                text = input[..<end]
            default:
                let name = Self.name(after)
                guard !name.isEmpty else {
                    kind = .dollar
                    text = input.prefix(1)
                    return
                }
                kind = .substitution(
                    Substitution(
                        name: String(Substring(name)), operation: .plain, emptyCounts: false, text: input.prefix(0)))
                text = input[..<name.endIndex]
            }
        }

        /// What stands between a `{` and the `}` that closes it, and where that ends.
        private static func braces(_ input: Substring.UTF8View) -> (Substring.UTF8View, String.Index)? {
            var depth = 0
            for index in input.indices {
                if input[index] == UInt8(ascii: "{") { depth += 1 }
                if input[index] == UInt8(ascii: "}") {
                    depth -= 1
                    if depth == 0 { return (input[..<index].dropFirst(), input.index(after: index)) }
                }
            }
            return nil
        }

        private static func substitution(_ inside: Substring.UTF8View) -> Substitution? {
            let name = Self.name(inside)
            guard !name.isEmpty else { return nil }
            var rest = inside[name.endIndex...]
            let colon = rest.first == UInt8(ascii: ":")
            if colon { rest = rest.dropFirst() }
            let operation: Operation
            switch rest.first {
            case nil where !colon: operation = .plain
            case UInt8(ascii: "-"): operation = .orElse
            case UInt8(ascii: "+"): operation = .ifSet
            case UInt8(ascii: "?"): operation = .required
            default: return nil
            }
            return Substitution(
                name: String(Substring(name)), operation: operation, emptyCounts: colon, text: rest.dropFirst())
        }

        private static func name(_ input: Substring.UTF8View) -> Substring.UTF8View {
            guard let first = input.first, !(0x30...0x39).contains(first) else { return input.prefix(0) }
            return input.prefix { byte in
                byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte)
            }
        }
    }
}
