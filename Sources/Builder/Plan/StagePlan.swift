import Dockerfile
import OCI
import YAML

/// What a stage begins with.
package struct StageBase: Sendable {
    package var execution: ImageConfig.Execution
    package var history: [ImageConfig.History]
    /// ARG of the stage that it is built from.
    package var arguments: [(name: String, value: String?)]
    package var author: String?

    package init(
        execution: ImageConfig.Execution = .init(), history: [ImageConfig.History] = [],
        arguments: [(name: String, value: String?)] = [], author: String? = nil
    ) {
        self.execution = execution
        self.history = history
        self.arguments = arguments
        self.author = author
    }
}

/// A stage with all its variables expanded: its steps and the configuration that comes out. Pure: nothing is run for it.
package struct StagePlan: Sendable {
    package private(set) var instructions: [PlannedInstruction] = []
    package private(set) var execution: ImageConfig.Execution
    package private(set) var author: String?
    package private(set) var arguments: [(name: String, value: String?)]

    private static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    private let build: BuildFile
    private let given: BuildArguments
    private let origin: @Sendable (PlacedText) -> StepOrigin
    private var variables: StageVariables
    private var hasCommand = false
    private var findings: Findings

    /// Plans `stage` on top of `base`. `origin` resolves what COPY --from and a mount's from= name. What cannot be expanded is
    /// told in `findings`.
    package init(
        _ stage: Stage, of build: BuildFile, on base: StageBase, arguments: BuildArguments, findings: inout Findings,
        origin: @escaping @Sendable (PlacedText) -> StepOrigin
    ) {
        self.build = build
        self.origin = origin
        given = arguments
        execution = base.execution
        execution.onBuild = nil  // they go off once, here
        author = base.author
        var environment = (base.execution.env ?? []).map(Self.assignment)
        if !environment.contains(where: { $0.name == "PATH" }) { environment.append(("PATH", Self.defaultPath)) }
        execution.env = environment.map { "\($0.name)=\($0.value)" }
        variables = StageVariables(
            environment: environment, arguments: base.arguments, build: arguments, escape: build.directives.escape)
        self.arguments = base.arguments
        self.findings = findings
        for trigger in base.execution.onBuild ?? [] { run(trigger: trigger, of: stage) }
        for instruction in stage.instructions { take(instruction, at: instruction.written.span(in: build.file)) }
        self.arguments = variables.arguments.map { ($0.name, $0.value) }
        findings = self.findings
    }

    private static func assignment(_ text: String) -> (name: String, value: String) {
        let name = text.prefix { $0 != "=" }
        return (String(name), String(text[name.endIndex...].dropFirst()))
    }

    /// A trigger of the base image, which is text.
    private mutating func run(trigger: String, of stage: Stage) {
        var own = Findings(file: "ONBUILD of \(stage.base.image)")
        let file = BuildFile(file: own.file, bytes: Array("FROM x\n\(trigger)\n".utf8), findings: &own)
        let place = stage.base.image.span(in: build.file)
        guard !own.hasErrors, let instructions = file.stages.first?.instructions else {
            return findings.error(
                place, "a trigger of the base image makes no sense: ONBUILD \(trigger)",
                hint: own.diagnostics.first.map(\.message))
        }
        for instruction in instructions { take(instruction, at: place, isTrigger: true) }
    }

    private func expand(_ text: PlacedText) throws(WordLexer.Failure) -> String { try variables.expand(text).text }

    private mutating func take(_ instruction: Instruction, at place: SourceRange, isTrigger: Bool = false) {
        do throws(Mistake) {
            try apply(instruction, at: place, isTrigger)
        } catch {
            switch error {
            case .expansion(let failure, let text):
                findings.error(
                    isTrigger ? place : text.span(failure.range, in: build.file), failure.message, hint: failure.hint)
            case .value(let text, let message, let hint):
                findings.error(isTrigger ? place : text.span(in: build.file), message, hint: hint)
            }
        }
    }

    private enum Mistake: Error, CustomStringConvertible {
        case expansion(WordLexer.Failure, PlacedText)
        case value(PlacedText, String, String?)

        var description: String {
            switch self {
            case .expansion(let failure, _): failure.message
            case .value(_, let message, _): message
            }
        }
    }

    private func value(_ text: PlacedText) throws(Mistake) -> String {
        do throws(WordLexer.Failure) { return try expand(text) } catch { throw .expansion(error, text) }
    }

    private func words(_ text: PlacedText) throws(Mistake) -> [String] {
        do throws(WordLexer.Failure) { return try variables.expand(text).words.map(\.text) } catch {
            throw .expansion(error, text)
        }
    }

    private mutating func add(
        _ instruction: Instruction, at place: SourceRange, _ history: String, _ step: BuildStep? = nil
    ) {
        instructions.append(
            PlannedInstruction(step: step, history: history, title: instruction.text.text, place: place))
    }

    private mutating func apply(_ instruction: Instruction, at place: SourceRange, _ isTrigger: Bool) throws(Mistake) {
        switch instruction.operation {
        case .from: return
        case .arg(let arguments):
            var shown: [String] = []
            for argument in arguments {
                do throws(WordLexer.Failure) { try variables.declare(argument) } catch {
                    throw .expansion(error, argument.value ?? argument.name)
                }
                let name = argument.name.text
                let value = variables.arguments.last { $0.name == name }?.value
                shown.append(value.map { "\(name)=\($0)" } ?? name)
            }
            add(instruction, at: place, "ARG \(shown.joined(separator: " "))")
        case .env(let assignments):
            let pairs = try pairs(assignments)
            for (name, value) in pairs { variables.set(name, to: value) }
            execution.env = variables.environment.map { "\($0.name)=\($0.value)" }
            add(instruction, at: place, "ENV \(pairs.map { "\($0.0)=\($0.1)" }.joined(separator: " "))")
        case .label(let assignments):
            let pairs = try pairs(assignments)
            execution.labels = pairs.reduce(into: execution.labels ?? [:]) { $0[$1.0] = $1.1 }
            add(instruction, at: place, "LABEL \(pairs.map { "\($0.0)=\($0.1)" }.joined(separator: " "))")
        case .run(let run): try plan(run, instruction, at: place)
        case .copy(let copy): try plan(copy, isAdd: false, instruction, at: place)
        case .add(let copy): try plan(copy, isAdd: true, instruction, at: place)
        case .cmd(let line):
            execution.cmd = command(line)
            hasCommand = true
            add(instruction, at: place, "CMD \(Self.list(execution.cmd))")
        case .entrypoint(let line):
            execution.entrypoint = command(line)
            if !hasCommand { execution.cmd = nil }
            add(instruction, at: place, "ENTRYPOINT \(Self.list(execution.entrypoint))")
        case .healthcheck(let check):
            execution.healthcheck = Self.health(check, command: command)
            add(instruction, at: place, instruction.text.text)
        case .shell(let words):
            execution.shell = words
            add(instruction, at: place, "SHELL \(Self.list(words))")
        case .workdir(let text):
            let path = Self.path(try value(text), in: execution.workingDir)
            execution.workingDir = path
            add(
                instruction, at: place, "WORKDIR \(path)",
                path == "/" ? nil : .folder(path: path, user: execution.user ?? ""))
        case .user(let text):
            execution.user = try value(text)
            add(instruction, at: place, "USER \(execution.user ?? "")")
        case .volume(let texts):
            for text in texts {
                let path = try value(text)
                guard !path.isEmpty else { throw .value(text, "the path of the volume is empty", "write VOLUME /data") }
                execution.volumes = execution.volumes ?? [:]
                execution.volumes?[path] = .init()
            }
            add(instruction, at: place, "VOLUME \(texts.map(\.text))")
        case .expose(let texts):
            var all: [String] = []
            for text in texts {
                for word in try words(text) {
                    guard let ports = ExposedPorts.all(word) else {
                        throw .value(text, "'\(word)' is no port", "write 80, 80/udp or 8000-8010")
                    }
                    all += ports
                }
            }
            execution.exposedPorts = all.reduce(into: execution.exposedPorts ?? [:]) { $0[$1] = .init() }
            add(instruction, at: place, "EXPOSE \(all)")
        case .stopSignal(let text):
            let signal = try value(text)
            guard SignalName.number(signal) != nil else {
                throw .value(text, "'\(signal)' is no signal", "write SIGTERM, SIGINT …, or a number")
            }
            execution.stopSignal = signal
            add(instruction, at: place, "STOPSIGNAL \(execution.stopSignal ?? "")")
        case .maintainer(let text):
            author = text
            add(instruction, at: place, "MAINTAINER \(text)")
        case .onBuild(let text, _):
            execution.onBuild = (execution.onBuild ?? []) + [text]
        }
    }

    private func pairs(_ assignments: [Assignment]) throws(Mistake) -> [(String, String)] {
        var pairs: [(String, String)] = []
        for assignment in assignments { pairs.append((try value(assignment.name), try value(assignment.value))) }
        return pairs
    }

    private var shell: [String] { execution.shell ?? ["/bin/sh", "-c"] }

    private func command(_ line: CommandLine) -> [String] {
        switch line {
        case .exec(let words): words
        case .shell(let text, _): shell + [text]
        }
    }

    private static func list(_ words: [String]?) -> String {
        "[" + (words ?? []).map { "\"\($0)\"" }.joined(separator: " ") + "]"
    }

    private static func health(
        _ check: HealthCheck, command: (CommandLine) -> [String]
    ) -> ImageConfig.Healthcheck {
        var result = ImageConfig.Healthcheck()
        switch check {
        case .none: result.test = ["NONE"]
        case .check(let line, let timing):
            switch line {
            case .exec(let words): result.test = ["CMD"] + words
            case .shell(let text, _): result.test = ["CMD-SHELL", text]
            }
            result.interval = timing.interval?.nanoseconds
            result.timeout = timing.timeout?.nanoseconds
            result.startPeriod = timing.startPeriod?.nanoseconds
            result.startInterval = timing.startInterval?.nanoseconds
            result.retries = timing.retries
        }
        return result
    }

    /// `path` as an absolute one, cleaned; a relative one begins in `folder`.
    static func path(_ path: String, in folder: String?) -> String {
        let whole = path.hasPrefix("/") ? path : "\(folder ?? "/")/\(path)"
        var parts: [Substring] = []
        for part in whole.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}

// Steps.
extension StagePlan {
    private mutating func plan(_ run: Run, _ instruction: Instruction, at place: SourceRange) throws(Mistake) {
        let declared = variables.arguments.filter { argument in
            argument.value != nil && !variables.environment.contains { $0.name == argument.name }
        }
        var arguments: [String: String] = [:]
        var names: [String] = []
        for argument in declared {
            if arguments[argument.name] == nil { names.append(argument.name) }
            arguments[argument.name] = argument.value ?? ""
        }
        // Proxies reach every step and count nowhere, unless the file declares them.
        var hidden: [String] = []
        for (name, value) in given.given.sorted(by: { $0.key < $1.key })
        where BuildArguments.predefined.contains(name) && arguments[name] == nil
            && !variables.environment.contains(where: { $0.name == name })
        {
            hidden.append("\(name)=\(value)")
        }
        for name in names where BuildArguments.predefined.contains(name) {
            hidden.append("\(name)=\(arguments[name] ?? "")")
            arguments[name] = nil
        }
        names.removeAll { arguments[$0] == nil }
        var step = RunStep(
            arguments: [], environment: variables.environment.map { "\($0.name)=\($0.value)" },
            user: execution.user ?? "", folder: execution.workingDir.flatMap { $0.isEmpty ? nil : $0 } ?? "/")
        step.environment += names.map { "\($0)=\(arguments[$0] ?? "")" }
        switch run.command {
        case .exec(let words): step.arguments = words
        case .shell(let text, _): step.arguments = Self.shellArguments(text, run.documents, shell, script: &step.script)
        }
        step.network = run.network.rawValue
        step.isInsecure = run.security == .insecure
        let seen = variables
        for flag in run.mounts {
            var failure: (WordLexer.Failure, PlacedText)?
            let mount = flag.resolved(in: &findings) { text in
                do throws(WordLexer.Failure) { return try seen.expand(text).text } catch {
                    failure = (error, text)
                    return nil
                }
            }
            if let failure { throw .expansion(failure.0, failure.1) }
            if let mount { step.mounts.append(stepMount(mount, flag, number: step.mounts.count { $0.kind == .ssh })) }
        }
        let shown = step.arguments.joined(separator: " ")
        let prefix = names.isEmpty ? "" : "|\(names.count) " + names.map { "\($0)=\(arguments[$0] ?? "") " }.joined()
        var planned = PlannedInstruction(
            step: .run(step), history: "RUN \(prefix)\(shown) # buildkit", title: instruction.text.text, place: place)
        planned.arguments = arguments
        planned.hiddenEnvironment = hidden
        instructions.append(planned)
    }

    /// A command for the shell. A document alone is its script, one that begins with `#!` a program of its own.
    private static func shellArguments(
        _ text: String, _ documents: [Heredoc], _ shell: [String], script: inout RunStep.Script?
    ) -> [String] {
        guard let first = documents.first else { return shell + [text] }
        if documents.count == 1, text == first.place.text {
            guard first.text.hasPrefix("#!") else { return shell + [first.text] }
            script = RunStep.Script(name: first.name, text: first.text)
            return ["/dev/pipes/\(first.name)"]
        }
        // The shell reads documents itself, as they stand in the file.
        var whole = text
        for document in documents { whole += "\n" + document.content + document.name }
        return shell + [whole]
    }

    /// `number` is how many mounts of SSH agents come before it.
    private func stepMount(_ mount: Mount, _ flag: MountFlag, number: Int) -> StepMount {
        let id = mount.id.isEmpty ? mount.target : mount.id
        var target = mount.target
        let kind = StepMount.Kind(rawValue: mount.kind.rawValue) ?? .bind
        if kind == .secret, target.isEmpty, mount.variable == nil {
            target = "/run/secrets/\(mount.id.isEmpty ? mount.source : mount.id)"
        }
        if kind == .ssh, target.isEmpty { target = "/run/buildkit/ssh_agent.\(number)" }
        var result = StepMount(kind: kind, target: target.isEmpty ? "" : Self.path(target, in: execution.workingDir))
        if mount.from != nil, let text = flag.from { result.from = origin(text) }
        result.source = mount.source
        result.isReadOnly = mount.isReadOnly
        switch kind {
        case .secret:
            result.id =
                mount.id.isEmpty
                ? (mount.source.isEmpty ? mount.target.split(separator: "/").last.map(String.init) ?? "" : mount.source)
                : mount.id
        case .ssh: result.id = mount.id.isEmpty ? "default" : mount.id
        case .cache: result.id = Self.path(id, in: nil) == "/" ? id : id
        case .bind, .tmpfs: result.id = ""
        }
        result.sharing = StepMount.Sharing(rawValue: mount.sharing.rawValue) ?? .shared
        result.isRequired = mount.isRequired
        result.size = mount.size
        result.mode = mount.mode
        result.uid = mount.uid
        result.gid = mount.gid
        result.variable = mount.variable
        return result
    }

    private mutating func plan(
        _ copy: Copy, isAdd: Bool, _ instruction: Instruction, at place: SourceRange
    ) throws(Mistake) {
        var patterns: [String] = []
        var urls: [String] = []
        var documents: [CopyStep.Document] = []
        var places: [SourceRange] = []
        var shown: [String] = []
        var repository: GitSource?
        for source in copy.sources {
            switch source {
            case .path(let text):
                let pattern = try value(text)
                shown.append(pattern)
                if isAdd, let git = GitSource(pattern) {
                    guard copy.sources.count == 1 else {
                        throw .value(text, "a repository is added alone", "write an ADD of its own for it")
                    }
                    repository = git
                    patterns.append("/")
                    places.append(text.span(in: build.file))
                    continue
                }
                if isAdd, Self.isRemote(pattern) {
                    urls.append(pattern)
                    continue
                }
                patterns.append(pattern)
                places.append(text.span(in: build.file))
            case .document(let document):
                var text = document.text
                if document.expands {
                    do throws(WordLexer.Failure) { text = try variables.expandDocument(text).text } catch {
                        throw .value(document.place, error.message, error.hint)
                    }
                }
                documents.append(.init(name: document.name, text: text))
                shown.append(document.name)
            }
        }
        let written = try value(copy.destination)
        var destination = Self.path(written, in: execution.workingDir)
        if written.hasSuffix("/") || written == "." || written.hasSuffix("/.") || written.isEmpty, destination != "/" {
            destination += "/"
        }
        var query = SourceQuery(patterns: patterns, keepsParents: copy.keepsParents)
        for pattern in copy.excluded { query.excluded.append(try value(pattern)) }
        var step = CopyStep(
            isAdd: isAdd, query: query, destination: destination, hasSeveralSources: copy.sources.count > 1)
        step.documents = documents
        step.urls = urls
        if let from = copy.from { step.origin = origin(from) }
        if let owner = copy.owner { step.owner = try value(owner) }
        if let mode = copy.mode {
            let text = try value(mode)
            guard FileModes(text) != nil else {
                throw .value(mode, "'\(text)' is no file mode", "write it in octal, --chmod=755, or as u=rwX,go=rX")
            }
            step.mode = text
        }
        step.isLinked = copy.isLinked
        if let checksum = copy.checksum {
            let text = try value(checksum)
            if repository == nil, urls.isEmpty {
                throw .value(
                    checksum, "--checksum is for URLs and repositories", "leave it out: the files come from the context"
                )
            }
            if repository == nil { step.checksum = text } else { repository?.commit = text }
        }
        if var repository {
            if let keeps = copy.keepsGitFolder { repository.keepsGitFolder = keeps }
            step.origin = .context(GitSource.contextPrefix + repository.text)
        }
        step.unpacks = copy.unpacks
        var planned = PlannedInstruction(
            step: .copy(step),
            history: "\(isAdd ? "ADD" : "COPY") \((shown + [written]).joined(separator: " ")) # buildkit",
            title: instruction.text.text, place: place)
        planned.sources = places
        instructions.append(planned)
    }

    private static func isRemote(_ text: String) -> Bool {
        ["http://", "https://"].contains { text.hasPrefix($0) }
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}
