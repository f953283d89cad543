import JSON
import YAML

extension Diagnostic {
    /// The diagnostic for editors and scripts.
    ///
    /// ```json
    /// {"severity": "error", "message": "…", "file": "/p/compose.yaml", "line": 3, "column": 5, "length": 4,
    ///  "path": "services.web.imge", "hint": "did you mean 'image'?",
    ///  "notes": [{"message": "included from here", "file": "…", "line": 1, "column": 10, "length": 8}]}
    /// ```
    /// Lines and columns count from 1, columns and lengths in Unicode scalars. `file` to `length` are absent together
    /// when it is about no file; `path`, `hint` and `notes` are absent when there is none. Members may be added.
    package var json: JSONValue {
        var object = JSONObject()
        object["severity"] = .string(severity.rawValue)
        object["message"] = .string(message)
        if let place { place.add(to: &object) }
        if let path { object["path"] = .string(path) }
        if let hint { object["hint"] = .string(hint) }
        if !notes.isEmpty {
            object["notes"] = .array(
                notes.map { note in
                    var object = JSONObject()
                    object["message"] = .string(note.message)
                    note.place?.add(to: &object)
                    return .object(object)
                })
        }
        return .object(object)
    }
}

extension SourceRange {
    fileprivate func add(to object: inout JSONObject) {
        object["file"] = .string(file)
        object["line"] = .integer(Int64(line))
        object["column"] = .integer(Int64(column))
        object["length"] = .integer(Int64(length))
    }
}
