import YAML

extension Checker {
    /// The state at the end of a stage, for the stages that are built from it.
    private struct Known {
        var variables: StageVariables
        /// All variables are known, including those of the base image.
        var isComplete: Bool
        var hasAbsoluteFolder: Bool
        var hasShell: Bool
    }

    mutating func checkStages() {
        var known: [String: Known] = [:]
        var nothing = Findings(file: build.file)
        let bases = arguments.bases(of: build, findings: &nothing)
        for stage in build.stages {
            var state: Known
            if let base = bases[stage.index], let earlier = known[base.lowercased()] {
                state = earlier
            } else {
                let isScratch = bases[stage.index] == "scratch"
                let inherited = isScratch ? [:] : environment(stage.index)
                state = Known(
                    variables: StageVariables(
                        environment: (inherited ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
                        build: arguments, escape: build.directives.escape),
                    isComplete: inherited != nil, hasAbsoluteFolder: false, hasShell: false)
            }
            checkOnce(stage)
            for instruction in stage.instructions {
                checking(instruction) { $0.check(instruction, &state) }
            }
            if let name = stage.name { known[name] = state }
        }
    }

    /// Only the last one of these in a stage has an effect.
    private mutating func checkOnce(_ stage: Stage) {
        var last: [Instruction.Keyword: Instruction] = [:]
        for instruction in stage.instructions {
            guard [.cmd, .entrypoint, .healthcheck].contains(instruction.keyword) else { continue }
            guard let earlier = last.updateValue(instruction, forKey: instruction.keyword) else { continue }
            checking(earlier) {
                $0.report(
                    .multipleInstructionsDisallowed, earlier.written,
                    "a later \(instruction.keyword.rawValue) in this stage replaces this one", hint: "remove it")
            }
        }
    }

    private mutating func check(_ instruction: Instruction, _ state: inout Known) {
        switch instruction.operation {
        case .maintainer:
            report(
                .maintainerDeprecated, instruction.written, "MAINTAINER is deprecated",
                hint: "write LABEL org.opencontainers.image.authors=\"…\"")
        case .cmd(.shell(_, let looksLikeList)), .entrypoint(.shell(_, let looksLikeList)):
            guard !state.hasShell else { break }
            report(
                .jsonArgsRecommended, instruction.written,
                looksLikeList
                    ? "the arguments begin with [ but are not a JSON list, so a shell runs them"
                    : "a shell runs this command, so signals do not reach the program",
                hint: looksLikeList
                    ? "put each item in double quotes: \(instruction.keyword.rawValue) [\"a\", \"b\"]"
                    : "write a JSON list: \(instruction.keyword.rawValue) [\"program\", \"argument\"]")
        case .shell: state.hasShell = true
        case .env(let assignments): checkAssignments(assignments, instruction, &state, isEnvironment: true)
        case .label(let assignments): checkAssignments(assignments, instruction, &state, isEnvironment: false)
        case .arg(let declared):
            for argument in declared {
                reportSecret(argument.name, instruction)
                if let value = argument.value { expand(value, state) }
                _ = try? state.variables.declare(argument)
            }
        case .workdir(let path):
            let text = expand(path, state)
            if !state.hasAbsoluteFolder, !(text ?? "/").hasPrefix("/") {
                report(
                    .workdirRelativePath, path, "'\(path)' is relative to the base image's working directory",
                    hint: "write an absolute path: WORKDIR /\(path)")
            }
            state.hasAbsoluteFolder = true
        case .user(let word), .stopSignal(let word): expand(word, state)
        case .volume(let words): for word in words { expand(word, state) }
        case .expose(let words): for word in words { checkPort(word, state) }
        case .copy(let copy), .add(let copy): checkFiles(copy, instruction, state)
        case .run(let run):
            for value in run.mounts.flatMap(\.fields).compactMap(\.value) { expand(value, state) }
        case .from, .healthcheck, .onBuild, .cmd(.exec), .entrypoint(.exec): break
        }
    }

    private mutating func checkAssignments(
        _ assignments: [Assignment], _ instruction: Instruction, _ state: inout Known, isEnvironment: Bool
    ) {
        // Values see the variables as they were before this instruction.
        let before = state
        for assignment in assignments {
            if assignment.isLegacy {
                let keyword = instruction.written.text
                report(
                    .legacyKeyValueFormat, instruction.written, "'\(keyword) name value' is the old form",
                    hint: "write \(keyword) \(assignment.name)=\(Self.quoted(assignment.value))")
            }
            let name = expand(assignment.name, before)
            let value = expand(assignment.value, before)
            guard isEnvironment else { continue }
            reportSecret(assignment.name, instruction)
            if let name, let value { state.variables.set(name, to: value) }
        }
    }

    /// Between double quotes, unless it has quotes already.
    private static func quoted(_ value: PlacedText) -> String {
        value.scalars.contains { $0 == "\"" || $0 == "'" } ? value.text : "\"\(value)\""
    }

    private mutating func checkFiles(_ copy: Copy, _ instruction: Instruction, _ state: Known) {
        for word in [copy.owner, copy.mode, copy.checksum].compactMap(\.self) { expand(word, state) }
        expand(copy.destination, state)
        for source in copy.sources {
            guard case .path(let word) = source, let path = expand(word, state) else { continue }
            guard copy.from == nil, let ignored, !ignored.hasExceptions, !path.contains("://") else { continue }
            let cleaned = IgnoreFile.cleaned("/" + path)
            let isRoot = cleaned == "."
            let excludesAll = ignored.rules.contains { ["*", "**", "**/*"].contains($0.text) }
            if isRoot ? excludesAll : ignored.excludes(cleaned) {
                report(
                    .copyIgnoredFile, word, ".dockerignore excludes '\(word)'",
                    hint: "add the line !\(cleaned) to it, or remove the line that excludes it")
            }
        }
    }

    private mutating func checkPort(_ word: PlacedText, _ state: Known) {
        guard let text = expand(word, state) else { return }
        let parts = text.split(separator: "/", maxSplits: 1)
        if parts.count == 2, parts[1] != parts[1].lowercased() {
            report(
                .exposeProtoCasing, word, "the protocol has capital letters",
                hint: "write \(parts[0])/\(parts[1].lowercased())")
        }
        if let port = parts.first, port.contains(":") {
            report(
                .exposeInvalidFormat, word, "EXPOSE takes only ports of the container",
                hint:
                    "write EXPOSE \(port.split(separator: ":").last ?? "80"); `ports:` in the Compose file publishes it"
            )
        }
    }

    /// The expanded text. Reports variables without a value if everything that could give them one is known.
    @discardableResult
    private mutating func expand(_ text: PlacedText, _ state: Known) -> String? {
        guard let expansion = try? state.variables.expand(text) else { return nil }
        for use in expansion.unset where state.isComplete && !state.variables.declares(use.name) {
            report(
                .undefinedVar, text.span(use.range, in: build.file), "'$\(use.name)' has no value here",
                hint: nearest(to: use.name, among: state.variables.names).map { "did you mean '$\($0)'?" }
                    ?? "declare it with ARG \(use.name) or ENV \(use.name)=…")
        }
        return expansion.text
    }

    private mutating func reportSecret(_ name: PlacedText, _ instruction: Instruction) {
        let secret: Set<String> = [
            "apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token",
        ]
        let harmless: Set<String> = ["public", "file", "version"]
        let words = Set(name.text.lowercased().split(separator: "_").map(String.init))
        guard !words.isDisjoint(with: secret), words.isDisjoint(with: harmless) else { return }
        report(
            .secretsUsedInArgOrEnv, name,
            "'\(name)' looks like a secret, but \(instruction.keyword.rawValue) stores it in the image",
            hint: "use RUN --mount=type=secret,id=\(name.text.lowercased())")
    }
}
