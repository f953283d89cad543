import Addresses
import YAML

/// What to write instead of a value of the wrong kind.
extension Validation {
    /// Always returns a hint, so that every error says what to do.
    func hint(_ node: Node, _ shape: Shape) -> String {
        if let example = rewritten(node, shape) { return example }
        let takesText = shape.scalars.contains(.string)
        if shape.meaning == .boolean, let number = node.number { return "write \(number == 0 ? "false" : "true")" }
        if takesText, !shape.allowed.isEmpty, node.mapping == nil, node.sequence == nil {
            if shape.items?.record === Format.deviceRequest, let count = node.integer {
                return "write [{count: \(count)}]"
            }
            return "write \(TextGrammar.alternatives(shape.allowed))"
        }
        switch node.value {
        case .integer(let number) where shape.meaning == .duration || shape.meaning == .probeDuration:
            return "write it with a unit: \(number)s"
        case .sequence(let items)
        where (shape.members != nil || shape.record != nil) && items.contains { $0.mapping != nil }:
            return "write its members without '- '"
        case .sequence(let items) where items.count == 1 && takesText:
            return Self.plainText(items[0]).map { "write `\($0)` alone, not as a list" } ?? "write one text, not a list"
        case .sequence(let items)
        where takesText || shape.scalars.contains(.integer) || shape.scalars.contains(.boolean):
            return items.isEmpty ? "give it a value or remove the key" : "write one value, not a list"
        case .sequence(let items) where shape.members != nil || shape.record != nil:
            let name = items.first.flatMap(Self.plainText)
            if let (key, value) = name?.cut(at: UInt8(ascii: "=")), let value {
                return "write `\(key): \(value)` without the '- '"
            }
            return name.map { "write `\($0): …` without the '- '" }
                ?? "write its members as `NAME: VALUE`, without '- '"
        case .timestamp(let text) where takesText: return "quote it: \"\(text)\""
        case .integer, .unsigned, .float, .bool, .timestamp:
            if takesText, let text = Self.plainText(node) { return "quote it: \"\(text)\"" }
            if shape.scalars.contains(.boolean) { return "write true or false" }
            if shape.items != nil { return "write it as an item of a list: - \(Self.plainText(node) ?? "…")" }
            return shape.scalars.contains(.integer) ? "write a whole number" : Self.membersHint(shape)
        case .string(let text) where shape.items != nil && text.hasPrefix("-"):
            return "write each item as `- …`, with a space after the '-'"
        case .string(let text) where shape.items != nil && text.utf8.count < 60:
            return text.isEmpty ? "give it a value or remove the key" : "write it as an item of a list: - \(text)"
        case .string(let text): return Self.hint(forText: text, of: shape) ?? Self.membersHint(shape)
        case .null: return "give it a value or remove the key"
        case .mapping where shape.items != nil: return "each item of a list starts with '- '"
        case .mapping(let members):
            let key = members.keys.first.map { ", not `\($0): …`" } ?? ""
            return takesText ? "write one text\(key)" : "write one value\(key)"
        default: return Self.membersHint(shape)
        }
    }

    /// What to write where a mapping is expected.
    private static func membersHint(_ shape: Shape) -> String {
        if let record = shape.record {
            let first =
                record.required.first ?? record.attributes.first { $0.example != nil } ?? record.attributes.first
            let attribute = record === Format.service ? Format.service["image"] : first
            return attribute.map { "write its members on lines of their own: `\(sample($0))`" } ?? "write a mapping"
        }
        if shape.items != nil { return "write each item as `- …`" }
        return shape.members != nil ? "write `NAME: VALUE` on lines of their own" : "write one value"
    }

