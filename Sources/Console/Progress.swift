import EngineWire
import JSON
import ProjectModel

/// Shows an operation's events on standard error.
package protocol ProgressReporter: AnyObject {
    /// Call `tick` about every tenth of a second, to animate the output.
    var isAnimated: Bool { get }
    func show(_ event: ProgressEvent)
    func tick()
    /// Removes the animated output to make room for other text; the next `show` or `tick` draws it again.
    func suspend()
    /// Leaves the final state on the screen.
    func finish()
}

/// `--progress`.
package enum ProgressMode: String, CaseIterable, Sendable {
    case auto, tty, plain, json, quiet

    /// For `auto`: an animated block on a terminal, lines elsewhere; with `--ansi never` always lines.
    package func reporter(
        to output: Output, style: Style, ansi: AnsiMode, isDryRun: Bool = false, clock: @escaping () -> Double
    ) -> any ProgressReporter {
        switch self {
        case .json: return JSONProgress(to: output, isDryRun: isDryRun)
        case .quiet: return QuietProgress(to: output, style: style)
        case .plain: return PlainProgress(to: output, style: style, isDryRun: isDryRun)
        case .tty: return TerminalProgress(to: output, style: style, isDryRun: isDryRun, clock: clock)
        case .auto:
            if ansi == .always || (output.isTerminal && ansi != .never) {
                return TerminalProgress(to: output, style: style, isDryRun: isDryRun, clock: clock)
            }
            return PlainProgress(to: output, style: style, isDryRun: isDryRun)
        }
    }
}

/// One line for each event: ` Container demo-db-1  Started`.
package final class PlainProgress: ProgressReporter {
    package let isAnimated = false
    private let output: Output
    private let style: Style
    private let mark: String
    private var waits = WaitLines()

    package init(to output: Output, style: Style, isDryRun: Bool = false) {
        self.output = output
        self.style = style
        mark = isDryRun ? " DRY-RUN MODE - " : ""
    }

    package func show(_ event: ProgressEvent) {
        switch event {
        case .object(let object):
            for line in waits.lines(object) ?? [Self.line(object, mark: mark)] { output.line(line) }
        case .warning(let text, let hint, let path):
            output.line(FailureText(style: style).warning(text, hint: hint, path: path))
        case .started, .planned, .created, .transfer, .images, .finished: break
        }
    }

    /// docker compose's line, followed by the reason if there is one.
    package static func line(_ object: ObjectProgress, mark: String = "") -> String {
        let reason = object.reason.map { "  # \($0)" } ?? ""
        return "\(mark) \(object.kind.rawValue) \(object.name)  \(object.status)\(reason)"
    }

    package func tick() {}
    package func suspend() {}
    package func finish() {}
}

/// One JSON object in each line: `{"id":"Container demo-db-1","status":"Started"}`.
package final class JSONProgress: ProgressReporter {
    package let isAnimated = false
    private let output: Output
    private let isDryRun: Bool
    /// The status of each image, for lines about its progress.
    private var statuses: [String: String] = [:]

    package init(to output: Output, isDryRun: Bool = false) {
        self.output = output
        self.isDryRun = isDryRun
    }

    package func show(_ event: ProgressEvent) {
        var status: String?
        switch event {
        case .object(let object) where object.kind == .image: statuses[object.name] = object.status
        case .transfer(let name, _, _): status = statuses[name]
        default: break
        }
        guard let line = Self.line(event, isDryRun: isDryRun, transferring: status ?? "Pulling") else { return }
        output.line(line)
    }

    package static func line(
        _ event: ProgressEvent, isDryRun: Bool = false, transferring: String = "Pulling"
    ) -> String? {
        var members: [(String, JSONValue)]
        switch event {
        case .object(let object):
            members = [("id", .string("\(object.kind.rawValue) \(object.name)")), ("status", .string(object.status))]
            if object.isFailure { members.append(("error", true)) }
            if let reason = object.reason { members.append(("reason", .string(reason))) }
            if let wait = object.wait { members += Self.members(wait) }
        case .warning(let text, let hint, let path):
            members = [("warning", true), ("message", .string(text))]
            if let path { members.append(("path", .string(path.description))) }
            if let hint { members.append(("hint", .string(hint))) }
        case .transfer(let name, let done, let total):
            members = [
                ("id", .string("Image \(name)")), ("status", .string(transferring)), ("current", .integer(done)),
            ]
            if let total { members.append(("total", .integer(total))) }
        case .started, .planned, .created, .images, .finished: return nil
        }
        if isDryRun { members.insert(("dry-run", true), at: 0) }
        return JSONValue.object(object(members)).text()
    }

    /// The last line of a failed operation.
    package static func line(_ failure: EngineFailure) -> String {
        var members: [(String, JSONValue)] = [
            ("error", true), ("code", .string(failure.code.rawValue)), ("message", .string(failure.message)),
        ]
        if let path = failure.path { members.append(("path", .string(path.description))) }
        if let hint = failure.hint { members.append(("hint", .string(hint))) }
        if !failure.log.isEmpty { members.append(("log", .array(failure.log.map { .string($0) }))) }
        if let probe = failure.probe { members.append(member(probe)) }
        return JSONValue.object(object(members)).text()
    }

    private static func member(_ probe: HealthAnswer) -> (String, JSONValue) {
        let code = probe.code.map { [("code", JSONValue.integer(Int64($0)))] } ?? []
        let answer = code + [("output", JSONValue.array(probe.output.map { .string($0) }))]
        return ("healthcheck", .object(object(answer)))
    }

    private static func members(_ wait: WaitProgress) -> [(String, JSONValue)] {
        var members: [(String, JSONValue)] = [
            ("until", .string(wait.goal.rawValue)), ("elapsed", .double((wait.elapsed * 10).rounded() / 10)),
        ]
        if let restart = wait.restart {
            var fields: [(String, JSONValue)] = [("count", .integer(Int64(restart.count)))]
            if let limit = restart.limit { fields.append(("limit", .integer(Int64(limit)))) }
            if let code = restart.code { fields.append(("code", .integer(Int64(code)))) }
            if let reason = restart.reason { fields.append(("reason", .string(reason))) }
            fields.append(("log", .array(restart.log.map { .string($0) })))
            members.append(("restart", .object(object(fields))))
        }
        if let probe = wait.probe { members.append(member(probe)) }
        return members
    }

    package func tick() {}
    package func suspend() {}
    package func finish() {}
}

/// Shows only warnings.
package final class QuietProgress: ProgressReporter {
    package let isAnimated = false
    private let output: Output
    private let style: Style

    package init(to output: Output, style: Style) {
        self.output = output
        self.style = style
    }

    package func show(_ event: ProgressEvent) {
        guard case .warning(let text, let hint, let path) = event else { return }
        output.line(FailureText(style: style).warning(text, hint: hint, path: path))
    }

    package func tick() {}
    package func suspend() {}
    package func finish() {}
}

/// Passes events to another reporter, except those about images being pulled.
package final class ProgressWithoutImages: ProgressReporter {
    private let reporter: any ProgressReporter

    package init(_ reporter: any ProgressReporter) { self.reporter = reporter }

    package var isAnimated: Bool { reporter.isAnimated }

    package func show(_ event: ProgressEvent) {
        switch event {
        case .transfer: return
        case .object(let object) where object.kind == .image && !object.isFailure: return
        default: reporter.show(event)
        }
    }

    package func tick() { reporter.tick() }
    package func suspend() { reporter.suspend() }
    package func finish() { reporter.finish() }
}
