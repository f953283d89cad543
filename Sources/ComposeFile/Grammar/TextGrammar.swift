import YAML

/// The form that a text needs in order to work at all. A text that does not fit works on no machine.
///
/// docker compose accepts many such texts and fails later, or silently ignores them. An empty text is valid where it
/// means "none".
package struct TextGrammar: Sendable {
    /// What is wrong with a text.
    package struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        /// A sentence that quotes the wrong part.
        package var message: String
        /// What to write instead.
        package var hint: String
        /// The wrong part of the text; nil for the whole text.
        package var fragment: String?
        /// It works, but has no effect.
        package var isHarmless = false
        /// It works, but not on Linux.
        package var worksElsewhere = false

        package var description: String { message }

        init(_ message: String, hint: String, at fragment: (some StringProtocol)? = String?.none) {
            self.message = message
            self.hint = hint
            self.fragment = fragment.map { String($0) }
        }

        /// The same as a warning.
        var harmless: Fault {
            var fault = self
            fault.isHarmless = true
            return fault
        }
    }

    /// Returns nil for a valid text.
    package let fault: @Sendable (String) -> Fault?

    init(_ fault: @escaping @Sendable (String) -> Fault?) { self.fault = fault }

    /// One of a few words, spelled exactly like this.
    static func words(_ what: String, _ words: [String], harmless: Bool = false) -> TextGrammar {
        TextGrammar { text in
            if text.isEmpty || words.contains(text) { return nil }
            let fault = Fault(
                "'\(text)' is not a valid \(what)",
                hint: nearest(to: text, among: words).map { "did you mean '\($0)'?" }
                    ?? "write \(alternatives(words))")
            return harmless ? fault.harmless : fault
        }
    }

    static func alternatives(_ words: [String]) -> String {
        words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
    }
}

extension UInt8 {
    /// `0` to `9`.
    var isDigit: Bool { (0x30...0x39).contains(self) }
    /// An ASCII letter or digit.
    var isAlphanumeric: Bool { isDigit || (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self) }
    /// A space or an invisible character.
    var isBlankOrControl: Bool { self <= 0x20 || self == 0x7F }
}

extension StringProtocol {
    /// It consists of digits only.
    var isDigits: Bool { !isEmpty && utf8.allSatisfy(\.isDigit) }
}
