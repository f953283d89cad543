import EngineWire

/// Failures and warnings as a person reads them.
package struct FailureText: Sendable {
    private let style: Style

    package init(style: Style) { self.style = style }

    /// The message, what its exit code means, the last log lines, the hint; ends without a newline.
    package func text(_ failure: EngineFailure) -> String {
        var text = style(.boldRed, "error:") + " \(failure.message)"
        if let code = ExitMeaning.code(in: failure.message), let meaning = ExitMeaning.text(code) {
            text += " (\(meaning))"
        }
        if !failure.log.isEmpty {
            text += "\n" + style(.bold, "its last lines:")
            for line in failure.log { text += "\n  " + style(.faint, "|") + " \(line)" }
        }
        if let hint = failure.hint { text += "\n" + style(.cyan, "hint:") + " \(hint)" }
        return text
    }

    package func warning(_ message: String) -> String { style(.yellow, "warning:") + " \(message)" }
}
