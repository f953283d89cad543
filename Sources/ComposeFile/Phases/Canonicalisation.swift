import YAML

/// Phase 5: converts every value of a document to its canonical form: long forms, and scalars of one type.
struct Canonicalisation {
    let report: Report
    /// For raw output: leaves invalid values as they are without an error, and does not convert scalars.
    var lenient = false

    func apply(to node: inout Node, _ shape: Shape) {
        if case .reset = node.tag { return }
        expand(&node, shape)
        // Not a `switch`, which would hold a reference to the value, and then changing the value would copy it.
        if !node.isCollection {
            Scalars(report: report, lenient: lenient).convert(&node, shape)
        } else if !node.isMapping {
            if let items = shape.items, !areDone(node, items) { self.items(&node, items) }
        } else if let record = shape.record {
            members(&node, record)
        } else if let members = shape.members {
            if !lenient, let grammar = shape.nameGrammar { judgeNames(node.mapping, grammar) }
            if !areDone(node, members) { values(&node, members) }
        }
    }

    private func judgeNames(_ mapping: Mapping?, _ grammar: TextGrammar) {
        for entry in mapping?.entries ?? [] where entry.value.tag != .reset {
            guard let fault = grammar.fault(entry.key) else { continue }
            report.inside(entry.key) { report.add(fault, at: entry.keySpan) }
        }
    }

    /// Most scalars need no change. Trees that aliases share stay shared this way.
    @inline(__always)
    private func isDone(_ node: Node, _ shape: Shape) -> Bool {
        guard case .none = shape.short else { return false }
        switch node.value {
        case .mapping, .sequence: return false
        case .null: return true
        case .string:
            switch shape.meaning {
            case .text where shape.grammar != nil: return lenient || isRight(node, shape)
            case .text, .booleanOrText, .anything: return true
            case .pullPolicy: return false
            default: return lenient
            }
        default: return lenient && shape.range == nil && shape.meaning != .booleanOrText
        }
    }

    /// The grammar accepts the text.
    private func isRight(_ node: Node, _ shape: Shape) -> Bool {
        guard let text = node.string, let grammar = shape.grammar else { return true }
        return grammar.fault(text) == nil
    }

    private func areDone(_ collection: Node, _ shape: Shape) -> Bool {
        switch collection.value {
        case .mapping(let mapping):
            for index in mapping.entries.indices where !isDone(mapping.entries[index].value, shape) { return false }
            return true
        case .sequence(let nodes):
            for index in nodes.indices where nodes[index].isTagged || !isDone(nodes[index], shape) { return false }
            return true
        default: return false
        }
    }

    private func items(_ node: inout Node, _ shape: Shape) {
        let span = node.span
        node.updateSequence { nodes in
            if nodes.contains(where: \.isTagged) { nodes.removeAll { $0.tag == .reset } }
            if nodes.count == 1, nodes[0].span == span, !nodes[0].isCollection {
                // A single value: the file has no list.
                if !isDone(nodes[0], shape) { apply(to: &nodes[0], shape) }
                return
            }
            for index in nodes.indices where !isDone(nodes[index], shape) {
                report.inside(index) { apply(to: &nodes[index], shape) }
            }
        }
    }

    private func values(_ node: inout Node, _ shape: Shape) {
        node.updateMapping { mapping in
            for index in mapping.entries.indices where !isDone(mapping.entries[index].value, shape) {
                report.inside(mapping.entries[index].key) { mapping.update(at: index) { apply(to: &$0, shape) } }
            }
        }
    }

    private func members(_ node: inout Node, _ record: Record) {
        var externalName: Node?
        node.updateMapping { mapping in
            for index in mapping.entries.indices {
                guard let attribute = record[mapping.entries[index].key] else { continue }
                let shape = attribute.shape
                if case .external = shape.short { externalName = mapping.entries[index].value["name"] }
                if isDone(mapping.entries[index].value, shape) { continue }
                report.inside(attribute.name) {
                    mapping.update(at: index) { value in
                        apply(to: &value, shape)
                        unify(&value, attribute)
                    }
                }
            }
            guard let externalName else { return }
            if let name = mapping["name"], name != externalName {
                report.error(externalName.span, "'name' and 'external.name' differ", hint: "use only 'name'")
            }
            mapping["name"] = externalName
        }
    }

