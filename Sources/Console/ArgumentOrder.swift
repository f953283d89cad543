/// Puts a docker compose command line into the order and form that the parser reads: verb, global options, the rest.
///
/// Global options may come before or after the verb. Values may follow short options directly, and short options may be
/// combined (`-vt0`). Flags may have a boolean value (`--wait=false`). The command of `exec` and `run` stays unchanged.
/// The error for a misspelt verb suggests the right one.
package struct ArgumentOrder: Sendable {
    /// Verbs by name; for groups (`image`, `volume`, `network`) with the verbs inside.
    private let verbs: [String: [String]]

    /// Flags that are on by default: `--orphans=false` becomes `--no-orphans`.
    private static let onByDefault: Set<String> = [
        "--orphans", "--menu", "--interactive", "--tty", "--ipv4", "--pause", "--sig-proxy",
    ]
    /// Verbs of docker compose that berth does not have yet.
    package static let missing: Set<String> = [
        "publish", "alpha", "bridge",
    ]
    /// Flags that the parser handles itself; the last one lists every verb's options for tools, and for a test.
    private static let parserFlags = ["-h", "--help", "--generate-completion-script", "--experimental-dump-help"]
    /// Verbs whose second positional argument begins a command for a container.
    private static let commandVerbs: Set<String> = ["exec", "run", "container run", "container create"]

    package init(verbs: [String: [String]]) { self.verbs = verbs }

    /// The arguments in the parser's form.
    package func ordered(_ arguments: [String]) throws(UsageFailure) -> [String] {
        var rest = arguments[...]
        if rest.first == "compose" { rest.removeFirst() }
        var globals: [String] = []
        while let argument = rest.first, argument.hasPrefix("-"), argument != "-" {
            if Self.parserFlags.contains(argument)
                || argument.hasPrefix("--generate-completion-script=")
            {
                return Array(rest)
            }
            rest.removeFirst()
            if argument == "--version" || argument == "-v" { return ["version"] + globals }
            try takeGlobal(argument, &rest, into: &globals)
        }
        guard let verb = rest.popFirst() else {
            if globals.isEmpty { return [] }
            throw UsageFailure("a verb is missing after the flags", hint: "berth --help lists the verbs")
        }
        try check(verb)
        guard let inner = verbs[verb], !inner.isEmpty else { return [verb] + globals + Tail(verb).ordered(rest) }
        guard let subverb = rest.first, !subverb.hasPrefix("-") else { return [verb] + rest }
        rest.removeFirst()
        if !inner.contains(subverb), subverb != "help" {
            let question = Suggestion.question(for: subverb, among: inner)
            throw UsageFailure(
                "unknown verb \"\(verb) \(subverb)\"\(question)", hint: "berth \(verb) --help lists them")
        }
        return [verb, subverb] + globals + Tail("\(verb) \(subverb)", isInner: true).ordered(rest)
    }

    private func check(_ verb: String) throws(UsageFailure) {
        if verbs[verb] != nil || verb == "help" { return }
        if Self.missing.contains(verb) {
            throw UsageFailure("berth has no `\(verb)` yet", hint: "`berth help differences` lists what is missing")
        }
        let question = Suggestion.question(for: verb, among: verbs.keys.sorted())
        throw UsageFailure("unknown verb \"\(verb)\"\(question)", hint: "berth --help lists the verbs")
    }

    private func takeGlobal(
        _ argument: String, _ rest: inout ArraySlice<String>, into globals: inout [String]
    ) throws(UsageFailure) {
        var (name, value) = Self.split(argument)
        if !argument.hasPrefix("--"), let letter = argument.dropFirst().first,
            let long = OptionForms.globalShorts[letter]
        {
            name = long
            value = Self.attached(argument.dropFirst(2))
        }
        if name == "--workdir" { name = "--project-directory" }  // its older name
        if OptionForms.globalFlags.contains(name) {
            globals += Self.withoutTruthValue(name, value)
        } else if OptionForms.globalValues.contains(name) {
            guard let value = value ?? rest.popFirst() else { throw UsageFailure("\(argument) needs a value") }
            globals.append("\(name)=\(value)")
        } else {
            let known = OptionForms.globalFlags.union(OptionForms.globalValues)
            throw UsageFailure(
                "unknown flag \(name) before the verb\(Suggestion.question(for: name, among: known.sorted()))",
                hint: "write the flags of a verb after it")
        }
    }

    /// The part after a verb. Writes every option in its long form with its value attached, resolves boolean values,
    /// and separates the command of `exec`, `run` and `container run`.
    private struct Tail {
        let verb: String
        let forms: OptionForms
        let isInner: Bool

        init(_ verb: String, isInner: Bool = false) {
            self.verb = verb
            self.isInner = isInner
            forms = .of(verb)
        }

        func ordered(_ arguments: ArraySlice<String>) -> [String] {
            var rest = arguments
            var result: [String] = []
            while let argument = rest.popFirst() {
                if argument == "--" { return result + ["--"] + rest }
                if !argument.hasPrefix("-") || argument == "-" {
                    if ArgumentOrder.commandVerbs.contains(verb) { return result + ["--", argument] + rest }
                    result.append(argument)
                } else if argument.hasPrefix("--") {
                    result += long(argument, &rest)
                } else {
                    result += cluster(argument, &rest)
                }
            }
            return result
        }

        private func long(_ argument: String, _ rest: inout ArraySlice<String>) -> [String] {
            let (name, value) = ArgumentOrder.split(argument)
            if verb == "pull", name == "--parallel", Int(value ?? rest.first ?? "") == nil {
                return []  // an old flag of docker compose, which always pulls in parallel now
            }
            guard OptionForms.valued.contains(name), !forms.longFlags.contains(name) else {
                return ArgumentOrder.withoutTruthValue(name, value)
            }
            return withValue(name, value, &rest)
        }

        /// Splits `-vt0` into `-v --timeout=0`. If a letter is unknown, leaves the argument unchanged, so that the
        /// parser reports it.
        private func cluster(_ argument: String, _ rest: inout ArraySlice<String>) -> [String] {
            var result: [String] = []
            var letters = argument.dropFirst()
            while let letter = letters.popFirst() {
                if let name = forms.values[letter] ?? globalName(letter) {
                    return result + withValue(name, ArgumentOrder.attached(letters), &rest)
                }
                guard forms.flags.contains(letter) else { return [argument] }
                if letters.first == "=" {
                    let name = letter == "t" && ArgumentOrder.commandVerbs.contains(verb) ? "--tty" : "-\(letter)"
                    return result + ArgumentOrder.withoutTruthValue(name, ArgumentOrder.attached(letters))
                }
                result.append("-\(letter)")
            }
            return result
        }

        private func globalName(_ letter: Character) -> String? {
            isInner || forms.flags.contains(letter) ? nil : OptionForms.globalShorts[letter]
        }

        /// Attached, so that a value may begin with "-"; if the value is missing, the parser reports it.
        private func withValue(_ name: String, _ value: String?, _ rest: inout ArraySlice<String>) -> [String] {
            guard let value = value ?? rest.popFirst() else { return [name] }
            return ["\(name)=\(value)"]
        }
    }

    /// The flag alone, its opposite, or nothing. If the value is not a boolean, leaves the flag unchanged, so that the
    /// parser refuses it.
    private static func withoutTruthValue(_ name: String, _ value: String?) -> [String] {
        guard let value else { return [name] }
        switch isTrue(value) {
        case true?: return [name]
        case false? where onByDefault.contains(name): return ["--no-\(name.dropFirst(2))"]
        case false?: return []
        case nil: return ["\(name)=\(value)"]
        }
    }

    /// A boolean by Go's rules (strconv.ParseBool); nil for anything else.
    private static func isTrue(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }

    /// The value directly after a short option, with or without "="; nil when the value is the next argument.
    private static func attached(_ rest: Substring) -> String? {
        if rest.isEmpty { return nil }
        return String(rest.first == "=" ? rest.dropFirst() : rest)
    }

    private static func split(_ argument: String) -> (name: String, value: String?) {
        guard let equals = argument.firstIndex(of: "=") else { return (argument, nil) }
        return (String(argument[..<equals]), String(argument[argument.index(after: equals)...]))
    }
}
