/// The JSON text of `value` in UTF-8.
/// - Throws: `EncodingError` when a type cannot be encoded.
package func encodeJSON(_ value: some Encodable, _ layout: JSONValue.Layout = .compact) throws -> [UInt8] {
    try JSONValue(encoding: value).serialized(layout)
}

extension JSONValue {
    /// `value` as JSON; sorts the keys of dictionaries, so that equal values give equal text.
    package init(encoding value: some Encodable) throws {
        let result = JSONBox()
        try JSONValueEncoder(result: result, codingPath: []).encode(value)
        self = result.finished
    }
}

/// Where an encoder stores its value. Shared, because containers fill it later.
final class JSONBox {
    enum Content {
        case array([JSONBox])
        case object([(String, JSONBox)])
    }

    var value: JSONValue = .null
    var content: Content?

    var finished: JSONValue {
        switch content {
        case nil: return value
        case .array(let boxes): return .array(boxes.map(\.finished))
        case .object(let boxes):
            var object = JSONObject()
            for (key, box) in boxes { object.append(key, box.finished) }
            return .object(object)
        }
    }

    func add(_ key: String) -> JSONBox {
        let box = JSONBox()
        guard case .object(var boxes) = content else {
            content = .object([(key, box)])
            return box
        }
        content = nil  // keep the array uniquely referenced while it grows
        boxes.append((key, box))
        content = .object(boxes)
        return box
    }

    func append() -> JSONBox {
        let box = JSONBox()
        guard case .array(var boxes) = content else {
            content = .array([box])
            return box
        }
        content = nil
        boxes.append(box)
        content = .array(boxes)
        return box
    }
}

struct JSONValueEncoder: Encoder, SingleValueEncodingContainer {
    let result: JSONBox
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if result.content == nil { result.content = .object([]) }
        return KeyedEncodingContainer(KeyedContainer<Key>(result: result, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if result.content == nil { result.content = .array([]) }
        return UnkeyedContainer(result: result, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() { result.value = .null }
    func encode(_ value: Bool) { result.value = .bool(value) }
    func encode(_ value: String) { result.value = .string(value) }
    func encode(_ value: Double) { result.value = .double(value) }
    func encode(_ value: Float) { result.value = .double(Double(value)) }
    func encode(_ value: Int) { result.value = .integer(Int64(value)) }
    func encode(_ value: Int8) { result.value = .integer(Int64(value)) }
    func encode(_ value: Int16) { result.value = .integer(Int64(value)) }
    func encode(_ value: Int32) { result.value = .integer(Int64(value)) }
    func encode(_ value: Int64) { result.value = .integer(value) }
    func encode(_ value: UInt) { encode(UInt64(value)) }
    func encode(_ value: UInt8) { result.value = .integer(Int64(value)) }
    func encode(_ value: UInt16) { result.value = .integer(Int64(value)) }
    func encode(_ value: UInt32) { result.value = .integer(Int64(value)) }
    func encode(_ value: UInt64) { result.value = Int64(exactly: value).map(JSONValue.integer) ?? .unsigned(value) }

    func encode<T: Encodable>(_ value: T) throws {
        try value.encode(to: self)
        // Dictionaries have hash order, which differs in each run.
        if value is any JSONUnorderedMap, case .object(let boxes) = result.content {
            result.content = .object(boxes.sorted { $0.0 < $1.0 })
        }
    }
}

private protocol JSONUnorderedMap {}
extension Dictionary: JSONUnorderedMap {}

private struct KeyedContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let result: JSONBox
    let codingPath: [any CodingKey]

    func encodeNil(forKey key: Key) { _ = result.add(key.stringValue) }
    func encode<T: Encodable>(_ value: T, forKey key: Key) throws { try encoder(key).encode(value) }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> { encoder(key).container(keyedBy: keyType) }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { encoder(key).unkeyedContainer() }
    func superEncoder() -> any Encoder { JSONValueEncoder(result: result.add("super"), codingPath: codingPath) }
    func superEncoder(forKey key: Key) -> any Encoder { encoder(key) }

    private func encoder(_ key: Key) -> JSONValueEncoder {
        JSONValueEncoder(result: result.add(key.stringValue), codingPath: codingPath + [key])
    }
}

private struct UnkeyedContainer: UnkeyedEncodingContainer {
    let result: JSONBox
    let codingPath: [any CodingKey]
    var count = 0

    init(result: JSONBox, codingPath: [any CodingKey]) {
        self.result = result
        self.codingPath = codingPath
    }

    mutating func encodeNil() { _ = next() }
    mutating func encode<T: Encodable>(_ value: T) throws { try next().encode(value) }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> { next().container(keyedBy: keyType) }
    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { next().unkeyedContainer() }
    mutating func superEncoder() -> any Encoder { next() }

    private mutating func next() -> JSONValueEncoder {
        defer { count += 1 }
        return JSONValueEncoder(result: result.append(), codingPath: codingPath + [JSONKey(intValue: count)])
    }
}