    /// The value in the attribute's form, if the meaning is clear.
    private func rewritten(_ node: Node, _ shape: Shape) -> String? {
        let texts = node.sequence.map { items in items.compactMap(Self.plainText) } ?? []
        let isTexts = !texts.isEmpty && texts.count == node.sequence?.count
        let list = "[\(texts.prefix(4).joined(separator: ", "))\(texts.count > 4 ? ", …" : "")]"
        let one = Self.plainText(node)
        switch shape.record {
        case let record? where record === Format.networkAttachment:
            if isTexts { return "write {aliases: \(list)}" }
            if let one {
                return IPAddress.isIPv4(one[...]) ? "write {ipv4_address: \(one)}" : "write {aliases: [\(one)]}"
            }
        case let record? where record === Format.dependency:
            if let one { return condition(one) }
            if node.isNull { return "write `condition: service_started` below it, or a list of names: - NAME" }
        case let record? where record === Format.healthcheck:
            if isTexts { return "write {test: \(list)}" }
            if let one { return "write `test: \(one.prefix(60))` on a line of its own" }
        case let record? where record === Format.logging: if let one { return "write {driver: \(one)}" }
        case let record? where record === Format.deploy:
            if case .integer(let count) = node.value { return "write {replicas: \(count)}" }
        case let record? where record === Format.volume || record === Format.network:
            if let one, one.contains("/") {
                return "write a folder of the host only in the service: `volumes: [\"\(one):/data\"]`"
            }
            if one != nil {
                return "leave it empty, or write members: `driver: \(record === Format.volume ? "local" : "bridge")`"
            }
        case let record? where record === Format.secret || record === Format.config:
            if let one { return "write {file: \(one)}" }
            if node.isNull { return "write `file: ./NAME.txt` below it, or `external: true`" }
        case let record? where record === Format.service:
            if node.isNull { return "write what it runs below it: `image: NAME`" }
            if let one, isImage(one) { return "write {image: \(one)}" }
        default: break
        }
        if case .restartPolicy = shape.meaning, let flag = node.bool { return flag ? "write always" : "write \"no\"" }
        if shape.members?.record === Format.service, node.isNull {
            return "write the name of a service on the next line, indented: `web:`"
        }
        if let pairs = node.mapping?.entries, let pair = pairs.first, let items = shape.items?.record {
            if items === Format.fileReference {
                return "write `- \(pair.key)`; define it at the top of the file"
            }
            if items === Format.serviceVolume, let path = Self.plainText(pair.value) {
                return "write each as an item of a list: - \"\(pair.key):\(path)\""
            }
        }
        if isNamed(shape), let text = texts.first ?? node.string,
            let (name, target) = Optional(text.cut(at: UInt8(ascii: ":"))), let target, TextPattern.name.matches(name)
        {
            return "write `\(name):` alone; mount it on \(target) in the service"
        }
        if case .ports = shape.short, let pairs = node.mapping?.entries, let pair = pairs.first,
            let text = Self.plainText(pair.value)
        {
            return "write each as an item of a list: - \"\(pair.key):\(text)\""
        }
        if isNamed(shape), isTexts, let name = texts.first, TextPattern.name.matches(name) {
            return "write each name with a colon and without '- ': `\(name):`"
        }
        if isNamed(shape), let name = node.string, TextPattern.name.matches(name) {
            return "write the name on a line of its own, with a colon: `\(name):`"
        }
        return nil
    }

    /// A single word that may be an image reference and is not an attribute of a service.
    private func isImage(_ text: String) -> Bool {
        let key = String(text.prefix { $0 != ":" })
        return !text.isEmpty && Format.service[key] == nil && TextGrammar.imageReference.fault(text) == nil
    }

    /// Top-level volumes, networks and the like: names whose members are optional.
    private func isNamed(_ shape: Shape) -> Bool {
        guard let record = shape.members?.record else { return false }
        return record === Format.volume || record === Format.network
    }

    private func condition(_ text: String) -> String {
        let words = ["service_started", "service_healthy", "service_completed_successfully"]
        let meant = words.first { $0 == text || $0.hasSuffix("_\(text)") } ?? nearest(to: text, among: words)
        return "write {condition: \(meant ?? "service_started")}"
    }

    /// For a text in place of a mapping: the colon or the space after it may be missing: `image postgres`.
    static func hint(forText text: String, of shape: Shape) -> String? {
        let key = String(text.prefix { $0 != " " && $0 != ":" && $0 != "=" })
        let rest = text.dropFirst(key.count + 1).drop { $0 == " " }
        guard let record = shape.record, record[key] != nil, text.utf8.count < 200 else { return nil }
        return rest.isEmpty
            ? "write `\(key): …` on a line of its own"
            : "write `\(key): \(rest)`, with a colon and a space, on a line of its own"
    }

    /// What to write instead of a mapping in a list of plain values.
    static func hint(forItem pairs: Mapping, of shape: Shape) -> String? {
        if let pair = pairs.entries.first, pair.value.isNull, pairs.count > 1, shape.members?.record != nil {
            let rest = pairs.keys.dropFirst().map { "`\($0)`" }.joined(separator: " and ")
            return "write `\(pair.key):` without the '- ', and indent \(rest) below it"
        }
        guard let pair = pairs.entries.first, pairs.count == 1 else {
            return shape.members == nil && shape.record == nil
                ? "write one text for an item, in quotes if it has ': ' in it" : "write it without the '- '"
        }
        if pair.value.isNull { return "write `- \(pair.key)`, without the colon" }
        guard let text = plainText(pair.value), text.utf8.count < 60 else {
            return shape.members == nil && shape.record == nil
                ? "write one text for an item, in quotes if it has ': ' in it" : "write `\(pair.key):` without the '- '"
        }
        if text.isEmpty { return "write `- \(pair.key)=…`, or `\(pair.key): …` without the '- '" }
        if let members = shape.members, members.scalars.contains(.string) {
            return "write `- \(pair.key)=\(text)`, or `\(pair.key): \(text)` without the '- '"
        }
        return "quote it: - \"\(pair.key): \(text)\""
    }
}
