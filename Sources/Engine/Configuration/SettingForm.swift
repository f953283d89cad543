import JSON
import Linux
import Logging
import Networking

/// How to write the values of a setting: in JSON, as the text of a variable or a flag, and as a schema.
struct SettingForm<Value: Sendable>: Sendable {
    let schema: JSONValue
    let read: @Sendable (JSONValue) throws(SettingFailure) -> Value
    let parse: @Sendable (String) throws(SettingFailure) -> Value
    let written: @Sendable (Value) -> JSONValue
}

extension SettingForm<String> {
    /// An absolute path.
    static let folder = text("an absolute path", pattern: "^/") { $0.hasPrefix("/") }

    /// A text that `accepts` allows. In the schema, `pattern` allows the same or more.
    static func text(
        _ expected: String, pattern: String, accepts: @escaping @Sendable (String) -> Bool
    ) -> SettingForm {
        let check: @Sendable (String) throws(SettingFailure) -> String = { (text) throws(SettingFailure) in
            guard accepts(text) else { throw SettingFailure(expected: expected, found: "\"\(text)\"") }
            return text
        }
        return SettingForm(
            schema: ["type": "string", "pattern": .string(pattern)],
            read: { (value) throws(SettingFailure) in
                guard let text = value.string else { throw SettingFailure(expected: expected, found: value.text()) }
                return try check(text)
            }, parse: check, written: { .string($0) })
    }
}

extension SettingForm<Int> {
    /// A whole number from `bounds`; `what` names it and its unit.
    static func integer(_ what: String, in bounds: ClosedRange<Int>) -> SettingForm {
        let expected = "\(what), \(bounds.lowerBound) or more"
        let check: @Sendable (Int?, String) throws(SettingFailure) -> Int = { (value, text) throws(SettingFailure) in
            guard let value, bounds.contains(value) else { throw SettingFailure(expected: expected, found: text) }
            return value
        }
        return SettingForm(
            schema: [
                "type": "integer", "minimum": .integer(Int64(bounds.lowerBound)),
                "maximum": .integer(Int64(bounds.upperBound)),
            ],
            read: { (value) throws(SettingFailure) in try check(value.integer, value.text()) },
            parse: { (text) throws(SettingFailure) in try check(Int(text), "\"\(text)\"") },
            written: { .integer(Int64($0)) })
    }
}

extension SettingForm<Int64> {
    /// A number of bytes with a unit: `512k`, `10m`.
    static var bytes: SettingForm {
        let expected = "a size such as 10m: a whole number with k, m, g or nothing"
        let parse: @Sendable (String) throws(SettingFailure) -> Int64 = { (text) throws(SettingFailure) in
            guard let value = ByteCount.parse(text), value > 0 else {
                throw SettingFailure(expected: expected, found: "\"\(text)\"")
            }
            return value
        }
        return SettingForm(
            schema: ["type": "string", "pattern": "^[0-9]+[kmgKMG]?[bB]?$"],
            read: { (value) throws(SettingFailure) in
                guard let text = value.string else { throw SettingFailure(expected: expected, found: value.text()) }
                return try parse(text)
            }, parse: parse, written: { .string(Self.written($0)) })
    }

    private static func written(_ bytes: Int64) -> String {
        for (unit, size) in [("g", Int64(1) << 30), ("m", 1 << 20), ("k", 1 << 10)] where bytes % size == 0 {
            return "\(bytes / size)\(unit)"
        }
        return "\(bytes)"
    }
}

extension SettingForm<Logger.Level> {
    static var logLevel: SettingForm {
        let names = Logger.Level.allCases.map(\.rawValue)
        let parse: @Sendable (String) throws(SettingFailure) -> Logger.Level = { (text) throws(SettingFailure) in
            guard let level = Logger.Level(rawValue: text) else {
                throw SettingFailure(expected: "one of \(names.joined(separator: ", "))", found: "\"\(text)\"")
            }
            return level
        }
        return SettingForm(
            schema: ["type": "string", "enum": .array(names.map { .string($0) })],
            read: { (value) throws(SettingFailure) in try parse(value.string ?? value.text()) }, parse: parse,
            written: { .string($0.rawValue) })
    }
}

