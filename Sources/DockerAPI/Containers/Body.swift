import JSON

/// A part of a request's body, read as Go reads it: a missing value and null count as not given, keys may be in any case, and a value
/// of the wrong type is an error that names its field.
package struct Body: Sendable {
    let value: JSONValue?
    /// `HostConfig.Memory`.
    let path: String

    package init(_ value: JSONValue?, path: String = "") {
        self.value = value == .null ? nil : value
        self.path = path
    }

    subscript(_ key: String) -> Body {
        Body(value?[key] ?? inOtherCase(key), path: path.isEmpty ? key : "\(path).\(key)")
    }

    /// docker-py sends `detachKeys`, for example.
    private func inOtherCase(_ key: String) -> JSONValue? {
        func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
        return value?.object?.members.last { member in
            member.key.utf8.count == key.utf8.count
                && member.key.utf8.elementsEqual(key.utf8) { lower($0) == lower($1) }
        }?.value
    }

    var isGiven: Bool { value != nil }

    private func mismatch(_ wanted: String) -> DockerFailure {
        let kind =
            switch value {
            case .string: "string"
            case .bool: "bool"
            case .integer, .unsigned, .double: "number"
            case .array: "array"
            case .object: "object"
            case .null, nil: "null"
            }
        return .invalid("invalid JSON: json: cannot unmarshal \(kind) into Go struct field \(path) of type \(wanted)")
    }

    /// nil for an empty string as well.
    func text() throws(DockerFailure) -> String? {
        switch value {
        case nil: return nil
        case .string(let text): return text.isEmpty ? nil : text
        default: throw mismatch("string")
        }
    }

    func flag() throws(DockerFailure) -> Bool? {
        switch value {
        case nil: return nil
        case .bool(let flag): return flag
        default: throw mismatch("bool")
        }
    }

    func integer() throws(DockerFailure) -> Int64? {
        switch value {
        case nil: return nil
        case .integer(let number): return number
        case .double(let number) where number == number.rounded() && abs(number) < 9e18: return Int64(number)
        default: throw mismatch("int64")
        }
    }

    /// nil for 0 as well, which in most fields means "not given".
    func amount() throws(DockerFailure) -> Int64? {
        let number = try integer()
        return number == 0 ? nil : number
    }

    func items() throws(DockerFailure) -> [Body] {
        switch value {
        case nil: return []
        case .array(let items): return items.map { Body($0, path: path) }
        default: throw mismatch("[]interface {}")
        }
    }

    /// nil if not given; a single string counts as a list of one.
    func texts() throws(DockerFailure) -> [String]? {
        guard let value else { return nil }
        if case .string(let text) = value { return [text] }
        guard case .array(let items) = value else { throw mismatch("[]string") }
        return try items.map { (item) throws(DockerFailure) in
            guard case .string(let text) = item else { throw Body(item, path: path).mismatch("string") }
            return text
        }
    }

    /// The members of an object with their keys, in order.
    func members() throws(DockerFailure) -> [(key: String, body: Body)] {
        switch value {
        case nil: return []
        case .object(let object): return object.members.map { ($0.key, Body($0.value, path: "\(path).\($0.key)")) }
        default: throw mismatch("map[string]interface {}")
        }
    }

    func textMap() throws(DockerFailure) -> [String: String] {
        var result: [String: String] = [:]
        for (key, body) in try members() { result[key] = try body.text() ?? "" }
        return result
    }

    /// The keys of a set, which Go writes as an object of empty objects.
    func keys() throws(DockerFailure) -> [String] { try members().map(\.key) }
}
