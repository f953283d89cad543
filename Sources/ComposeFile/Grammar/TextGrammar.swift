import YAML

/// What the text of one value must look like to work at all: on no machine could another one do what is written.
///
/// docker compose takes many such texts and fails later, or never says a word. Where an empty text means "none", it is right.
package struct TextGrammar: Sendable {
    /// What is wrong with a text.
    package struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        /// A sentence that quotes what is wrong.
        package var message: String
        /// What to write instead.
        package var hint: String
        /// The part of the text that is wrong; nil for all of it.
        package var fragment: String?
        /// It works as far as it goes, and means nothing.
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

    /// nil for a text that is right.
    package let fault: @Sendable (String) -> Fault?

    init(_ fault: @escaping @Sendable (String) -> Fault?) { self.fault = fault }

    /// One of a few words, in the spelling given.
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
    /// A space or what no terminal shows.
    var isBlankOrControl: Bool { self <= 0x20 || self == 0x7F }
}

extension StringProtocol {
    /// It has digits and nothing else.
    var isDigits: Bool { !isEmpty && utf8.allSatisfy(\.isDigit) }
}
