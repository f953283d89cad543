/// Which checks run, and whether their findings fail the build: `skip=A,B;error=true;experimental=C`.
package struct CheckOptions: Hashable, Sendable {
    /// Names of checks that do not run, in lower case.
    package private(set) var skipped: Set<String> = []
    package private(set) var skipsAll = false
    /// Names of experimental checks that run, in lower case.
    package private(set) var experimental: Set<String> = []
    package private(set) var runsAllExperimental = false
    /// A finding fails the build.
    package private(set) var isError = false

    /// Text that is not a list of options.
    package struct Failure: Error, Hashable, CustomStringConvertible {
        package var description: String
    }

    package init() {}

    /// Reads the options as the directive `check`, a comment above an instruction, and the build argument
    /// `BUILDKIT_DOCKERFILE_CHECK` give them. What follows a blank is a remark: `skip=all # for now`.
    package init(_ text: String) throws(Failure) {
        for option in Self.withoutRemark(text).split(separator: ";") {
            let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].lowercased()
            let setting = parts.count > 1 ? parts[1].lowercased() : ""
            let names = Set(setting.split(separator: ",").map(String.init))
            switch name {
            case "skip":
                skipsAll = names.contains("all")
                skipped = names
            case "experimental":
                runsAllExperimental = names.contains("all")
                experimental = names
            case "error":
                guard let isError = ["true": true, "1": true, "false": false, "0": false][setting] else {
                    throw Failure(description: "'error' is true or false, not '\(setting)'")
                }
                self.isError = isError
            default: throw Failure(description: "unknown option '\(name)'")
            }
        }
    }

    /// The text without blanks, up to the first one that separates neither an option nor a name.
    private static func withoutRemark(_ text: String) -> String {
        var result = ""
        for word in text.split(whereSeparator: \.isWhitespace) {
            let isOpen = result.last.map { ",;=".contains($0) } ?? true
            guard isOpen || ",;=".contains(word.first ?? " ") else { break }
            result += word
        }
        return result
    }

    /// The options of the comments above an instruction. A comment that only looks like options is a comment.
    init(comments: [PlacedText]) {
        for comment in comments {
            guard let (name, value) = Directives.parts(of: comment), name == "check",
                let options = try? CheckOptions(value.text)
            else { continue }
            self = options
            return
        }
    }

    func runs(_ check: Check) -> Bool {
        let name = check.rawValue.lowercased()
        if check.isExperimental { return runsAllExperimental || experimental.contains(name) }
        return !skipsAll && !skipped.contains(name)
    }

    /// These options and those of a single instruction.
    func adding(_ other: CheckOptions) -> CheckOptions {
        var sum = self
        sum.skipped.formUnion(other.skipped)
        sum.skipsAll = skipsAll || other.skipsAll
        sum.experimental.formUnion(other.experimental)
        sum.runsAllExperimental = runsAllExperimental || other.runsAllExperimental
        return sum
    }
}
