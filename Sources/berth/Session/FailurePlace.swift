import ComposeFile
import Console
import EngineWire
import ProjectModel
import YAML

extension Session {
    /// An engine's failure about an attribute, as a diagnostic like the loader's; nil when the attribute cannot be
    /// found in the files.
    private func diagnostic(
        _ severity: Diagnostic.Severity, _ message: String, _ hint: String?, _ path: AttributePath?
    ) -> Diagnostic? {
        guard let path, let place = loaded?.place(of: path) else { return nil }
        return Diagnostic(
            severity, at: place.range, message, hint: hint, path: "\(place.path)", notes: place.notes)
    }

    /// Shows failures: first those with a place in a file, in the file's order.
    func show(_ failures: [EngineFailure]) {
        var placed: [(diagnostic: Diagnostic, code: String)] = []
        var others: [EngineFailure] = []
        for failure in failures {
            if failure.log.isEmpty, let found = diagnostic(.error, failure.message, failure.hint, failure.path) {
                placed.append((found, failure.code.rawValue))
            } else {
                others.append(failure)
            }
        }
        let codes = Dictionary(placed.map { ($0.diagnostic, $0.code) }) { first, _ in first }
        let sorted = loaded?.sorted(placed.map(\.diagnostic)) ?? []
        for (index, found) in sorted.enumerated() {
            if index > 0, progress != .json { stderr.line() }
            show(found, code: codes[found])
        }
        for failure in others { show(failure) }
    }

    /// Shows an engine's warning; false when its attribute cannot be found in the files.
    func showInFile(warning message: String, hint: String?, path: AttributePath?) -> Bool {
        guard let found = diagnostic(.warning, message, hint, path) else { return false }
        show(found, code: nil)
        return true
    }

    func warn(_ warning: EngineFailure) {
        if showInFile(warning: warning.message, hint: warning.hint, path: warning.path) { return }
        let event = ProgressEvent.warning(warning.message, hint: warning.hint, path: warning.path)
        if progress == .json, let line = JSONProgress.line(event) { return stderr.line(line) }
        stderr.line(FailureText(style: errorStyle).warning(warning.message, hint: warning.hint, path: warning.path))
    }

    private func show(_ diagnostic: Diagnostic, code: String?) {
        guard let loaded else { return }
        stderr.line(
            progress == .json
                ? DiagnosticLine.text(diagnostic, code: code)
                : loaded.sources.render(diagnostic, colour: errorStyle.isColoured))
    }
}
