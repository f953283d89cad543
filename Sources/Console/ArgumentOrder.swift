/// Puts a docker compose command line into the order that the parser reads: verb, global flags in long form, the rest.
///
/// Global flags may stand before the verb or after it, `--flag=true` and `--flag=false` are understood, the command of `exec`
/// and `run` is left alone, and a misspelt verb is met with the right one.
package struct ArgumentOrder: Sendable {
    /// Verbs by name; groups (`image`, `volume`, `network`) with the verbs inside.
    private let verbs: [String: [String]]

    private static let shortNames: [Character: String] = ["f": "--file", "p": "--project-name"]
    private static let globalValues: Set<String> = [
        "--file", "--project-name", "--profile", "--env-file", "--project-directory", "--ansi", "--progress",
        "--parallel",
    ]
    private static let globalFlags: Set<String> = [
        "--dry-run", "--compatibility", "--all-resources", "--verbose", "--no-ansi",
    ]
    /// Verbs whose own -f or -p means something else.
    private static let ownShortNames: [String: Set<Character>] = [
        "logs": ["f"], "rm": ["f"], "version": ["f"], "run": ["p"],
    ]
    /// Flags that are on unless said otherwise: `--orphans=false` is `--no-orphans`.
    private static let onByDefault: Set<String> = ["--orphans", "--menu", "--interactive"]
    /// Verbs of docker compose that berth does not have yet.
    private static let missing: Set<String> = [
        "attach", "build", "commit", "cp", "events", "export", "publish", "push", "stats", "watch", "alpha", "bridge",
    ]
    /// Options with a value before the service of `exec` and `run`, so that their command can be told from it.
    private static let valuesBeforeCommand: [String: Set<String>] = [
        "exec": ["--index", "-u", "--user", "-w", "--workdir", "-e", "--env"],
        "run": [
            "--cap-add", "--cap-drop", "--entrypoint", "-e", "--env", "--env-from-file", "-l", "--label", "--name",
            "-p",
            "--publish", "--pull", "-u", "--user", "-v", "--volume", "-w", "--workdir",
        ],
    ]

    package init(verbs: [String: [String]]) { self.verbs = verbs }

    /// The arguments as the parser wants them.
    package func ordered(_ arguments: [String]) throws(UsageFailure) -> [String] {
        var rest = arguments[...]
        if rest.first == "compose" { rest.removeFirst() }
        var globals: [String] = []
        while let argument = rest.first, argument.hasPrefix("-"), argument != "-" {
            if ["-h", "--help", "--generate-completion-script"].contains(argument)
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
        guard let inner = verbs[verb], !inner.isEmpty else { return [verb] + globals + tail(of: verb, rest) }
        guard let subverb = rest.first, !subverb.hasPrefix("-") else { return [verb] + rest }
        rest.removeFirst()
        if !inner.contains(subverb), subverb != "help" {
            let question = Suggestion.question(for: subverb, among: inner)
            throw UsageFailure(
                "unknown verb \"\(verb) \(subverb)\"\(question)", hint: "berth \(verb) --help lists them")
        }
        return [verb, subverb] + globals + rest
    }

    private func check(_ verb: String) throws(UsageFailure) {
        if verbs[verb] != nil || verb == "help" { return }
        if Self.missing.contains(verb) {
            throw UsageFailure("berth has no `\(verb)` yet", hint: "docs/differences.md lists what is missing")
        }
        let question = Suggestion.question(for: verb, among: verbs.keys.sorted())
        throw UsageFailure("unknown verb \"\(verb)\"\(question)", hint: "berth --help lists the verbs")
    }

    private func takeGlobal(
        _ argument: String, _ rest: inout ArraySlice<String>, into globals: inout [String]
    ) throws(UsageFailure) {
        if let (name, value) = Self.shortGlobal(argument, besides: []) {
            guard let value = value ?? rest.popFirst() else { throw UsageFailure("\(argument) needs a value") }
            globals += [name, value]
            return
        }
        var (name, value) = Self.split(argument)
        if name == "--workdir" { name = "--project-directory" }  // its older name
        if Self.globalFlags.contains(name) {
            if value != "false" { globals.append(name) }
        } else if Self.globalValues.contains(name) {
            guard let value = value ?? rest.popFirst() else { throw UsageFailure("\(name) needs a value") }
            globals += [name, value]
        } else {
            let known = Self.globalFlags.union(Self.globalValues)
            throw UsageFailure(
                "unknown flag \(name) before the verb\(Suggestion.question(for: name, among: known.sorted()))",
                hint: "a verb's own flags stand after it")
        }
    }

    /// What follows the verb, with short global names spelled out and the command of `exec` and `run` set apart.
    private func tail(of verb: String, _ arguments: ArraySlice<String>) -> [String] {
        let own = Self.ownShortNames[verb] ?? []
        let values = Self.valuesBeforeCommand[verb]
        var rest = arguments
        var result: [String] = []
        while let argument = rest.popFirst() {
            if argument == "--" { return result + ["--"] + rest }
            if !argument.hasPrefix("-") || argument == "-" {
                if values != nil { return result + ["--", argument] + rest }
                result.append(argument)
            } else if let (name, value) = Self.shortGlobal(argument, besides: own) {
                result.append(name)
                if let value = value ?? rest.popFirst() { result.append(value) }
            } else {
                result += Self.withoutBooleanValue(argument)
                let takesValue = values?.contains(argument) == true || Self.globalValues.contains(argument)
                if takesValue || Self.endsInValueOption(argument, values), let value = rest.popFirst() {
                    result.append(value)
                }
            }
        }
        return result
    }

    /// A cluster such as `-Tu` whose last letter takes the next argument.
    private static func endsInValueOption(_ argument: String, _ values: Set<String>?) -> Bool {
        guard let values, !argument.hasPrefix("--"), argument.count > 2, let last = argument.last else { return false }
        return values.contains("-\(last)")
            && argument.dropFirst().dropLast().allSatisfy { !values.contains("-\($0)") && $0 != "=" }
    }

    /// `-fNAME`, `-f=NAME` and `-f` as the long name and the value, if it is there.
    private static func shortGlobal(_ argument: String, besides own: Set<Character>) -> (String, String?)? {
        guard argument.hasPrefix("-"), !argument.hasPrefix("--"), let letter = argument.dropFirst().first,
            let name = shortNames[letter], !own.contains(letter)
        else { return nil }
        let value = argument.dropFirst(2)
        if value.isEmpty { return (name, nil) }
        return (name, String(value.first == "=" ? value.dropFirst() : value))
    }

    private static func withoutBooleanValue(_ argument: String) -> [String] {
        let (name, value) = split(argument)
        switch value {
        case "true" where name.hasPrefix("--"): return [name]
        case "false" where onByDefault.contains(name): return ["--no-\(name.dropFirst(2))"]
        case "false" where name.hasPrefix("--"): return []
        default: return [argument]
        }
    }

    private static func split(_ argument: String) -> (name: String, value: String?) {
        guard argument.hasPrefix("--"), let equals = argument.firstIndex(of: "=") else { return (argument, nil) }
        return (String(argument[..<equals]), String(argument[argument.index(after: equals)...]))
    }
}