    private func unify(_ value: inout Node, _ attribute: Attribute) {
        guard case .sequence = value.value else { return }
        if attribute.refusesRepeats { checkDistinct(value.sequence ?? []) }
        if lenient, attribute.merge == .members {
            // Lists of `K=V` that stay as written still need unique keys.
            value.updateSequence { Merging().unify(&$0, .uniqueText) }
        } else if Merging.unifies(attribute.merge) {
            value.updateSequence { Merging().unify(&$0, attribute.merge) }
        }
    }

    /// With fewer items, comparing each is quicker than a table.
    private static let fewItems = 12

    private static func areDistinct(_ nodes: [Node]) -> Bool {
        if nodes.count > fewItems { return Set(nodes).count == nodes.count }
        return nodes.indices.allSatisfy { index in !nodes[..<index].contains(nodes[index]) }
    }

    private func checkDistinct(_ nodes: [Node]) {
        if Self.areDistinct(nodes) { return }
        var seen: [Node: Span] = [:]
        for (index, node) in nodes.enumerated() {
            if let first = seen[node] {
                report.inside(index) {
                    report.error(
                        node.span, "\(Validation.plainText(node).map { "'\($0)'" } ?? "an item") is given twice",
                        hint: "remove one of the two", notes: [report.note("the first one", first)])
                }
            }
            seen[node] = seen[node] ?? node.span
        }
    }

    // MARK: Short forms

    /// The short forms that raw output keeps.
    private static func staysRaw(_ short: Shape.Short) -> Bool {
        switch short {
        case .keyValues(missing: .refused): false
        case .listOfOne(keptRaw: let isKept): isKept
        case .keyValues, .healthTest, .extraHosts, .commandLine: true
        default: false
        }
    }

    private func expand(_ node: inout Node, _ shape: Shape) {
        if lenient, Self.staysRaw(shape.short) { return }
        switch shape.short {
        case .none, .optionList: return
        case .listOfOne, .envFiles: if node.string != nil { wrap(&node) }
        case .keyValues(let missing): keyValues(&node, missing)
        case .names: names(&node) { Node(.null, at: $0) }
        case .dependsOn:
            names(&node) { span in
                .members(
                    [("condition", .text("service_started", at: span)), ("required", Node(.bool(true), at: span))],
                    at: span)
            }
        case .build: if let text = node.string { member(&node, "context", text) }
        case .fileReference: if let text = node.string { member(&node, "source", text) }
        case .extends: if let text = node.string { member(&node, "service", text) }
        case .include: if let text = node.string { member(&node, "path", text) }
        case .healthTest: healthTest(&node)
        case .gpus: gpus(&node)
        case .external: if node.mapping != nil { node.value = .bool(true) }
        case .commandLine: command(&node)
        default: ShortForms(report: report, lenient: lenient).expand(&node, shape.short)
        }
        if case .envFiles = shape.short {
            node.updateSequence { nodes in
                for index in nodes.indices {
                    let span = nodes[index].span
                    if let text = nodes[index].string { member(&nodes[index], "path", text) }
                    if nodes[index].tag == .reset { continue }
                    nodes[index].updateMapping { $0.fill("required", Node(.bool(true), at: span)) }
                }
            }
        }
    }

    private func wrap(_ node: inout Node) {
        let item = Node(node.value, at: node.span)
        node.value = .sequence([item])
    }

    private func member(_ node: inout Node, _ key: String, _ text: String) {
        node.value = Node.members([(key, .text(text, at: node.span))], at: node.span).value
    }

