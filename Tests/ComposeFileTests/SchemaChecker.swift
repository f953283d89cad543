import JSON
import YAML

/// Holds YAML values against a JSON Schema (draft 7): the part of it that the schemas of this repository use.
///
/// A keyword that is not known is an error of its own, so that no constraint is passed over in silence.
struct SchemaChecker {
    private let root: JSONValue

    /// Keywords that constrain nothing.
    private static let annotations: Set<String> = [
        "$schema", "title", "description", "default", "examples", "deprecated", "definitions",
    ]

    init(_ schema: JSONValue) { root = schema }

    /// What is wrong with a value, each with its path; empty when the schema accepts it.
    func problems(_ value: Node) -> [String] { problems(value, root, at: "") }

    private func problems(_ value: Node, _ schema: JSONValue, at path: String) -> [String] {
        guard let object = schema.object else { return ["\(path): the schema is no object"] }
        return object.members.flatMap { member in
            keyword(member.key, member.value, in: object, value, at: path)
        }
    }

    private func keyword(
        _ name: String, _ constraint: JSONValue, in schema: JSONObject, _ value: Node, at path: String
    ) -> [String] {
        func fails(_ condition: Bool) -> [String] { condition ? [] : ["\(path): \(name) \(constraint.text())"] }
        switch name {
        case "$ref": return reference(constraint, value, at: path)
        case "type": return fails((constraint.array ?? [constraint]).contains { Self.isType($0.string ?? "", value) })
        case "enum": return fails(constraint.array?.contains { $0.string == value.string } ?? false)
        case "pattern": return fails(value.string.map { Self.matches($0, constraint) } ?? true)
        case "minimum": return fails(value.number.map { $0 >= Double(constraint.integer ?? 0) } ?? true)
        case "maximum": return fails(value.number.map { $0 <= Double(constraint.integer ?? 0) } ?? true)
        case "anyOf":
            let forms = (constraint.array ?? []).map { problems(value, $0, at: path) }
            return forms.contains(where: \.isEmpty) ? [] : forms.flatMap { $0 }
        case "items":
            return (value.sequence ?? []).enumerated().flatMap { problems($1, constraint, at: "\(path)[\($0)]") }
        case "uniqueItems": return fails(value.sequence.map { Set($0).count == $0.count } ?? true)
        case "required":
            return fails(
                value.mapping.map { mapping in
                    constraint.array?.allSatisfy { mapping[$0.string ?? ""] != nil } ?? false
                } ?? true)
        case "properties", "patternProperties", "additionalProperties":
            return name == Self.memberKeywords.first { schema[$0] != nil } ? members(of: value, schema, at: path) : []
        default: return Self.annotations.contains(name) ? [] : ["the keyword '\(name)' is not known to the checker"]
        }
    }

    private static let memberKeywords = ["properties", "patternProperties", "additionalProperties"]

    private func members(of value: Node, _ schema: JSONObject, at path: String) -> [String] {
        (value.mapping?.entries ?? []).flatMap { entry -> [String] in
            let inside = "\(path).\(entry.key)"
            var constraints = schema["properties"]?[entry.key].map { [$0] } ?? []
            for pattern in schema["patternProperties"]?.object?.members ?? []
            where Self.matches(entry.key, .string(pattern.key)) {
                constraints.append(pattern.value)
            }
            if constraints.isEmpty, let other = schema["additionalProperties"] {
                if other == false { return ["\(inside): no such member"] }
                constraints = [other]
            }
            return constraints.flatMap { problems(entry.value, $0, at: inside) }
        }
    }

    private func reference(_ reference: JSONValue, _ value: Node, at path: String) -> [String] {
        let prefix = "#/definitions/"
        guard let text = reference.string, text.hasPrefix(prefix),
            let target = root["definitions"]?[String(text.dropFirst(prefix.count))]
        else { return ["\(path): the reference \(reference.text()) leads nowhere"] }
        return problems(value, target, at: path)
    }

    private static func isType(_ type: String, _ value: Node) -> Bool {
        switch (type, value.value) {
        case ("null", .null), ("boolean", .bool), ("string", .string), ("array", .sequence), ("object", .mapping): true
        case ("integer", .integer), ("integer", .unsigned), ("number", .integer), ("number", .unsigned): true
        case ("number", .float): true
        case ("integer", .float(let number)): number == number.rounded()
        default: false
        }
    }

    private static func matches(_ text: String, _ pattern: JSONValue) -> Bool {
        guard let regex = try? Regex(pattern.string ?? "") else { return false }
        return text.firstMatch(of: regex) != nil
    }
}
