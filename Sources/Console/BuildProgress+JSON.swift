import EngineWire
import JSON

extension BuildProgress {
    /// One line of JSON for each event; `build` names its build.
    static func json(_ event: BuildEvent, _ build: String?) -> String {
        var object = JSONObject()
        if let build { object["build"] = .string(build) }
        switch event {
        case .step(let step):
            object["step"] = .integer(Int64(step.number))
            object["title"] = .string(step.title)
            object["state"] = .string(step.state.rawValue)
            if let seconds = step.seconds { object["seconds"] = .double(seconds) }
            if step.isFirst { object["first"] = true }
            if let cache = step.cache { object["cache"] = .string(cache) }
            if !step.reasons.isEmpty { object["reasons"] = .array(step.reasons.map { .string($0) }) }
        case .output(let step, let text, _):
            object["step"] = .integer(Int64(step))
            object["output"] = .string(text)
        case .warning(let note): object["warning"] = note.json
        case .shell(let shell):
            object["shell"] = .string(shell.program)
            object["cause"] = shell.note.json
        case .failed(let notes): object["errors"] = .array(notes.map(\.json))
        case .finished(let image, let manifest, let tags, let cached):
            object["image"] = .string(image)
            object["manifest"] = .string(manifest)
            object["tags"] = .array(tags.map { .string($0) })
            object["cached"] = .bool(cached)
        }
        return JSONValue.object(object).text()
    }
}

extension BuildNote {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object["code"] = .string(code.rawValue)
        object["message"] = .string(message)
        if let hint { object["hint"] = .string(hint) }
        if let place {
            object["file"] = .string(place.file)
            object["line"] = .integer(Int64(place.line))
            object["column"] = .integer(Int64(place.column))
        }
        if !log.isEmpty { object["log"] = .array(log.map { .string($0) }) }
        return .object(object)
    }
}