extension SettingForm<[String]> {
    /// A list; as text, its items separated by commas.
    static func list(of item: SettingForm<String>) -> SettingForm {
        SettingForm(
            schema: ["type": "array", "items": item.schema],
            read: { (value) throws(SettingFailure) in
                try Self.items(of: value).map { (index, value) throws(SettingFailure) in
                    try Self.inside(index) { () throws(SettingFailure) in try item.read(value) }
                }
            },
            parse: { (text) throws(SettingFailure) in
                try text.split(separator: ",").map { (part) throws(SettingFailure) in try item.parse(String(part)) }
            }, written: { .array($0.map(item.written)) })
    }
}

extension SettingForm<SubnetPools> {
    /// Docker's form: objects with `base` and `size`; as text, `BASE:SIZE` separated by commas.
    static var pools: SettingForm {
        SettingForm(
            schema: ["type": "array", "items": Self.poolSchema],
            read: { (value) throws(SettingFailure) in
                let pools = try Self.items(of: value).map { (index, value) throws(SettingFailure) in
                    try Self.inside(index) { () throws(SettingFailure) in try Self.pool(value) }
                }
                return SubnetPools(pools: pools)
            },
            parse: { (text) throws(SettingFailure) in
                let pools = try text.split(separator: ",").map { (part) throws(SettingFailure) in
                    // The last colon, because an IPv6 address contains colons too.
                    let colon = part.lastIndex(of: ":") ?? part.endIndex
                    return try Self.pool(String(part[..<colon]), Int(part[colon...].dropFirst()), "\"\(part)\"")
                }
                return SubnetPools(pools: pools)
            },
            written: { pools in
                .array(pools.pools.map { ["base": .string("\($0.base)"), "size": .integer(Int64($0.size))] })
            })
    }

    private static let poolSchema: JSONValue = [
        "type": "object",
        "properties": [
            "base": ["type": "string", "description": "The range to divide, such as 10.200.0.0/16."],
            "size": [
                "type": "integer", "minimum": 1, "maximum": 126, "description": "The prefix length of each subnet.",
            ],
        ],
        "required": ["base", "size"], "additionalProperties": false,
    ]

    private static func pool(_ value: JSONValue) throws(SettingFailure) -> SubnetPools.Pool {
        guard let object = value.object else {
            throw SettingFailure(expected: "an object with 'base' and 'size'", found: value.text())
        }
        if let key = object.keys.first(where: { $0 != "base" && $0 != "size" }) {
            throw SettingFailure(path: [.key(key)], expected: "only 'base' and 'size'", found: "'\(key)'")
        }
        return try pool(value["base"]?.string, value["size"]?.integer, value.text())
    }

    private static func pool(_ base: String?, _ size: Int?, _ text: String) throws(SettingFailure) -> SubnetPools.Pool {
        let expected =
            "a range such as 10.200.0.0/16 and the prefix length of its subnets, at least that of the range"
        guard let base = base.flatMap({ CIDR($0) })?.network, let size, size >= base.prefixLength,
            size <= base.family.width - 2
        else { throw SettingFailure(expected: expected, found: text) }
        return SubnetPools.Pool(base: base, size: size)
    }
}

extension SettingForm {
    private static func items(of value: JSONValue) throws(SettingFailure) -> [(index: Int, value: JSONValue)] {
        guard let values = value.array else { throw SettingFailure(expected: "a list", found: value.text()) }
        return values.enumerated().map { ($0, $1) }
    }

    /// Adds the index of the item to its failure.
    private static func inside<Item>(
        _ index: Int, _ body: () throws(SettingFailure) -> Item
    ) throws(SettingFailure) -> Item {
        do throws(SettingFailure) { return try body() } catch {
            throw SettingFailure(path: [.index(index)] + error.path, expected: error.expected, found: error.found)
        }
    }
}
