import YAML

/// Phase 4: holds a document, as it is written, against the format: names, kinds, enumerations.
struct Validation {
    let report: Report
    /// An attribute without a value is let through: an earlier file's value may stand; `checkRequired` comes later.
    var toleratesNull = false

    func check(_ node: Node, _ shape: Shape) {
        if case .reset = node.tag { return }
        switch node.value {
        case .mapping(let mapping):
            if let record = shape.record {
                members(of: mapping, record)
            } else if let members = shape.members {
                named(mapping, members, shape.names)
            } else {
                mismatch(node, shape)
            }
        case .sequence(let nodes):
            guard let items = shape.items else { return mismatch(node, shape) }
            for (index, item) in nodes.enumerated() {
                report.inside(index) {
                    if case .mapping(let pairs) = item.value, items.record == nil, items.members == nil {
                        return report.error(
                            item.span, "expected \(Self.expectation(items)), found a mapping",
                            hint: Self.hint(forItem: pairs, of: shape))
                    }
                    if let record = items.record, isForeign(item, to: record) { return foreign(item, record) }
                    check(item, items)
                }
            }
        case .null where toleratesNull: return
        default:
            if allows(node, shape) { text(node, shape) } else { mismatch(node, shape) }
        }
    }

    /// A mapping with members, none of which the record has.
    private func isForeign(_ node: Node, to record: Record) -> Bool {
        guard let entries = node.mapping?.entries, !entries.isEmpty else { return false }
        return entries.allSatisfy { record[$0.key] == nil && !$0.key.hasPrefix("x-") }
    }

    /// An item that is something else altogether, most likely a short form: `- data:/data:`.
    private func foreign(_ item: Node, _ record: Record) {
        let entries = item.mapping?.entries ?? []
        if let entry = entries.first, entries.count == 1, entry.value.isNull {
            report.error(
                entry.keySpan, "expected \(record.title), found a mapping with the key '\(entry.key)'",
                hint: "write `- \(entry.key)`, without the colon at its end")
        } else if let entry = entries.first, entries.count == 1, let text = Self.plainText(entry.value),
            entry.key.contains(where: { !$0.isLetter && $0 != "_" })
        {
            report.error(
                entry.keySpan, "expected \(record.title), found a mapping with the key '\(entry.key)'",
                hint: "write `- \"\(entry.key):\(text)\"`, without the blank after the colon")
        } else {
            for entry in entries { report.inside(entry.key) { unknown(entry, in: record) } }
        }
        report.silence(item.span)
    }

    /// What only the merged model can show: required attributes that are missing, values that no file gave.
    func checkRequired(_ node: Node, _ shape: Shape) {
        switch node.value {
        case .mapping(let mapping):
            if let record = shape.record {
                for attribute in record.required
                where mapping.index(of: attribute.name) == nil && !report.isWrong(attribute.name) {
                    report.error(node.span, "\(record.title) needs '\(attribute.name)'")
                }
            }
            let entries = mapping.entries
            for index in entries.indices where hasParts(entries[index].value) {
                let key = entries[index].key
                guard let inner = shape.record.map({ $0[key]?.shape }) ?? shape.members else { continue }
                report.inside(key) { checkRequired(entries[index].value, inner) }
            }
        case .sequence(let nodes):
            guard let items = shape.items else { return }
            for index in nodes.indices where hasParts(nodes[index]) {
                report.inside(index) { checkRequired(nodes[index], items) }
            }
        case .null where !allows(node, shape): mismatch(node, shape)
        default: return
        }
    }

    /// There may be something to say about it or about what is in it.
    @inline(__always)
    private func hasParts(_ node: Node) -> Bool {
        switch node.value {
        case .mapping, .sequence, .null: true
        default: false
        }
    }

    private func members(of mapping: Mapping, _ record: Record) {
        let entries = mapping.entries
        for index in entries.indices {
            let key = entries[index].key
            let attribute = record[key]
            if let attribute, attribute.deprecated == nil, isText(entries[index].value, attribute.shape) { continue }
            report.inside(key) {
                if let attribute {
                    if entries[index].value.isNull, owner(at: index + 1, of: entries, record) == index { return }
                    check(entries[index].value, attribute.shape)
                    if let reason = attribute.deprecated, entries[index].value.tag != .reset {
                        report.warning(entries[index].keySpan, "'\(key)' is deprecated: \(reason)")
                    }
                } else if !(record.allowsExtensions && key.hasPrefix("x-")) {
                    if let owner = owner(at: index, of: entries, record) {
                        outdented(entries[index], of: entries[owner], isFirst: owner == index - 1, record)
                    } else {
                        unknown(entries[index], in: record)
                    }
                }
            }
        }
    }

