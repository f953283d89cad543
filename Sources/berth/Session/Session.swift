import ComposeFile
import Console
import EngineClient
import EngineWire
import Linux
import ProjectModel

/// What a verb needs: its caller's terminal, environment and working directory, and the engine.
final class Session {
    let global: GlobalOptions
    let environment: [String: String]
    let workingDirectory: String
    let stdout: Output
    let stderr: Output
    let ansi: AnsiMode
    let progress: ProgressMode
    let engine: EngineClient
    /// The loaded project, once its files were read; it knows the places of attributes.
    var loaded: LoadResult?
    /// `--quiet-pull`: show nothing about images being pulled.
    var hidesPulls = false

    init(_ global: GlobalOptions, environment: [String: String], stdout: Output, stderr: Output) throws(UsageFailure) {
        self.global = global
        workingDirectory = CallingProcess.workingDirectory
        let environment = Self.completed(environment, global, workingDirectory)
        self.environment = environment
        self.stdout = stdout
        self.stderr = stderr
        ansi =
            global.noAnsi
            ? .never : try Self.choice(global.ansi, environment["COMPOSE_ANSI"], "COMPOSE_ANSI", otherwise: .auto)
        progress = try Self.choice(
            global.progress, environment["COMPOSE_PROGRESS"], "COMPOSE_PROGRESS", otherwise: .auto)
        engine = EngineClient(environment: environment)
    }

    var now: Double { CallingProcess.now }
    var style: Style { Style(ansi, isTerminal: stdout.isTerminal, environment: environment) }
    var errorStyle: Style { Style(ansi, isTerminal: stderr.isTerminal, environment: environment) }

    func makeReporter(quiet: Bool = false) -> any ProgressReporter {
        let mode = quiet ? .quiet : progress
        let reporter = mode.reporter(
            to: isOn("COMPOSE_STATUS_STDOUT") ? stdout : stderr, style: errorStyle, ansi: ansi, isDryRun: global.dryRun,
            clock: { CallingProcess.monotonic })
        return hidesPulls ? ProgressWithoutImages(reporter) : reporter
    }

    func show(_ failure: EngineFailure) {
        stderr.line(progress == .json ? JSONProgress.line(failure) : FailureText(style: errorStyle).text(failure))
    }

    func show(_ failure: ProjectFailure) {
        stderr.line(progress == .json ? failure.lines.joined(separator: "\n") : failure.text)
    }

    func warn(_ message: String) {
        if progress == .json, let line = JSONProgress.line(.warning(message)) { return stderr.line(line) }
        stderr.line(FailureText(style: errorStyle).warning(message))
    }

    /// Asks a person. Without a terminal, the answer is no.
    func confirm(_ question: String) -> Bool {
        stderr.write("\(question) (y/N) ")
        let answer = Terminal.readLine()
        if answer == nil { stderr.line() }
        return ["y", "yes"].contains(answer?.lowercased())
    }

    /// For verbs that cannot tell beforehand what they would do.
    func refuseDryRun(_ verb: String) throws(UsageFailure) {
        if global.dryRun { throw UsageFailure("\(verb) does not support --dry-run") }
    }

    /// A key by which the engine recognises a repeated request.
    func makeKey() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(generator.next() as UInt64, radix: 16) + String(generator.next() as UInt64, radix: 16)
    }

    private static func choice<Mode: RawRepresentable & CaseIterable>(
        _ given: Mode?, _ variable: String?, _ name: String, otherwise: Mode
    ) throws(UsageFailure) -> Mode where Mode.RawValue == String {
        if let given { return given }
        guard let variable, !variable.isEmpty else { return otherwise }
        if let mode = Mode(rawValue: variable) { return mode }
        let known = Mode.allCases.map(\.rawValue).joined(separator: ", ")
        throw UsageFailure("\(name) is \"\(variable)\"; it must be one of \(known)")
    }
}
