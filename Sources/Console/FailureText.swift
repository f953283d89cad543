import EngineWire
import ProjectModel

/// Failures and warnings as text for a person.
package struct FailureText: Sendable {
    private let style: Style

    package init(style: Style) { self.style = style }

    /// The message, the meaning of the exit code, the last log lines, the hint; no newline at the end.
    package func text(_ failure: EngineFailure) -> String {
        var text = style(.boldRed, "error:") + " \(failure.message)"
        // For a failed launch, the message says everything.
        if failure.code != .launchFailed, let code = failure.exitCode, let meaning = ExitMeaning.text(code) {
            text += " (\(meaning))"
        }
        if !failure.log.isEmpty { text += lines("its last lines:", failure.log) }
        if let probe = failure.probe {
            let end = probe.code.map { "ended with code \($0)" } ?? "took too long"
            text += lines("its last health check \(end)" + (probe.output.isEmpty ? "" : ":"), probe.output)
        }
        return text + details(failure.hint, failure.path)
    }

    private func lines(_ title: String, _ lines: [String]) -> String {
        lines.reduce("\n" + style(.bold, title)) { $0 + "\n  " + style(.faint, "|") + " \($1)" }
    }

    package func warning(_ message: String, hint: String? = nil, path: AttributePath? = nil) -> String {
        style(.yellow, "warning:") + " \(message)" + details(hint, path)
    }

    private func details(_ hint: String?, _ path: AttributePath?) -> String {
        var text = ""
        if let path { text += "\n" + style(.cyan, "path:") + " \(path)" }
        if let hint { text += "\n" + style(.cyan, "hint:") + " \(hint)" }
        return text
    }
}
