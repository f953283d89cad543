import YAML

/// Phase 4: checks a document, as written, against the format: names, kinds, enumerations.
struct Validation {
    let report: Report
    /// Accepts an attribute without a value, because an earlier file's value may apply; `checkRequired` follows later.
    var toleratesNull = false

    func check(_ node: Node, _ shape: Shape) {
        if case .reset = node.tag { return }
        switch node.value {
        case .mapping(let mapping):
            if let record = shape.record {
                if record === Format.file, isManifest(mapping) { return manifest(mapping) }
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

    /// It looks like a Kubernetes manifest.
    private func isManifest(_ mapping: Mapping) -> Bool {
        mapping.index(of: "apiVersion") != nil && mapping.index(of: "kind") != nil
    }

    private func manifest(_ mapping: Mapping) {
        report.markIncomplete()
        guard let entry = mapping.entry("apiVersion"), !report.isWrong("apiVersion") else { return }
        let kind = mapping.string(at: "kind") ?? ""
        report.inside("apiVersion") {
            report.error(
                entry.keySpan, "this is a manifest of Kubernetes (\(kind)), not a Compose file",
                hint: "give it to kubectl, or write its containers under 'services:'")
        }
    }

    /// A mapping with members, but none that the record has.
    private func isForeign(_ node: Node, to record: Record) -> Bool {
        guard let entries = node.mapping?.entries, !entries.isEmpty else { return false }
        return entries.allSatisfy { record[$0.key] == nil && !$0.key.hasPrefix("x-") }
    }

    /// An item of another kind, most likely a short form: `- data:/data:`.
    private func foreign(_ item: Node, _ record: Record) {
        let entries = item.mapping?.entries ?? []
        if let entry = entries.first, entries.count == 1, entry.value.isNull {
            report.error(
                entry.keySpan, "expected \(record.title), found a mapping with the key '\(entry.key)'",
                hint: "write `- \(entry.key)`, without the colon at its end")
        } else if let entry = entries.first, entries.count == 1, let text = Self.plainText(entry.value),
            entry.key.contains(where: { !$0.isLetter && $0 != "_" }) || text.hasPrefix("/")
        {
            report.error(
                entry.keySpan, "expected \(record.title), found a mapping with the key '\(entry.key)'",
                hint: "write `- \"\(entry.key):\(text)\"`, without the space after the colon")
        } else {
            for entry in entries { report.inside(entry.key) { unknown(entry, in: record) } }
        }
        report.silence(item.span)
    }

    /// Checks what only the merged model shows: missing required attributes, and values that no file gave.
    func checkRequired(_ node: Node, _ shape: Shape) {
        switch node.value {
        case .mapping(let mapping):
            if let record = shape.record {
                for attribute in record.required
                where mapping.index(of: attribute.name) == nil && !report.isWrong(attribute.name) {
                    report.error(
                        node.span, "\(record.title) needs '\(attribute.name)'", hint: "add `\(Self.sample(attribute))`")
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

    /// An example line for the attribute.
    static func sample(_ attribute: Attribute) -> String {
        let value = attribute.example ?? attribute.shape.allowed.first ?? attribute.defaultValue
        if let value, !value.contains(" ") || attribute.example != nil { return "\(attribute.name): \(value)" }
        return "\(attribute.name): …"
    }

    /// It, or something in it, may be wrong.
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
                if let names, !names.matches(key) { misnamed(entries[index], names, members) }
                // Its members are in the place of the next service; that is reported there.
                if members.record === Format.service, entries[index].value.isNull, entries.indices.contains(index + 1),
                    isAttributeOfService(entries[index + 1]), Format.service[key] == nil
                {
                    return report.silence(entries[index].value.span)
                }
                if entries[index].value.isNull, entries.indices.contains(index + 1),
                    isOutdented(entries[index + 1], after: entries[index], members)
                {
                    return
                }
                if index > 0, isOutdented(entries[index], after: entries[index - 1], members) {
                    return outdented(entries[index], after: entries[index - 1], members)
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

    /// A name that is not allowed. If it only refers to an element with that name, the element's name is reported.
    private func misnamed(_ entry: Mapping.Entry, _ names: TextPattern, _ members: Shape) {
        let error = {
            report.error(
                entry.keySpan, "'\(entry.key)' is not allowed as a name: expected \(names.description)",
                hint: names.advice(entry.key))
        }
        switch members.record {
        case let record? where record === Format.dependency: report.following(from: "services", entry.key, error)
        case let record? where record === Format.networkAttachment: report.following(from: "networks", entry.key, error)
        default: error()
        }
    }

    /// An attribute at the level of the name that it belongs to, like `condition` at the level of `db:`.
    private func isOutdented(_ entry: Mapping.Entry, after other: Mapping.Entry, _ members: Shape) -> Bool {
        guard let record = members.record, record !== Format.service, record[entry.key] != nil else { return false }
        return other.value.isNull && !(entry.value.mapping.map { isForeign(Node(.mapping($0)), to: record) } ?? false)
            && entry.value.mapping?.keys.contains { record[$0] != nil } != true
    }

    private func outdented(_ entry: Mapping.Entry, after other: Mapping.Entry, _ members: Shape) {
        report.error(
            entry.keySpan, "'\(entry.key)' stands where a name is expected",
            hint: "indent it further if it belongs to '\(other.key)'")
        for span in [entry.value.span, entry.keySpan, other.value.span] { report.silence(span) }
        if members.record === Format.dependency { report.excuse(entry.key, of: "services") }
        if members.record === Format.networkAttachment { report.excuse(entry.key, of: "networks") }
    }

    /// A service among networks or volumes, for example because the line `services:` is missing.
    private func isServiceElsewhere(_ entry: Mapping.Entry, _ members: Shape) -> Bool {
        guard let record = members.record, record !== Format.service else { return false }
        return ["image", "build"].contains { record[$0] == nil && entry.value[$0] != nil }
    }

    private func serviceElsewhere(_ entry: Mapping.Entry) {
        report.silence(entry.value.span)
        // Report only the first of several.
        if report.isWrong(element: "services") { return }
        report.error(
            entry.keySpan, "'\(entry.key)' looks like a service, but is not under 'services'",
            hint: "write it under 'services:'; is that line missing above it?")
        report.excuse(element: "services")
    }

    /// The name of an attribute, whose value does not look like a service.
    private func isAttributeOfService(_ entry: Mapping.Entry) -> Bool {
        guard let attribute = Format.service[entry.key] else { return false }
        guard let members = entry.value.mapping else { return true }
        return isForeign(entry.value, to: Format.service) && isValue(members, of: attribute.shape)
    }

    /// Members that belong to the attribute, and are not misspelt members of a service with that name.
    private func isValue(_ members: Mapping, of shape: Shape) -> Bool {
        let names = shape.record?.attributes.map(\.name) ?? []
        if members.keys.contains(where: names.contains) { return true }
        let isMisspelt = members.keys.contains { key in
            nearest(to: key, among: ["image", "build", "ports", "volumes", "command", "environment"]) != nil
        }
        return !isMisspelt
            && (shape.members != nil || names.isEmpty || members.isEmpty
                || members.keys.contains { nearest(to: $0, among: names) != nil })
    }

    /// `restart: always` with the indentation of a service.
    private func attributeAmongServices(_ entry: Mapping.Entry, after service: String?) {
        report.error(
            entry.keySpan, "'\(entry.key)' stands where the name of a service is expected",
            hint: service.map { "indent it further if it belongs to the service '\($0)'" }
                ?? "it is an attribute of a service: write the service's name above it")
    }

    /// Text where every text is valid, as for most values; no path is needed.
    @inline(__always)
    private func isText(_ node: Node, _ shape: Shape) -> Bool {
        guard case .string = node.value else { return false }
        return shape.takesAnyText
    }

    /// The attribute before unknown keys that could contain the key at `index`: these keys are not indented far enough.
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
            entry.keySpan, "'\(entry.key)' is not an attribute of \(record.title)",
            hint: "it belongs to '\(owner.key)' above: indent it further")
    }

    private func unknown(_ entry: Mapping.Entry, in record: Record) {
        // Without a hint, because the report is full and would drop it.
        if report.isFull { return report.error(entry.keySpan, "'\(entry.key)' is not an attribute of \(record.title)") }
        let names = record.attributes.map(\.name)
        var hint: String?
        if let element = report.elementOfAttribute, isLikeMember(entry.value, of: element),
            nearest(to: entry.key, among: names) == nil
        {
            let kind = element == "services" ? "a service" : record.title
            hint = "if '\(entry.key)' is \(kind), indent it like the other \(element)"
            report.excuse(entry.key, of: element)
        } else if record === Format.file, ["image", "build"].contains(where: { entry.value[$0] != nil }) {
            // Report only the first of several.
            if report.isWrong(element: "services") { return }
            hint = "if '\(entry.key)' is a service, it belongs under 'services:', indented further"
            report.excuse("services")
        } else if let advice = Habits.advice(entry.key, in: record) {
            hint = advice.hint
            if let meant = advice.attribute { report.excuse(meant) }
        } else if let home = Format.home(of: entry.key, except: record) {
            hint = home
        } else if let meant = nearest(to: entry.key, among: names) {
            hint = "did you mean '\(meant)'?"
            report.excuse(meant)
        } else if names.count <= 12 {
            hint = "\(record.title) has \(names.sorted().joined(separator: ", "))"
        } else {
            hint =
                record.allowsExtensions
                ? "remove it, or call it 'x-\(entry.key)' if it is for something else" : "remove it"
        }
        for name in Self.needed(in: record) { report.excuse(name) }
        report.error(entry.keySpan, "'\(entry.key)' is not an attribute of \(record.title)", hint: hint)
    }

    /// The required members; an unknown name may stand for one of them.
    private static func needed(in record: Record) -> [String] {
        let names = record.required.map(\.name)
        switch record {
        case _ where record === Format.port || record === Format.serviceVolume: return names + ["target"]
        case _ where record === Format.fileReference: return names + ["source"]
        case _ where record === Format.service: return ["image"]
        case _ where record === Format.secret || record === Format.config: return names + ["file"]
        default: return names
        }
    }

    /// An empty name, whose own attributes may have the same indentation, or one with the members of a service.
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
            report.error(
                node.span, "expected \(Self.alternatives(shape.allowed.map { "'\($0)'" })), found '\(text)'",
                hint: likely.map { "did you mean '\($0)'?" }
                    ?? "write \(TextGrammar.alternatives(shape.allowed))\(text.isEmpty ? ", or remove the key" : "")")
        }
        if let pattern = shape.pattern, !pattern.matches(text) {
            report.error(
                node.span, "expected \(pattern.description), found '\(text)'",
                hint: text.isEmpty ? "give it a value or remove the key" : pattern.advice(text))
        }
    }

    private func mismatch(_ node: Node, _ shape: Shape) {
        // If reading stopped early, the missing value may be in the rest.
        if node.isNull, report.isIncomplete { return }
        report.error(
            node.span, "expected \(Self.expectation(shape)), found \(Self.found(node))", hint: hint(node, shape))
        report.silence(node.span)
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
    /// Where an attribute belongs that is in the wrong place.
    static func home(of name: String, except record: Record) -> String? {
        let homes: [(record: Record, place: String)] = [
            (file, "it belongs at the beginning of a line, beside 'services:'"),
            (service, "it belongs to a service, beside 'image:'"), (build, "it belongs under 'build:'"),
            (deploy, "it belongs under 'deploy:'"), (healthcheck, "it belongs under 'healthcheck:'"),
            (logging, "it belongs under 'logging:'"), (ipam, "it belongs under 'ipam:'"),
            (dependency, "it belongs under 'depends_on:' and the name of a service"),
            (networkAttachment, "it belongs under 'networks:' and the name of a network"),
        ]
        return homes.first { $0.record !== record && $0.record[name] != nil }?.place
    }
}
