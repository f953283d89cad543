import YAML

/// The variables of a build: arguments from the command line, arguments of the file, the platform's.
package struct BuildArguments: Sendable {
    /// Known without a declaration, and neither in keys of the cache nor in histories.
    package static let predefined: Set<String> = [
        "ALL_PROXY", "FTP_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "all_proxy", "ftp_proxy", "http_proxy",
        "https_proxy", "no_proxy",
    ]

    /// The values of `--build-arg name=value`.
    package let given: [String: String]
    /// The values that FROM lines see: arguments before the first stage, and those of the platform.
    package private(set) var global: [String: String]

    /// Evaluates the arguments before the first stage; `automatic` holds `TARGETPLATFORM` and the others that are there
    /// without a declaration.
    package init(_ build: BuildFile, given: [String: String], automatic: [String: String], findings: inout Findings) {
        self.given = given
        var global = automatic
        for (name, value) in given where automatic[name] != nil { global[name] = value }
        let lexer = WordLexer(escape: build.directives.escape)
        for instruction in build.globalArguments {
            guard case .arg(let arguments) = instruction.operation else { continue }
            for argument in arguments {
                let name = argument.name.text
                if let value = given[name] {
                    global[name] = value
                } else if let value = argument.value {
                    do throws(WordLexer.Failure) {
                        global[name] = try lexer.expand(value) { global[$0] }.text
                    } catch {
                        findings.error(error, in: value)
                    }
                }
            }
        }
        self.global = global
    }

    /// The base images of the stages, with variables expanded; nil where that failed.
    package func bases(of build: BuildFile, findings: inout Findings) -> [String?] {
        build.stages.map { stage in
            guard let base = expand(stage.base.image, build, findings: &findings) else { return nil }
            guard base.isEmpty else { return base }
            findings.error(
                stage.base.image, "the name of the base image is empty: '\(stage.base.image)' has no value",
                hint: "give it a default before the first FROM: ARG NAME=image")
            return nil
        }
    }

    /// The platforms of FROM lines, expanded; nil where there is none or expanding failed.
    package func platforms(of build: BuildFile, findings: inout Findings) -> [String?] {
        build.stages.map { stage in
            guard let platform = stage.base.platform else { return nil }
            guard let text = expand(platform, build, findings: &findings) else { return nil }
            guard text.isEmpty else { return text }
            findings.error(
                platform, "the platform is empty: '\(platform)' has no value",
                hint: "use $BUILDPLATFORM or $TARGETPLATFORM")
            return nil
        }
    }

    private func expand(_ text: PlacedText, _ build: BuildFile, findings: inout Findings) -> String? {
        do throws(WordLexer.Failure) {
            return try WordLexer(escape: build.directives.escape).expand(text) { global[$0] }.text
        } catch {
            findings.error(error, in: text)
            return nil
        }
    }

    /// Names of `given` that nothing in the file declares.
    package func unused(in build: BuildFile) -> [String] {
        var declared = Self.predefined
        declared.formUnion(global.keys.filter { given[$0] == nil })
        for instruction in build.globalArguments + build.stages.flatMap(\.instructions) {
            if case .arg(let arguments) = instruction.operation { declared.formUnion(arguments.map(\.name.text)) }
        }
        return given.keys.filter { !declared.contains($0) && !$0.hasPrefix("BUILDKIT_") && $0 != "SOURCE_DATE_EPOCH" }
            .sorted()
    }
}

extension Findings {
    /// What could not be expanded, at its place in `text`.
    package mutating func error(_ failure: WordLexer.Failure, in text: PlacedText) {
        error(text.span(failure.range, in: file), failure.message, hint: failure.hint)
    }
}

/// The variables that an instruction of a stage sees, and how they grow from line to line.
package struct StageVariables: Sendable {
    /// `ENV` of the base image and of the stage, in order.
    package private(set) var environment: [(name: String, value: String)]
    /// `ARG` of the stage, in order; the value is nil where it has none.
    package private(set) var arguments: [(name: String, value: String?)]
    private let build: BuildArguments
    private let escape: Unicode.Scalar

    /// Begins a stage with the variables of its base; `arguments` are those of the stage that it is built from.
    package init(
        environment: [(name: String, value: String)], arguments: [(name: String, value: String?)] = [],
        build: BuildArguments, escape: Unicode.Scalar
    ) {
        self.environment = environment
        self.arguments = arguments
        self.build = build
        self.escape = escape
    }

    /// The value of `name`: that of the last ENV, or else of the last ARG; nil without either.
    package func value(of name: String) -> String? {
        if let entry = environment.last(where: { $0.name == name }) { return entry.value }
        guard let argument = arguments.last(where: { $0.name == name }) else { return nil }
        return argument.value
    }

    package func declares(_ name: String) -> Bool {
        arguments.contains { $0.name == name } || BuildArguments.predefined.contains(name)
    }

    /// Names that have a value, for "did you mean".
    package var names: [String] { environment.map(\.name) + arguments.filter { $0.value != nil }.map(\.name) }

    package func expand(_ text: PlacedText) throws(WordLexer.Failure) -> WordLexer.Expansion {
        try WordLexer(escape: escape).expand(text, with: value(of:))
    }

    /// Expands the text of a heredoc, in which quotes have no meaning.
    package func expandDocument(_ text: String) throws(WordLexer.Failure) -> WordLexer.Expansion {
        let placed = PlacedText(text.unicodeScalars, line: 1)
        return try WordLexer(escape: "\\", options: .ignoresQuotes).expand(placed, with: value(of:))
    }

    package mutating func set(_ name: String, to value: String) {
        if let index = environment.firstIndex(where: { $0.name == name }) {
            environment[index].value = value
        } else {
            environment.append((name, value))
        }
    }

    /// Declares an argument. Its value comes from the command line, or else from its default, or else from before the first
    /// stage. Without any of these it keeps the value that it has, also one from the stage below.
    /// - Returns: the new value; nil if there is none.
    @discardableResult
    package mutating func declare(_ argument: Argument) throws(WordLexer.Failure) -> String? {
        let name = argument.name.text
        let value: String? =
            if let given = build.given[name] {
                given
            } else if let text = argument.value {
                try expand(text).text
            } else {
                build.global[name]
            }
        arguments.append((name, value ?? arguments.last { $0.name == name }?.value))
        return value
    }
}