    private func keyValues(_ node: inout Node, _ missing: Shape.Missing) {
        func absent(_ span: Span) -> Node {
            switch missing {
            case .null, .refused: Node(.null, at: span)
            case .empty: .text("", at: span)
            }
        }
        if let items = node.sequence {
            if missing == .refused, refusesBareKeys(items) { return }
            var mapping = Mapping()
            for (index, item) in items.enumerated() where item.tag != .reset {
                guard let text = item.string else { continue }
                let (key, given) = text.cut(at: UInt8(ascii: "="))
                if case .null = missing, !lenient {
                    report.inside(index) { judgeName(key, text, item.span) }
                }
                if given != nil, key.utf8.last == UInt8(ascii: " ") {
                    report.inside(index) {
                        report.error(
                            item.span, "the name '\(key)' ends with a space", hint: "remove the space before '='")
                    }
                }
                let value = given.map { Node.text($0, at: item.span) } ?? absent(item.span)
                mapping.put(Mapping.Entry(key: key, keySpan: item.span, value: value))
            }
            node.value = .mapping(mapping)
        } else if case .empty = missing {
            node.updateMapping { mapping in
                for index in mapping.entries.indices where mapping.entries[index].value.isNull {
                    mapping.update(at: index) { if $0.tag == .none { $0.value = .string("") } }
                }
            }
        }
    }

    /// Whether an item has no `=`. That is an error, unless everything stays as written.
    private func refusesBareKeys(_ items: [Node]) -> Bool {
        var found = false
        for (index, item) in items.enumerated() {
            guard let text = item.string, !text.contains("="), item.tag != .reset else { continue }
            found = true
            if !lenient {
                report.inside(index) {
                    report.error(
                        item.span, "expected NAME=VALUE, found '\(text)'", hint: "write `- \(text)=…`")
                }
            }
        }
        return found
    }

    private func names(_ node: inout Node, _ value: (Span) -> Node) {
        guard let items = node.sequence else { return }
        checkDistinct(items)
        var mapping = Mapping()
        for item in items where item.tag != .reset {
            guard let name = item.string else { continue }
            mapping.put(Mapping.Entry(key: name, keySpan: item.span, value: value(item.span)))
        }
        node.value = .mapping(mapping)
    }

    /// Checks the name of a variable. No container starts with an empty name, and most programs cannot read a name with
    /// a space.
    private func judgeName(_ name: String, _ text: String, _ span: Span) {
        if name.isEmpty {
            return report.error(
                span, "a name is missing before '='", hint: "write NAME=VALUE: \"NAME\(text.isEmpty ? "=" : text)\"")
        }
        guard name.hasPrefix("export ") else { return }
        report.warning(
            span, "the variable name '\(name)' contains a space",
            hint: "write it without 'export ': \(text.dropFirst(7))")
    }

    private func healthTest(_ node: inout Node) {
        HealthTest(report: report).check(node)
        if let text = node.string {
            node.value = .sequence([.text("CMD-SHELL", at: node.span), .text(text, at: node.span)])
        }
    }

    private func gpus(_ node: inout Node) {
        guard node.string != nil else { return }
        let all = Node.Value.string("all")
        node.value = .sequence([.members([("count", Node(lenient ? all : .integer(-1), at: node.span))], at: node.span)]
        )
    }

    /// Checks for a command that only looks right.
    private func judgeCommand(_ text: String, _ span: Span) {
        guard let byte = text.utf8.first, byte == UInt8(ascii: "[") || byte >= 0x80, let first = text.first else {
            return
        }
        if first == "[", text.hasSuffix("]"), let second = text.dropFirst().first, second == "\"" || second == "'" {
            report.warning(
                span, "a list in quotes is one text, which is split at its spaces",
                hint: "remove the quotes around the list")
        } else if "\u{201C}\u{201D}\u{201E}\u{2018}\u{2019}".contains(first) {
            report.warning(
                span, "typographic quotes are part of the text",
                hint: "write plain quotes: \"\(text.dropFirst().dropLast())\"")
        }
    }

    private func command(_ node: inout Node) {
        guard let text = node.string else { return }
        judgeCommand(text, node.span)
        guard let split = CommandWords.split(text) else {
            return report.error(
                node.span, "the command cannot be split into words: a quote or parenthesis is not closed",
                hint: "write it as a list: [sh, -c, \"…\"]")
        }
        if let dropped = split.dropped {
            report.warning(
                node.span, "the command ends before '\(dropped.prefix(40))': no shell runs it",
                hint: "for a shell write [sh, -c, \"…\"], or quote the character")
        }
        node.value = .sequence(split.words.map { .text($0, at: node.span) })
    }
}
