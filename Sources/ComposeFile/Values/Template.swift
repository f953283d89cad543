/// `$NAME`, `${NAME}` and `${NAME:-text}` in a value (Compose Specification, 12-interpolation).
package enum Template {
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// A `${` that begins no valid substitution; the text from there on.
        case invalid(String)
        /// `${NAME:?message}` without a value.
        case required(name: String, message: String, fragment: String)

        package var description: String {
            switch self {
            case .invalid(let text): "\(text) is not a substitution"
            case .required(let name, let message, _): "\(name) needs a value: \(message)"
            }
        }
    }

    /// A substitution as written.
    package struct Reference: Hashable, Sendable {
        package var name: String
        package var isRequired = false
        package var defaultValue = ""
        package var alternative = ""
        /// The whole substitution, from `$` to its end.
        package var fragment: String
    }

    /// The maximum depth of nested `${A:-${B:-…}}`.
    private static let depth = 64

    /// The text with its substitutions. Evaluates the text after an operator only if it is needed.
    ///
    /// `lookup` returns a variable's value; `unset` gets each variable without one, for which "" is used.
    package static func expand(
        _ text: String, lookup: @escaping (String) -> String?, unset: @escaping (Reference) -> Void
    ) throws(Failure) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        return try Expansion(lookup: lookup, unset: unset).expand(Array(text.utf8)[...], depth: 0)
    }

    /// Every substitution in the text, also inside operators' texts, in order.
    package static func references(in text: String) -> [Reference] {
        var found: [Reference] = []
        collect(Array(text.utf8)[...], depth: 0, into: &found)
        return found
    }

    private static func collect(_ text: ArraySlice<UInt8>, depth: Int, into found: inout [Reference]) {
        guard depth < Self.depth else { return }
        var rest = text
        while let dollar = rest.firstIndex(of: UInt8(ascii: "$")) {
            let token = Token(rest[dollar...])
            if case .substitution(let substitution) = token.kind {
                var reference = Reference(
                    name: substitution.name, fragment: String(decoding: token.text, as: UTF8.self))
                switch substitution.operation {
                case .required: reference.isRequired = true
                case .orElse: reference.defaultValue = String(decoding: substitution.text, as: UTF8.self)
                case .ifSet: reference.alternative = String(decoding: substitution.text, as: UTF8.self)
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

        func expand(_ text: ArraySlice<UInt8>, depth: Int) throws(Failure) -> String {
            guard depth < Template.depth else { throw .invalid(String(decoding: text, as: UTF8.self)) }
            var result: [UInt8] = []
            var rest = text
            while let dollar = rest.firstIndex(of: UInt8(ascii: "$")) {
                result += rest[..<dollar]
                let token = Token(rest[dollar...])
                switch token.kind {
                case .dollar: result.append(UInt8(ascii: "$"))
                case .invalid: throw .invalid(String(decoding: rest[dollar...], as: UTF8.self))
                case .substitution(let substitution):
                    result += try value(substitution, fragment: token.text, depth: depth).utf8
                }
                rest = rest[token.text.endIndex...]
            }
            return String(decoding: result + rest, as: UTF8.self)
        }

        private func value(_ the: Substitution, fragment: ArraySlice<UInt8>, depth: Int) throws(Failure) -> String {
            let value = lookup(the.name)
            let isMissing = value == nil || the.emptyCounts && value?.isEmpty == true
            switch the.operation {
            case .plain:
                if value == nil {
                    unset(Reference(name: the.name, fragment: String(decoding: fragment, as: UTF8.self)))
                }
                return value ?? ""
            case .orElse: return isMissing ? try expand(the.text, depth: depth + 1) : value ?? ""
            case .ifSet: return isMissing ? "" : try expand(the.text, depth: depth + 1)
            case .required:
                guard isMissing else { return value ?? "" }
                let message = try expand(the.text, depth: depth + 1)
                throw .required(
                    name: the.name, message: message, fragment: String(decoding: fragment, as: UTF8.self))
            }
        }
    }

    private enum Operation {
        case plain, orElse, ifSet, required
    }

    private struct Substitution {
        let name: String
        let operation: Operation
        /// With a colon, a variable that is set but empty counts as missing.
        let emptyCounts: Bool
        let text: ArraySlice<UInt8>
    }

    /// What a `$` begins.
    private struct Token {
        enum Kind {
            /// `$$`, or a `$` that begins nothing.
            case dollar
            case substitution(Substitution)
            case invalid
        }

        let kind: Kind
        let text: ArraySlice<UInt8>

        init(_ input: ArraySlice<UInt8>) {
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
                        name: String(decoding: name, as: UTF8.self), operation: .plain, emptyCounts: false,
                        text: input.prefix(0)))
                text = input[..<name.endIndex]
            }
        }

        /// The text between a `{` and its closing `}`, and the end position.
        private static func braces(_ input: ArraySlice<UInt8>) -> (ArraySlice<UInt8>, Int)? {
            var depth = 0
            for index in input.indices {
                if input[index] == UInt8(ascii: "{") { depth += 1 }
                if input[index] == UInt8(ascii: "}") {
                    depth -= 1
                    if depth == 0 { return (input[..<index].dropFirst(), index + 1) }
                }
            }
            return nil
        }

        private static func substitution(_ inside: ArraySlice<UInt8>) -> Substitution? {
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
                name: String(decoding: name, as: UTF8.self), operation: operation, emptyCounts: colon,
                text: rest.dropFirst())
        }

        private static func name(_ input: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
            guard let first = input.first, !(0x30...0x39).contains(first) else { return input.prefix(0) }
            return input.prefix { byte in
                byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte)
            }
        }
    }
}
