import JSON
import YAML

/// A diagnostic as one line of JSON, for editors and other programs. Its form is a stable interface of `berth`.
///
/// `severity` (`error` or `warning`), `message`, and where known `file`, `line`, `column` (both from 1, in characters),
/// `length`, `path` (`services.web.ports`), `hint`, `notes` (each `message` with `file`, `line`, `column`). Diagnostics
/// from the engine also have a `code`.
enum DiagnosticLine {
    static func text(_ diagnostic: Diagnostic, code: String? = nil) -> String {
        var object = JSONObject()
        object["severity"] = .string(diagnostic.severity.rawValue)
        if diagnostic.severity == .error { object["error"] = true }
        if let code { object["code"] = .string(code) }
        object["message"] = .string(diagnostic.message)
        if let place = diagnostic.place { add(place, to: &object) }
        if let path = diagnostic.path { object["path"] = .string(path) }
        if let hint = diagnostic.hint { object["hint"] = .string(hint) }
        if !diagnostic.notes.isEmpty {
            object["notes"] = .array(
                diagnostic.notes.map { note in
                    var inner = JSONObject()
                    inner["message"] = .string(note.message)
                    if let place = note.place { add(place, to: &inner) }
                    return .object(inner)
                })
        }
        return JSONValue.object(object).text()
    }

    private static func add(_ place: SourceRange, to object: inout JSONObject) {
        object["file"] = .string(place.file)
        object["line"] = .integer(Int64(place.line))
        object["column"] = .integer(Int64(place.column))
        object["length"] = .integer(Int64(place.length))
    }
}
