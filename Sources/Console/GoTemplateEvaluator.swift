import JSON

/// Renders nodes for a value.
struct GoTemplateEvaluator {
    static let functions = [
        "json", "upper", "lower", "title", "len", "join", "split", "print", "println", "truncate", "pad", "eq", "ne",
        "not", "and", "or", "index",
    ]

    let root: JSONValue

    func render(_ nodes: [GoTemplate.Node], dot: JSONValue, into result: inout String) throws(GoTemplate.Failure) {
        for node in nodes {
            switch node {
            case .text(let text): result += text
            case .output(let pipeline): result += Self.text(try value(pipeline, dot))
            case .condition(let pipeline, let then, let otherwise):
                try render(Self.isTrue(try value(pipeline, dot)) ? then : otherwise, dot: dot, into: &result)
            case .scope(let pipeline, let body, let otherwise):
                let inner = try value(pipeline, dot)
                if Self.isTrue(inner) {
                    try render(body, dot: inner, into: &result)
                } else {
                    try render(otherwise, dot: dot, into: &result)
                }
            case .loop(let pipeline, let body, let otherwise):
                let items = Self.items(try value(pipeline, dot))
                for item in items { try render(body, dot: item, into: &result) }
                if items.isEmpty { try render(otherwise, dot: dot, into: &result) }
            }
        }
    }

    private func value(_ pipeline: GoTemplate.Pipeline, _ dot: JSONValue) throws(GoTemplate.Failure) -> JSONValue {
        var result: JSONValue?
        for command in pipeline.commands { result = try value(command, piped: result, dot) }
        return result ?? .null
    }

    private func value(
        _ command: [GoTemplate.Operand], piped: JSONValue?, _ dot: JSONValue
    ) throws(GoTemplate.Failure) -> JSONValue {
        guard let first = command.first else { throw GoTemplate.Failure("missing value") }
        var arguments: [JSONValue] = []
        for operand in command.dropFirst() { arguments.append(try single(operand, dot)) }
        if let piped { arguments.append(piped) }
        switch first {
        case .function(let name): return try call(name, arguments)
        case .field(let path) where path == ["Label"] && arguments.count == 1:
            // The title line has no labels; there the column is named by the label.
            guard let labels = root["LabelMap"] else { return arguments[0] }
            return labels[arguments[0].string ?? ""] ?? ""
        default:
            guard arguments.isEmpty else { throw GoTemplate.Failure("\(Self.name(first)) takes no argument") }
            return try single(first, dot)
        }
    }

    private func single(_ operand: GoTemplate.Operand, _ dot: JSONValue) throws(GoTemplate.Failure) -> JSONValue {
        switch operand {
        case .literal(let value): return value
        case .nested(let pipeline): return try value(pipeline, dot)
        case .function(let name): return try call(name, [])
        case .field(let path):
            var current = dot
            for key in path {
                guard let next = current[key] else {
                    let known = current.object?.keys ?? []
                    throw GoTemplate.Failure(
                        "there is no field \"\(key)\"\(Suggestion.question(for: key, among: known)) "
                            + "(known are: \(known.joined(separator: ", ")))")
                }
                current = next
            }
            return current
        }
    }

    private func call(_ name: String, _ arguments: [JSONValue]) throws(GoTemplate.Failure) -> JSONValue {
        func need(_ count: Int) throws(GoTemplate.Failure) {
            guard arguments.count == count else {
                throw GoTemplate.Failure("\(name) takes \(count) argument(s), not \(arguments.count)")
            }
        }
        switch name {
        case "and": return arguments.first { !Self.isTrue($0) } ?? arguments.last ?? .null
        case "or": return arguments.first { Self.isTrue($0) } ?? arguments.last ?? .null
        case "print": return .string(arguments.map(Self.text).joined(separator: " "))
        case "println": return .string(arguments.map(Self.text).joined(separator: " ") + "\n")
        case "json", "upper", "lower", "title", "len", "not":
            try need(1)
            return Self.unary(name, arguments[0])
        default:
            if name == "pad" { try need(3) } else { try need(2) }
            return Self.binary(name, arguments)
        }
    }

    private static func unary(_ name: String, _ value: JSONValue) -> JSONValue {
        switch name {
        case "json": return .string(value.text())
        case "upper": return .string(text(value).uppercased())
        case "lower": return .string(text(value).lowercased())
        case "title": return .string(text(value).prefix(1).uppercased() + text(value).dropFirst())
        case "not": return .bool(!isTrue(value))
        default: return .integer(Int64(value.string?.count ?? items(value).count))
        }
    }

    private static func binary(_ name: String, _ arguments: [JSONValue]) -> JSONValue {
        switch name {
        case "eq": return .bool(arguments[0] == arguments[1])
        case "ne": return .bool(arguments[0] != arguments[1])
        case "join": return .string(items(arguments[0]).map(text).joined(separator: text(arguments[1])))
        case "split":
            guard let separator = text(arguments[1]).first else { return arguments[0] }
            return .array(text(arguments[0]).split(separator: separator).map { .string(String($0)) })
        case "truncate": return .string(String(text(arguments[0]).prefix(max(0, arguments[1].integer ?? 0))))
        case "pad":
            func spaces(_ value: JSONValue) -> String { String(repeating: " ", count: max(0, value.integer ?? 0)) }
            return .string(spaces(arguments[1]) + text(arguments[0]) + spaces(arguments[2]))
        default:  // index
            if let key = arguments[1].string { return arguments[0][key] ?? "" }
            let items = items(arguments[0])
            let index = arguments[1].integer ?? -1
            return items.indices.contains(index) ? items[index] : .null
        }
    }

    /// A value in Go's format: lists in brackets, structures in braces.
    static func text(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): text
        case .null: "<no value>"
        case .array(let values): "[\(values.map(text).joined(separator: " "))]"
        case .object(let object): "{\(object.members.map { text($0.value) }.joined(separator: " "))}"
        default: value.text()
        }
    }

    private static func items(_ value: JSONValue) -> [JSONValue] {
        if let object = value.object { return object.members.map(\.value) }
        return value.array ?? []
    }

    private static func isTrue(_ value: JSONValue) -> Bool {
        switch value {
        case .null: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .unsigned(let value): value != 0
        case .double(let value): value != 0
        case .string(let text): !text.isEmpty
        case .array(let values): !values.isEmpty
        case .object(let object): !object.isEmpty
        }
    }

    private static func name(_ operand: GoTemplate.Operand) -> String {
        if case .field(let path) = operand { return "." + path.joined(separator: ".") }
        return "a value"
    }
}
