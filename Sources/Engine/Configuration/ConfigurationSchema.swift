import JSON

/// The JSON Schema (draft 7) of the configuration file, for editors.
package func configurationSchema() -> JSONValue {
    var properties = JSONObject()
    properties["$schema"] = ["type": "string", "description": "Where an editor finds this schema."]
    for setting in Setting.all where setting.isInFile {
        var object = setting.schema.object ?? JSONObject()
        object["description"] = .string("\(setting.documentation) Default: \(setting.defaultText).")
        if let value = setting.defaultJSON { object["default"] = value }
        object["examples"] = .array([setting.example])
        properties[setting.name] = .object(object)
    }
    var root = JSONObject()
    root["$schema"] = "http://json-schema.org/draft-07/schema#"
    root["title"] = "berth's engine"
    root["description"] = .string(
        "The file \(SettingsReader.defaultFile). Written from the engine's declaration; do not edit.")
    root["type"] = "object"
    root["properties"] = .object(properties)
    root["additionalProperties"] = false
    return .object(root)
}

/// The settings as a table in Markdown, for the documentation.
package func settingsTable() -> String {
    var lines = ["| in the file, as a flag | variable | default | |", "|---|---|---|---|"]
    for setting in Setting.all {
        let name = setting.isInFile ? "`\(setting.name)`" : "only `--\(setting.name)`"
        let value =
            setting.defaultJSON == nil || setting.defaultText == "none"
            ? setting.defaultText : "`\(setting.defaultText)`"
        lines.append("| \(name) | `\(setting.variable)` | \(value) | \(setting.documentation) |")
    }
    return lines.joined(separator: "\n") + "\n"
}