    private func named(_ mapping: Mapping, _ members: Shape, _ names: TextPattern?) {
        let entries = mapping.entries
        for index in entries.indices {
            let key = entries[index].key
            report.inside(key) {
                if let names, !names.matches(key) {
                    report.error(
                        entries[index].keySpan, "'\(key)' is not allowed as a name: expected \(names.description)")
                }
                // What belongs to it stands where the next service is expected, and is told there.
                if members.record === Format.service, entries[index].value.isNull, entries.indices.contains(index + 1),
                    isAttributeOfService(entries[index + 1]), Format.service[key] == nil
                {
                    return report.silence(entries[index].value.span)
                }
                if isServiceElsewhere(entries[index], members) { return serviceElsewhere(entries[index]) }
                if members.record === Format.service, isAttributeOfService(entries[index]) {
                    if index > 0, isAttributeOfService(entries[index - 1]) { return }
                    return attributeAmongServices(entries[index], after: index > 0 ? entries[index - 1].key : nil)
                }
                if !isText(entries[index].value, members) { check(entries[index].value, members) }
            }
        }
    }

    /// What a service has, among networks or volumes, as where the line `services:` is missing.
    private func isServiceElsewhere(_ entry: Mapping.Entry, _ members: Shape) -> Bool {
        guard let record = members.record, record !== Format.service else { return false }
        return ["image", "build"].contains { record[$0] == nil && entry.value[$0] != nil }
    }

    private func serviceElsewhere(_ entry: Mapping.Entry) {
        report.silence(entry.value.span)
        // One of several that stand so is enough.
        if report.isWrong(element: "services") { return }
        report.error(
            entry.keySpan, "'\(entry.key)' has what a service has, and is none here",
            hint: "write it under 'services:'; is that line missing above it?")
        report.excuse(element: "services")
    }

    /// The name of an attribute, with nothing that a service has.
    private func isAttributeOfService(_ entry: Mapping.Entry) -> Bool {
        Format.service[entry.key] != nil
            && (entry.value.mapping == nil || isForeign(entry.value, to: Format.service))
    }

    /// `restart: always` indented like a service.
    private func attributeAmongServices(_ entry: Mapping.Entry, after service: String?) {
        report.error(
            entry.keySpan, "'\(entry.key)' stands where the name of a service is expected",
            hint: service.map { "indent it further if it belongs to the service '\($0)'" }
                ?? "it is an attribute of a service: write the service's name above it")
    }

    /// Text where any text is right, as most values are: nothing is to be said, and so no path is needed.
    @inline(__always)
    private func isText(_ node: Node, _ shape: Shape) -> Bool {
        guard case .string = node.value else { return false }
        return shape.takesAnyText
    }

    /// The attribute before unknown keys that has a place for the one at `index`: those are not indented as far as meant.
    private func owner(at index: Int, of entries: [Mapping.Entry], _ record: Record) -> Int? {
        guard entries.indices.contains(index), record[entries[index].key] == nil,
            let before = entries[..<index].lastIndex(where: { record[$0.key] != nil }),
            let shape = record[entries[before].key]?.shape
        else { return nil }
        let (key, value) = (entries[index].key, entries[before].value)
        if let inner = shape.record {
            guard inner[key] != nil, value.isNull || value.mapping != nil, value[key] == nil else { return nil }
            return before
        }
        return shape.members != nil && value.isNull ? before : nil
    }

    private func outdented(_ entry: Mapping.Entry, of owner: Mapping.Entry, isFirst: Bool, _ record: Record) {
        report.silence(owner.value.span)
        report.excuse(owner.key)
        guard isFirst else { return report.excuse(entry.key) }
        report.error(
            entry.keySpan, "'\(entry.key)' is no attribute of \(record.title)",
            hint: "it belongs to '\(owner.key)' above: indent it further")
    }

