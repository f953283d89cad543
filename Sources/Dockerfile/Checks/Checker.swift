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
    /// Those of the file.
    private let options: CheckOptions
    /// Those of the comments above the instruction that is being checked.
    private var ownOptions = CheckOptions()

    /// `options` stand in for those of the file. `environment` returns the variables of the base image of the stage with this
    /// number, or nil if they are not known.
    package init(
        _ build: BuildFile, options: CheckOptions? = nil, arguments: BuildArguments, automatic: [String: String],
        ignored: IgnoreFile?,
        environment: @escaping (Int) -> [String: String]?
    ) {
        self.build = build
        self.options = options ?? build.directives.check
        self.arguments = arguments
        self.automatic = automatic
        self.ignored = ignored
        self.environment = environment
        findings = Findings(file: build.file)
    }

    /// The findings of the checks that the file does not skip, in the order of the file.
    package mutating func run() -> [Diagnostic] {
        checkNames()
        checkCasing()
        for line in build.emptyContinuations {
            report(
                .noEmptyContinuation, SourceRange(file: build.file, line: line, column: 1, length: 1),
                "empty line inside an instruction", hint: "remove it, or begin it with #")
        }
        checkDescriptions()
        checkBases()
        checkStages()
        return findings.sorted
    }

    /// Runs `body` with the options in the comments above `instruction`.
    mutating func checking(_ instruction: Instruction, _ body: (inout Checker) -> Void) {
        ownOptions = CheckOptions(comments: instruction.comments)
        body(&self)
        ownOptions = CheckOptions()
    }

    mutating func report(_ check: Check, _ text: PlacedText, _ message: String, hint: String? = nil) {
        report(check, text.span(in: build.file), message, hint: hint)
    }

    mutating func report(_ check: Check, _ place: SourceRange?, _ message: String, hint: String? = nil) {
        guard options.adding(ownOptions).runs(check) else { return }
        let severity = options.isError ? Diagnostic.Severity.error : .warning
        findings.add(Diagnostic(severity, at: place, "\(message) (\(check.rawValue))", hint: hint))
    }

    // MARK: The file as a whole

    private mutating func checkNames() {
        var seen: Set<String> = []
        for stage in build.stages {
            guard let name = stage.name else { continue }
            let isNew = seen.insert(name).inserted
            checking(stage.instruction) { $0.checkName(name, of: stage, isNew: isNew) }
        }
    }

    private mutating func checkName(_ name: String, of stage: Stage, isNew: Bool) {
        guard let written = stage.base.name else { return }
        if written.text != name {
            report(.stageNameCasing, written, "the stage name has capital letters", hint: "write '\(name)'")
        }
        if name == "scratch" || name == "context" {
            report(.reservedStageName, written, "the stage name '\(name)' is reserved", hint: "use another name")
        }
        if !isNew {
            report(.duplicateStageName, written, "duplicate stage name '\(name)'", hint: "use another name")
        }
        checkAsCasing(stage)
    }

    private mutating func checkAsCasing(_ stage: Stage) {
        let words = CommandSplit(stage.instruction.text, escape: build.directives.escape)
        let keyword = words.keyword.text
        let parts = words.arguments.split()
        guard parts.count == 3 else { return }
        let word = parts[1]
        if keyword == keyword.lowercased(), word.text != word.text.lowercased() {
            report(.fromAsCasing, word, "'\(word)' does not match the casing of '\(keyword)'", hint: "write 'as'")
        } else if keyword == keyword.uppercased(), word.text != word.text.uppercased() {
            report(.fromAsCasing, word, "'\(word)' does not match the casing of '\(keyword)'", hint: "write 'AS'")
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
            checking(instruction) {
                $0.report(
                    .consistentInstructionCasing, instruction.written,
                    "'\(word)' does not match the casing of most instructions", hint: "write '\(wanted)'")
            }
        }
    }

    /// The comment directly above an ARG or a named stage describes it: `# NAME what it is for`.
    private mutating func checkDescriptions() {
        for instruction in build.globalArguments + build.stages.flatMap({ [$0.instruction] + $0.instructions }) {
            let names: [String]
            switch instruction.operation {
            case .arg(let arguments): names = arguments.map(\.name.text)
            case .from(let base): names = base.name.map { [$0.text.lowercased()] } ?? []
            default: continue
            }
            guard let comment = instruction.comments.last, let name = names.first, Directives.parts(of: comment) == nil,
                !names.contains(comment.split()[0].text)
            else { continue }
            checking(instruction) {
                $0.report(
                    .invalidDefinitionDescription, instruction.written, "the comment above does not describe '\(name)'",
                    hint: "write `# \(name) …`, or an empty line below the comment")
            }
        }
    }

    private mutating func checkBases() {
        var unused = Findings(file: build.file)
        let defaults = BuildArguments(build, given: [:], automatic: automatic, findings: &unused)
        var declared = Set(automatic.keys)
        for case .arg(let arguments) in build.globalArguments.map(\.operation) {
            declared.formUnion(arguments.map(\.name.text))
        }
        for stage in build.stages {
            checking(stage.instruction) {
                $0.checkImage(stage.base.image, unused.diagnostics.isEmpty ? defaults : nil, declared)
                if let platform = stage.base.platform { $0.checkPlatform(platform, of: stage, declared) }
            }
        }
    }

    /// `defaults` are the arguments with nothing given; nil if they have no value without it.
    private mutating func checkImage(_ image: PlacedText, _ defaults: BuildArguments?, _ declared: Set<String>) {
        let lexer = WordLexer(escape: build.directives.escape)
        if let expansion = try? lexer.expand(image, with: { arguments.global[$0] }) {
            reportUndeclared(expansion.unset, in: image, declared)
        }
        guard let defaults, let expansion = try? lexer.expand(image, with: { defaults.global[$0] }),
            !Self.isReference(expansion.text)
        else { return }
        report(
            .invalidDefaultArgInFrom, image,
            "with the default values, '\(image)' is not an image: '\(expansion.text)'",
            hint: "give each ARG before FROM a default that makes a valid image name")
    }

    private mutating func checkPlatform(_ platform: PlacedText, of stage: Stage, _ declared: Set<String>) {
        let lexer = WordLexer(escape: build.directives.escape)
        guard let expansion = try? lexer.expand(platform, with: { arguments.global[$0] }) else { return }
        reportUndeclared(expansion.unset, in: platform, declared)
        guard expansion.unset.isEmpty else { return }
        if Set(expansion.used.map(\.name)) == ["TARGETPLATFORM"], expansion.text == arguments.global["TARGETPLATFORM"] {
            report(
                .redundantTargetPlatform, platform, "the target platform is the default", hint: "leave --platform out")
        }
        let parts = expansion.text.lowercased().split(separator: "/").map(String.init)
        guard expansion.used.isEmpty, !parts.contains(where: (stage.name ?? "").contains) else { return }
        report(
            .fromPlatformFlagConstDisallowed, platform, "the platform is fixed to '\(expansion.text)'",
            hint: "use --platform=$BUILDPLATFORM or leave it out")
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

    /// Whether it can be the name of an image.
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
