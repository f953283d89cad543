import ComposeFile
import Testing
import YAML

/// A Compose file with the place of the one expected diagnostic marked: `hostname: «1»`.
struct Marked: Sendable, CustomTestStringConvertible {
    let text: String
    let line: Int
    let column: Int
    let length: Int

    init(_ marked: String) {
        var text = ""
        var (line, column) = (1, 1)
        var start: (line: Int, column: Int) = (0, 0)
        var length = 0
        for scalar in marked.unicodeScalars {
            switch scalar {
            case "«": start = (line, column)
            case "»": length = column - start.column
            default:
                text.unicodeScalars.append(scalar)
                (line, column) = scalar == "\n" ? (line + 1, 1) : (line, column + 1)
            }
        }
        self.text = text
        self.line = start.line
        self.column = start.column
        self.length = length
    }

    var testDescription: String { text }
}

/// The diagnostics of loading a file that is expected to have exactly one, with its error or warning at the marks.
func checkMarked(
    _ marked: Marked, _ severity: Diagnostic.Severity, _ message: String, hint: String? = nil,
    _ more: [String: String] = [:]
) {
    let diagnostics: [Diagnostic]
    do throws(LoadFailure) {
        diagnostics = try loaded(marked.text, more).diagnostics
    } catch {
        diagnostics = error.diagnostics
    }
    #expect(diagnostics.map(\.message) == [message])
    guard let found = diagnostics.first else { return }
    #expect(found.severity == severity)
    #expect(
        found.place
            == SourceRange(
                file: "/p/compose.yaml", line: marked.line, column: marked.column, length: max(1, marked.length)))
    if let hint { #expect(found.hint == hint) }
}