    private func unknown(_ entry: Mapping.Entry, in record: Record) {
        // Without a hint: it would not be kept.
        if report.isFull { return report.error(entry.keySpan, "'\(entry.key)' is no attribute of \(record.title)") }
        let names = record.attributes.map(\.name)
        var hint: String?
        if let element = report.elementOfAttribute, isLikeMember(entry.value, of: element),
            nearest(to: entry.key, among: names) == nil
        {
            let kind = element == "services" ? "a service" : record.title
            hint = "if '\(entry.key)' is \(kind), indent it like the other \(element)"
            report.excuse(entry.key, of: element)
        } else if record === Format.file, ["image", "build"].contains(where: { entry.value[$0] != nil }) {
            // One of several that stand so is enough.
            if report.isWrong(element: "services") { return }
            hint = "if '\(entry.key)' is a service, it belongs under 'services:', indented further"
            report.excuse("services")
        } else if let home = Format.home(of: entry.key, except: record) {
            hint = "'\(entry.key)' is an attribute of \(home)"
        } else if let meant = nearest(to: entry.key, among: names) {
            hint = "did you mean '\(meant)'?"
            report.excuse(meant)
        } else if names.count <= 12 {
            hint = "\(record.title) has \(names.sorted().joined(separator: ", "))"
        }
        report.error(entry.keySpan, "'\(entry.key)' is no attribute of \(record.title)", hint: hint)
    }

    /// A name without anything, as where its own attributes are indented like it, or what a service has.
    private func isLikeMember(_ node: Node, of element: String) -> Bool {
        if element != "services" { return node.isNull || node.mapping != nil }
        return node.isNull || node["image"] != nil || node["build"] != nil
    }

    private func allows(_ node: Node, _ shape: Shape) -> Bool {
        switch node.value {
        case .null: shape.scalars.contains(.null)
        case .bool: shape.scalars.contains(.boolean)
        case .integer, .unsigned: shape.scalars.contains(.integer)
        case .float(let number):
            shape.scalars.contains(.number) || shape.scalars.contains(.integer) && number == number.rounded()
        case .string: shape.scalars.contains(.string)
        default: false
        }
    }

    private func text(_ node: Node, _ shape: Shape) {
        guard let text = node.string else { return }
        if !shape.allowed.isEmpty, !shape.allowed.contains(text) {
            let likely = nearest(to: text, among: shape.allowed) ?? shape.allowed.first { $0.hasSuffix("_\(text)") }
            let meant = likely.map { "did you mean '\($0)'?" }
            report.error(
                node.span, "expected \(Self.alternatives(shape.allowed.map { "'\($0)'" })), found '\(text)'",
                hint: meant)
        }
        if let pattern = shape.pattern, !pattern.matches(text) {
            report.error(node.span, "expected \(pattern.description), found '\(text)'")
        }
    }

    private func mismatch(_ node: Node, _ shape: Shape) {
        report.error(
            node.span, "expected \(Self.expectation(shape)), found \(Self.found(node))", hint: hint(node, shape))
    }

    static func plainText(_ node: Node) -> String? {
        switch node.value {
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .unsigned(let value): "\(value)"
        case .float(let value): ShortestNumber.text(value)
        case .string(let text), .timestamp(let text): text
        default: nil
        }
    }

    private static func found(_ node: Node) -> String {
        switch node.value {
        case .null: return "nothing"
        case .sequence, .mapping: return node.kind
        default: return "\(node.kind): \(plainText(node)?.prefix(60) ?? "")"
        }
    }

    /// "a string, a list or nothing".
    static func expectation(_ shape: Shape) -> String {
        var kinds: [String] = []
        if !shape.allowed.isEmpty {
            kinds += shape.allowed.map { "'\($0)'" }
        } else if shape.scalars.contains(.string) {
            kinds.append("a string")
        }
        if shape.scalars.contains(.boolean) { kinds.append("a boolean") }
        if shape.scalars.contains(.number) {
            kinds.append("a number")
        } else if shape.scalars.contains(.integer) {
            kinds.append("an integer")
        }
        if shape.items != nil { kinds.append("a list") }
        if shape.members != nil || shape.record != nil { kinds.append("a mapping") }
        if shape.scalars.contains(.null) { kinds.append("nothing") }
        return alternatives(kinds)
    }

    private static func alternatives(_ words: [String]) -> String {
        words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
    }
}

extension Format {
    /// Where an attribute that stands in the wrong place belongs, in words.
    static func home(of name: String, except record: Record) -> String? {
        let homes: [Record] = [file, service, build, deploy, healthcheck]
        return homes.first { $0 !== record && $0[name] != nil }?.title
    }
}
