import JSON

/// The JSON Schema (draft 7) of the format, for editors: a description, default and example on each attribute.
package func composeSchema() -> JSONValue {
    var writer = SchemaWriter()
    var root = JSONObject()
    root["$schema"] = "http://json-schema.org/draft-07/schema#"
    root["title"] = "Compose file"
    root["description"] = "Written from berth's declaration of the format; do not edit."
    let body = writer.body(of: Format.file)
    for member in body.members { root[member.key] = member.value }
    var definitions = JSONObject()
    for (name, value) in writer.definitions.sorted(by: { $0.key < $1.key }) { definitions[name] = value }
    root["definitions"] = .object(definitions)
    return .object(root)
}

private struct SchemaWriter {
    private(set) var definitions: [String: JSONValue] = [:]

    mutating func body(of record: Record) -> JSONObject {
        var object = JSONObject()
        object["type"] = "object"
        var properties = JSONObject()
        for attribute in record.attributes { properties[attribute.name] = schema(of: attribute) }
        object["properties"] = .object(properties)
        if record.allowsExtensions { object["patternProperties"] = ["^x-": [:]] }
        object["additionalProperties"] = false
        let required = record.attributes.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { object["required"] = .array(required) }
        return object
    }

    private mutating func schema(of attribute: Attribute) -> JSONValue {
        var object = schema(of: attribute.shape, refusingRepeats: attribute.refusesRepeats)
        var text = attribute.documentation
        switch attribute.standing {
        case .notYet: text += " Not acted on yet."
        case .refused(let reason): text += " Refused: \(reason)."
        case .noEffect(let place): text += " Means something only in \(place)."
        case .acted: break
        }
        if let value = attribute.defaultValue { text += " Default: \(value)." }
        if let reason = attribute.deprecated {
            text += " Deprecated: \(reason)."
            object["deprecated"] = true
        }
        object["description"] = .string(text)
        if let example = attribute.example { object["examples"] = .array([.string(example)]) }
        return .object(object)
    }

    private mutating func schema(of shape: Shape, refusingRepeats: Bool = false) -> JSONObject {
        var forms: [JSONObject] = []
        if let scalar = scalar(shape) { forms.append(scalar) }
        if let items = shape.items {
            var list = JSONObject()
            list["type"] = "array"
            list["items"] = .object(schema(of: items))
            if refusingRepeats { list["uniqueItems"] = true }
            forms.append(list)
        }
        if let record = shape.record {
            forms.append(reference(to: record))
        } else if let members = shape.members {
            var mapping = JSONObject()
            mapping["type"] = "object"
            let value = JSONValue.object(schema(of: members))
            if let names = shape.names {
                var patterns = JSONObject()
                patterns[names.regex] = value
                mapping["patternProperties"] = .object(patterns)
                mapping["additionalProperties"] = false
            } else {
                mapping["additionalProperties"] = value
            }
            forms.append(mapping)
        }
        if forms.count == 1 { return forms[0] }
        var object = JSONObject()
        object["anyOf"] = .array(forms.map { .object($0) })
        return object
    }

    private func scalar(_ shape: Shape) -> JSONObject? {
        var types: [JSONValue] = []
        if shape.scalars.contains(.string) { types.append("string") }
        if shape.scalars.contains(.boolean) { types.append("boolean") }
        if shape.scalars.contains(.number) {
            types.append("number")
        } else if shape.scalars.contains(.integer) {
            types.append("integer")
        }
        if shape.scalars.contains(.null) { types.append("null") }
        guard !types.isEmpty else { return nil }
        var object = JSONObject()
        object["type"] = types.count == 1 ? types[0] : .array(types)
        if !shape.allowed.isEmpty { object["enum"] = .array(shape.allowed.map { .string($0) }) }
        if let pattern = shape.pattern { object["pattern"] = .string(pattern.regex) }
        if let range = shape.range {
            object["minimum"] = .integer(range.lowerBound)
            if range.upperBound < Int64.max { object["maximum"] = .integer(range.upperBound) }
        }
        return object
    }

    private mutating func reference(to record: Record) -> JSONObject {
        let name = record.title.split(separator: " ").filter { $0 != "a" && $0 != "an" }.joined(separator: "_")
        if definitions[name] == nil {
            definitions[name] = .null
            definitions[name] = .object(body(of: record))
        }
        var object = JSONObject()
        object["$ref"] = .string("#/definitions/\(name)")
        return object
    }
}
