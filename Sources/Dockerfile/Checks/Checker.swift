import YAML

/// Runs the checks over a Dockerfile and turns what they find into warnings.
package struct Checker {
    let build: BuildFile
    let arguments: BuildArguments
    let automatic: [String: String]
    let ignored: IgnoreFile?
    /// The variables of a stage's base image; nil where the image is not known.
    let environment: (Int) -> [String: String]?
    private(set) var findings: Findings

    /// `environment` gives the variables of the base image of the stage with that number, nil where it is not known.
    package init(
        _ build: BuildFile, arguments: BuildArguments, automatic: [String: String], ignored: IgnoreFile?,
        environment: @escaping (Int) -> [String: String]?
    ) {
        self.build = build
        self.arguments = arguments
        self.automatic = automatic
        self.ignored = ignored
        self.environment = environment
        findings = Findings(file: build.file)
    }

    /// What the checks find, in the order of the file; those that the file skips are left out.
    package mutating func run() -> [Diagnostic] {
        guard !build.directives.check.skipsAll else { return [] }
        checkNames()
        checkCasing()
        for line in build.emptyContinuations {
            report(
                .noEmptyContinuation, SourceRange(file: build.file, line: line, column: 1, length: 1),
                "an empty line inside of an instruction", hint: "remove it, or begin it with #")
        }
        checkBases()
        checkStages()
        return findings.sorted
    }

    mutating func report(_ check: Check, _ text: PlacedText, _ message: String, hint: String? = nil) {
        report(check, text.span(in: build.file), message, hint: hint)
    }

    mutating func report(_ check: Check, _ place: SourceRange?, _ message: String, hint: String? = nil) {
        guard !build.directives.check.skipped.contains(check.rawValue.lowercased()) else { return }
        let severity = build.directives.check.isError ? Diagnostic.Severity.error : .warning
        findings.add(Diagnostic(severity, at: place, "\(message) (\(check.rawValue))", hint: hint))
    }

    // MARK: The file as a whole

    private mutating func checkNames() {
        var seen: Set<String> = []
        for stage in build.stages {
            guard let written = stage.base.name, let name = stage.name else { continue }
            if written.text != name {
                report(.stageNameCasing, written, "the name of the stage has capitals", hint: "write '\(name)'")
            }
            if name == "scratch" || name == "context" {
                report(
                    .reservedStageName, written, "'\(name)' has a meaning of its own",
                    hint: "give the stage another name")
            }
            if !seen.insert(name).inserted {
                report(
                    .duplicateStageName, written, "a stage before this one is named '\(name)', too",
                    hint: "give each stage a name of its own")
            }
            checkAsCasing(stage)
        }
    }

    private mutating func checkAsCasing(_ stage: Stage) {
        let words = CommandSplit(stage.instruction.text, escape: build.directives.escape)
        let keyword = words.keyword.text
        let parts = words.arguments.split()
        guard parts.count == 3 else { return }
        let word = parts[1]
        if keyword == keyword.lowercased(), word.text != word.text.lowercased() {
            report(.fromAsCasing, word, "'\(word)' and '\(keyword)' are cased differently", hint: "write 'as'")
        } else if keyword == keyword.uppercased(), word.text != word.text.uppercased() {
            report(.fromAsCasing, word, "'\(word)' and '\(keyword)' are cased differently", hint: "write 'AS'")
        }
    }

    private mutating func checkCasing() {
        let all = build.stages.flatMap { [$0.instruction] + $0.instructions }
        let lower = all.count { $0.written.text == $0.written.text.lowercased() }
        let upper = all.count { $0.written.text == $0.written.text.uppercased() }
        for instruction in all {
            let word = instruction.written.text
            let wanted = lower > upper ? word.lowercased() : word.uppercased()
            guard word != wanted else { continue }
            report(
                .consistentInstructionCasing, instruction.written,
                "'\(word)' is cased differently than most instructions",
                hint: "write '\(wanted)'")
        }
    }

    private mutating func checkBases() {
        let lexer = WordLexer(escape: build.directives.escape)
        var nothing = Findings(file: build.file)
        let defaults = BuildArguments(build, given: [:], automatic: automatic, findings: &nothing)
        let declared = Set(defaults.global.keys)
        for stage in build.stages {
            let image = stage.base.image
            if let expansion = try? lexer.expand(image, with: { arguments.global[$0] }) {
                reportUndeclared(expansion.unset, in: image, declared)
            }
            if nothing.diagnostics.isEmpty, let expansion = try? lexer.expand(image, with: { defaults.global[$0] }),
                !Self.isReference(expansion.text)
            {
                report(
                    .invalidDefaultArgInFrom, image, "with its defaults '\(image)' is no image: '\(expansion.text)'",
                    hint: "give each ARG before FROM a default that makes an image")
            }
            guard let platform = stage.base.platform,
                let expansion = try? lexer.expand(platform, with: { arguments.global[$0] })
            else { continue }
            reportUndeclared(expansion.unset, in: platform, declared)
            if expansion.unset.isEmpty, Set(expansion.used.map(\.name)) == ["TARGETPLATFORM"],
                expansion.text == arguments.global["TARGETPLATFORM"]
            {
                report(
                    .redundantTargetPlatform, platform, "the target's platform is the default",
                    hint: "leave --platform out")
            }
            let parts = expansion.text.lowercased().split(separator: "/").map(String.init)
            if expansion.used.isEmpty, expansion.unset.isEmpty, let name = stage.name ?? .some(""),
                !parts.contains(where: name.contains)
            {
                report(
                    .fromPlatformFlagConstDisallowed, platform, "the platform is fixed to '\(expansion.text)'",
                    hint: "use --platform=$BUILDPLATFORM or leave it out")
            }
        }
    }

    private mutating func reportUndeclared(_ uses: [WordLexer.Use], in text: PlacedText, _ declared: Set<String>) {
        for use in uses where !declared.contains(use.name) {
            report(
                .undefinedArgInFrom, text.span(use.range, in: build.file),
                "no ARG before the first FROM declares '\(use.name)'",
                hint: nearest(to: use.name, among: declared.sorted()).map { "did you mean '\($0)'?" }
                    ?? "add ARG \(use.name)=default before the first FROM")
        }
    }

    /// It may be the name of an image: lower case parts, a tag, a digest.
    private static func isReference(_ text: String) -> Bool {
        let name = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)[0]
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard let last = parts.last else { return false }
        let tagged = last.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let repository = tagged.first, !repository.isEmpty, repository == repository.lowercased() else {
            return false
        }
        if tagged.count > 1, tagged[1].isEmpty { return false }
        let allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:[]"
        return parts.allSatisfy { part in !part.isEmpty && part.allSatisfy { allowed.contains($0) } }
            && repository.first.map { $0.isLetter || $0.isNumber } ?? false
    }
}
