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

/// A stage with all variables expanded: its steps and the resulting configuration. Planning runs nothing.
package struct StagePlan: Sendable {
    package internal(set) var instructions: [PlannedInstruction] = []
    package private(set) var execution: ImageConfig.Execution
    package private(set) var author: String?
    package private(set) var arguments: [(name: String, value: String?)]

    private static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    let build: BuildFile
    let given: BuildArguments
    let origin: @Sendable (PlacedText) -> StepOrigin
    private(set) var variables: StageVariables
    private var hasCommand = false
    var findings: Findings

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

    /// Plans a trigger of the base image, which is text.
    private mutating func run(trigger: String, of stage: Stage) {
        var own = Findings(file: "ONBUILD of \(stage.base.image)")
        let file = BuildFile(file: own.file, bytes: Array("FROM x\n\(trigger)\n".utf8), findings: &own)
        let place = stage.base.image.span(in: build.file)
        guard !own.hasErrors, let instructions = file.stages.first?.instructions else {
            return findings.error(
                place, "invalid trigger in the base image: ONBUILD \(trigger)",
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

    enum Mistake: Error, CustomStringConvertible {
        case expansion(WordLexer.Failure, PlacedText)
        case value(PlacedText, String, String?)

        var description: String {
            switch self {
            case .expansion(let failure, _): failure.message
            case .value(_, let message, _): message
            }
        }
    }

    func value(_ text: PlacedText) throws(Mistake) -> String {
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
                let name = argument.name.text
                do throws(WordLexer.Failure) {
                    shown.append(try variables.declare(argument).map { "\(name)=\($0)" } ?? name)
                } catch {
                    throw .expansion(error, argument.value ?? argument.name)
                }
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
                        throw .value(text, "invalid port '\(word)'", "write 80, 80/udp or 8000-8010")
                    }
                    all += ports
                }
            }
            execution.exposedPorts = all.reduce(into: execution.exposedPorts ?? [:]) { $0[$1] = .init() }
            add(instruction, at: place, "EXPOSE \(all)")
        case .stopSignal(let text):
            let signal = try value(text)
            guard SignalName.number(signal) != nil else {
                throw .value(text, "unknown signal '\(signal)'", "write SIGTERM, SIGINT …, or a number")
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

    var shell: [String] { execution.shell ?? ["/bin/sh", "-c"] }

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

extension Duration {
    fileprivate var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}
