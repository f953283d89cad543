import Foundation
import JSON

/// How the Engine API's description says that answers look: `Swagger/responses.json`, which `scripts/response-schemas.py` makes of it.
struct AnswerSchemas: Sendable {
    private let definitions: JSONObject
    private let routes: JSONObject

    static func read() throws -> AnswerSchemas {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Swagger/responses.json")
        return try AnswerSchemas(JSONValue(parsing: [UInt8](Data(contentsOf: file))))
    }

    init(_ document: JSONValue) {
        definitions = document["definitions"]?.object ?? JSONObject()
        routes = document["routes"]?.object ?? JSONObject()
    }

    /// Method and path of every route, `GET /containers/{id}/json`.
    var names: [String] { routes.keys }

    /// The members of a type, without those that it takes from another one; `Mount.BindOptions` is the type of a member.
    func members(of name: String) -> [String] {
        var schema: JSONValue? = .object(definitions)
        for (index, part) in name.split(separator: ".").enumerated() {
            schema = index == 0 ? schema?[String(part)] : schema?["properties"]?[String(part)]
        }
        let own = (schema?["allOf"]?.array ?? []).filter { $0["ref"] == nil }
        return ([schema].compactMap(\.self) + own).flatMap { $0["properties"]?.object?.keys ?? [] }
    }

    /// What is wrong with the body of an answer to `route`; `lines` says that it is one JSON value a line.
    /// An error that the description does not name for this route must still look like one.
    func problems(of route: String, status: Int, body: String, lines: Bool = false) -> [String] {
        guard let answers = routes[route]?["answers"] else { return ["\(route): there is no such route"] }
        let schema: JSONValue
        if status >= 400 {
            schema = ["ref": "ErrorResponse"]
        } else if let declared = answers["\(status)"] {
            // No schema, or one of bytes: no JSON.
            guard declared.object != nil, declared["format"] != "binary" else { return [] }
            if declared["type"] == "string" { return [] }
            schema = declared
        } else {
            return ["\(status) is no answer of \(route)"]
        }
        let texts = lines ? body.split(separator: "\n").map(String.init) : [body]
        return texts.flatMap { text -> [String] in
            guard let value = try? JSONValue(parsing: text) else { return ["no JSON: \(text)"] }
            return problems(of: value, schema, at: "")
        }
    }

    // MARK: Values

    private func problems(of value: JSONValue, _ schema: JSONValue, at place: String) -> [String] {
        let parts = parts(of: schema)
        let isMaybe = schema["nullable"] == true || parts.contains { $0["nullable"] == true }
        if value == .null { return isMaybe || Self.isNullInGo(place) ? [] : ["\(place): null"] }
        var problems = parts.flatMap { self.problems(of: value, alone: $0, at: place) }
        problems += unknownMembers(of: value, parts, at: place)
        return problems
    }

    /// A schema and those that it is put together from.
    private func parts(of schema: JSONValue) -> [JSONValue] {
        if let name = schema["ref"]?.string { return definitions[name].map { parts(of: $0) } ?? [] }
        return [schema] + (schema["allOf"]?.array ?? []).flatMap { parts(of: $0) }
    }

    private func problems(of value: JSONValue, alone schema: JSONValue, at place: String) -> [String] {
        if let problem = Self.mistake(value, schema) { return ["\(place): \(problem): \(value.text())"] }
        var problems: [String] = []
        if let items = schema["items"] {
            for item in value.array ?? [] { problems += self.problems(of: item, items, at: "\(place)[]") }
        }
        guard let object = value.object else { return problems }
        for name in schema["required"]?.array?.compactMap(\.string) ?? [] where object[name] == nil {
            problems.append("\(place): \(name) is missing")
        }
        for member in object.members {
            if let of = schema["properties"]?[member.key] {
                problems += self.problems(of: member.value, of, at: "\(place).\(member.key)")
            } else if let of = schema["values"] {
                problems += self.problems(of: member.value, of, at: "\(place).*")
            }
        }
        return problems
    }

    /// A member that no description names is a mistake of spelling, or one of those that older versions had.
    private func unknownMembers(of value: JSONValue, _ parts: [JSONValue], at place: String) -> [String] {
        let known = parts.compactMap { $0["properties"]?.object }
        guard let object = value.object, !known.isEmpty, parts.allSatisfy({ $0["values"] == nil }) else { return [] }
        return object.keys.filter { key in !known.contains { $0[key] != nil } && !Self.isOlder("\(place).\(key)") }
            .map { "\(place): unknown member \($0)" }
    }

    /// The wrong type, or none of the values that there are.
    private static func mistake(_ value: JSONValue, _ schema: JSONValue) -> String? {
        let fits: Bool
        switch schema["type"]?.string {
        case "object": fits = value.object != nil
        case "array": fits = value.array != nil
        case "string": fits = value.string != nil
        case "boolean": fits = value.bool != nil
        case "integer":
            guard case .integer(let number) = value else { return "no whole number" }
            switch schema["format"]?.string {
            case "uint16": fits = (0...Int64(UInt16.max)).contains(number)
            case "uint32": fits = (0...Int64(UInt32.max)).contains(number)
            case "uint64", "uint8": fits = number >= 0
            default: fits = true
            }
        case "number": fits = value.number != nil
        default: fits = true
        }
        guard fits else { return "no \(schema["type"]?.string ?? "")" }
        if let values = schema["enum"]?.array, !values.contains(value) {
            return "none of \(schema["enum"]?.text() ?? "")"
        }
        if let format = schema["format"]?.string?.lowercased(), format == "datetime" || format == "date-time",
            let text = value.string, !isInstant(text)
        {
            return "no instant"
        }
        return nil
    }

    private static func isInstant(_ text: String) -> Bool {
        text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/) != nil
    }

    // MARK: Where dockerd itself differs from its description

    /// Lists and maps that dockerd writes as Go does when they are empty.
    private static let nulls: Set<String> = [
        "Aliases", "Links", "DNSNames", "IPAMConfig", "Entrypoint", "Cmd", "Volumes", "Binds", "CapAdd", "CapDrop",
        "ExtraHosts", "GroupAdd", "VolumesFrom", "Labels", "Options", "Warnings", "ImagesDeleted", "NetworksDeleted",
        "VolumesDeleted", "Tags", "Authorization", "RemoteManagers", "io_service_bytes_recursive",
        "io_serviced_recursive", "io_queue_recursive", "io_service_time_recursive", "io_wait_time_recursive",
        "io_merged_recursive", "io_time_recursive", "sectors_recursive",
    ]

    private static func isNullInGo(_ place: String) -> Bool {
        nulls.contains(place.split(separator: ".").last.map(String.init) ?? "")
            // What is exposed and not published; a network without addresses; a command that has not ended.
            || place.hasSuffix(".Ports.*") || place.hasSuffix(".IPAM.Config") || place == ".ExitCode"
    }

    /// Members that older versions of the API describe, and that dockerd has kept.
    private static let older: Set<String> = [
        ".status", ".id", ".from",
    ]

    private static func isOlder(_ place: String) -> Bool { older.contains(place) }
}

extension JSONValue {
    fileprivate var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
}
