import JSON

/// A value that an answer can contain.
protocol JSONConvertible { var json: JSONValue { get } }

extension JSONValue: JSONConvertible { var json: JSONValue { self } }
extension String: JSONConvertible { var json: JSONValue { .string(self) } }
extension Substring: JSONConvertible { var json: JSONValue { .string(String(self)) } }
extension Bool: JSONConvertible { var json: JSONValue { .bool(self) } }
extension Int: JSONConvertible { var json: JSONValue { .integer(Int64(self)) } }
extension Int32: JSONConvertible { var json: JSONValue { .integer(Int64(self)) } }
extension Int64: JSONConvertible { var json: JSONValue { .integer(self) } }
extension UInt16: JSONConvertible { var json: JSONValue { .integer(Int64(self)) } }
extension UInt32: JSONConvertible { var json: JSONValue { .integer(Int64(self)) } }
extension Double: JSONConvertible { var json: JSONValue { .double(self) } }

extension Array: JSONConvertible where Element: JSONConvertible {
    var json: JSONValue { .array(map(\.json)) }
}

extension Optional: JSONConvertible where Wrapped: JSONConvertible {
    var json: JSONValue { self?.json ?? .null }
}

extension Dictionary: JSONConvertible where Key == String, Value: JSONConvertible {
    /// Sorted, so that equal values give equal text.
    var json: JSONValue {
        var object = JSONObject()
        for (key, value) in sorted(by: { $0.key < $1.key }) { object[key] = value.json }
        return .object(object)
    }
}

extension JSONValue {
    static let emptyObject = JSONValue.object(JSONObject())

    /// An object with these members, in their order.
    static func members(_ members: KeyValuePairs<String, any JSONConvertible>) -> JSONValue {
        var object = JSONObject()
        for (key, value) in members { object[key] = value.json }
        return .object(object)
    }

    /// This object with `members` added at the end, except those that are nil.
    func adding(_ members: KeyValuePairs<String, any JSONConvertible>) -> JSONValue {
        guard case .object(var object) = self else { return self }
        for (key, value) in members where value.json != .null { object[key] = value.json }
        return .object(object)
    }

    /// As one line of a stream.
    var line: [UInt8] { serialized() + [0x0A] }
}
