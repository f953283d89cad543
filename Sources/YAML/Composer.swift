import CYAML

/// Builds nodes from libyaml's events.
struct Composer: ~Copyable {
    private var reader: EventReader
    private let file: Int
    private let limits: Limits
    private let bytes: [UInt8]
    private var problems: [Problem] = []
    private var anchors: [String: Anchor] = [:]
    private var open: Set<String> = []
    private var written = 0
    private var aliased = 0
    private var depth = 0
    /// Stop here: keep what was read, read nothing more.
    private var isStopped = false
    /// Where the last event ended.
    private var last: (line: Int32, column: Int32) = (0, 0)
    /// The last scalar, to explain an error after it.
    private var lastScalar: SyntaxExplanation.Scalar?
    /// For keys that are not text. Created once, because a file may contain many.
    private lazy var explanation = SyntaxExplanation(bytes: bytes, file: file)

    private struct Anchor {
        let node: Node
        /// The number of nodes that it stands for: itself, its members, and what its own aliases add.
        let weight: Int
    }

    /// Reading stops: the text from here on cannot be understood.
    private struct Stop: Error {}

    /// An event and its place. The reader owns its parts until it reads the next event.
    private struct Item {
        let kind: EventReader.Kind
        let span: Span
    }

    init(_ bytes: [UInt8], file: Int, limits: Limits) {
        reader = EventReader(bytes)
        self.bytes = bytes
        self.file = file
        self.limits = limits
    }

    mutating func compose() -> ParsedFile {
        var documents: [Node] = []
        do throws(Stop) {
            while true {
                let item = try next()
                if case .streamEnd = item.kind { break }
                guard case .documentStart = item.kind else { continue }
                documents.append(try node(from: try next()))
            }
        } catch {}
        return ParsedFile(documents: documents, problems: problems, isComplete: !isStopped)
    }

    // MARK: Nodes

    private mutating func node(from item: Item) throws(Stop) -> Node {
        written += 1
        switch item.kind {
        case .alias: return try expand(reader.anchor ?? "", at: item.span)
        case .scalar:
            let node = scalar(at: item.span)
            if let anchor = reader.anchor { anchors[anchor] = Anchor(node: node, weight: 1) }
            return node
        case .sequenceStart:
            let tag = reader.tag
            return try collection(reader.anchor, at: item.span) { (composer) throws(Stop) in
                var nodes: [Node] = []
                nodes.reserveCapacity(4)
                while let node = composer.item() { nodes.append(node) }
                let hasDollar = nodes.contains { $0.hasDollar }
                return composer.collection(.sequence(nodes), at: item.span, tag: tag, hasDollar: hasDollar)
            }
        case .mappingStart:
            let tag = reader.tag
            return try collection(reader.anchor, at: item.span) { (composer) throws(Stop) in
                let mapping = composer.mapping()
                let hasDollar = mapping.entries.contains { $0.value.hasDollar }
                return composer.collection(.mapping(mapping), at: item.span, tag: tag, hasDollar: hasDollar)
            }
        default: return Node(.null, at: item.span)
        }
    }

    private mutating func collection(
        _ anchor: String?, at span: Span, _ build: (inout Composer) throws(Stop) -> Node
    ) throws(Stop) -> Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= limits.depth else {
            throw stop(span, "nested more than \(limits.depth) levels deep", hint: "nest less")
        }
        let before = written + aliased
        if let anchor {
            open.insert(anchor)
            anchors[anchor] = nil
        }
        let node = try build(&self)
        if let anchor {
            open.remove(anchor)
            anchors[anchor] = Anchor(node: node, weight: written + aliased - before + 1)
        }
        return node
    }

    /// A collection whose end event was just read.
    private func collection(_ value: Node.Value, at span: Span, tag: String?, hasDollar: Bool) -> Node {
        var node = Node(value, at: extended(span), tag: Self.mergeTag(tag))
        node.hasDollar = hasDollar
        return node
    }

    private mutating func expand(_ name: String, at span: Span) throws(Stop) -> Node {
        guard let anchor = anchors[name] else {
            if open.contains(name) {
                throw stop(
                    span, "the alias '*\(name)' is inside the anchor that it refers to",
                    hint: "write its content out, or name another anchor")
            }
            let known = anchors.keys.sorted().prefix(8).map { "&\($0)" }.joined(separator: ", ")
            throw stop(
                span, "there is no anchor '&\(name)' before this alias",
                hint: known.isEmpty
                    ? "write `x-\(name): &\(name)` above, with its content below it" : "anchors so far: \(known)"
            )
        }
        aliased += anchor.weight
        guard aliased <= limits.aliasNodes + limits.aliasNodesPerNode * written else {
            throw stop(
                span, "aliases expand to more than \(limits.aliasNodes) values; the file is refused",
                hint: "use fewer aliases inside of anchors")
        }
        return anchor.node
    }

    // MARK: Mappings

    /// The members up to the end of the mapping, or up to where reading had to stop.
    private mutating func mapping() -> Mapping {
        var mapping = Mapping(capacity: 4)
        var merges: [(value: Node, span: Span)] = []
        while let (entry, isMerge) = member() {
            if isMerge {
                if let first = merges.first {
                    duplicate("<<", entry.keySpan, first.span)
                } else {
                    merges.append((entry.value, entry.keySpan))
                }
            } else if let index = mapping.index(of: entry.key) {
                duplicate(entry.key, entry.keySpan, mapping.entries[index].keySpan)
                mapping.update(at: index) { Self.join(entry.value, to: &$0) }
            } else {
                mapping.append(entry)
            }
        }
        for merge in merges { self.merge(merge.value, at: merge.span, into: &mapping) }
        return mapping
    }

    /// Also keeps the members under the second of two equal keys, so that nothing reports them as missing.
    private static func join(_ other: Node, to first: inout Node) {
        if first.isNull { first = other }
        guard let others = other.mapping else { return }
        first.updateMapping { members in
            for entry in others.entries where members.index(of: entry.key) == nil { members.append(entry) }
        }
    }

    /// The next member of a mapping, and whether its key is the merge key; nil at the end, or where reading had to
    /// stop.
    private mutating func member() -> (Mapping.Entry, isMerge: Bool)? {
        guard !isStopped else { return nil }
        do throws(Stop) {
            let item = try next()
            if case .mappingEnd = item.kind { return nil }
            let (key, isMerge) = try self.key(item)
            let value = try node(from: try next())
            return (Mapping.Entry(key: key, keySpan: item.span, value: value), isMerge)
        } catch { return nil }
    }

    /// The next item of a list; nil at the end, or where reading had to stop.
    private mutating func item() -> Node? {
        guard !isStopped else { return nil }
        do throws(Stop) {
            let item = try next()
            if case .sequenceEnd = item.kind { return nil }
            return try node(from: item)
        } catch { return nil }
    }

    /// The text of a key, and whether it is the merge key.
    private mutating func key(_ item: Item) throws(Stop) -> (String, Bool) {
        if case .scalar = item.kind {
            let tag = reader.tag
            if tag == "tag:yaml.org,2002:merge", reader.scalar.text == "<<" {
                written += 1
                return ("<<", true)
            }
            if tag == nil, reader.isPlain { return try plainKey(at: item.span) }
        }
        let node = try self.node(from: item)
        if let text = node.string { return (text, false) }
        problems.append(
            explanation.template(at: item.span)
                ?? Problem(
                    span: item.span, message: "a key must be text, found \(node.kind)",
                    hint: "write `NAME: VALUE`, or quote the value before it"))
        return ("", false)
    }

    private mutating func plainKey(at span: Span) throws(Stop) -> (String, Bool) {
        written += 1
        let scalar = reader.scalar
        if let byte = scalar.text.utf8.first, byte >= 0x80, let problem = explanation.oddBlank(at: span) {
            problems.append(problem)
            isStopped = true
            throw Stop()
        }
        if scalar.text == "<<" { return (scalar.text, true) }
        if !scalar.isSurelyText, case let resolved = ScalarResolution.resolve(scalar.text), resolved.string == nil {
            problems.append(
                Problem(
                    span: span, message: "a key must be text, found \(resolved.kind): \(scalar.text)",
                    hint: "quote it: \"\(scalar.text)\"", causes: [span]))
        }
        if let anchor = reader.anchor {
            anchors[anchor] = Anchor(node: Node(.string(scalar.text), at: span), weight: 1)
        }
        return (scalar.text, false)
    }

    private mutating func duplicate(_ key: String, _ span: Span, _ first: Span) {
        problems.append(
            Problem(
                span: span, message: "the key '\(key)' is given twice in one mapping",
                hint: "remove one of the two", other: ("the first one", first), key: key))
    }

    /// Adds the members of a merge key's source. Keys in the mapping itself take precedence, then earlier sources. If
    /// both have a key and the source's value has a tag, the mapping's value becomes an `!override`.
    private mutating func merge(_ source: Node, at span: Span, into mapping: inout Mapping) {
        let sources = source.sequence ?? [source]
        for source in sources {
            guard let other = source.mapping else {
                problems.append(
                    Problem(
                        span: span, message: "'<<' merges a mapping or a list of mappings, found \(source.kind)",
                        hint: "name an anchored mapping, as in `<<: *defaults`"))
                return
            }
            let entries = other.entries
            for index in entries.indices {
                guard let own = mapping.index(of: entries[index].key) else {
                    mapping.append(entries[index])
                    continue
                }
                if entries[index].value.tag != .none {
                    mapping.update(at: own) { if $0.tag == .none { $0.tag = .override } }
                }
            }
        }
    }

    // MARK: Scalars and places

    /// The span of a collection, up to its end if that is on the same line.
    private func extended(_ span: Span) -> Span {
        guard last.line == span.line, last.column > span.column else {
            return Span(file: file, line: Int(span.line), column: Int(span.column))
        }
        return Span(
            file: file, line: Int(span.line), column: Int(span.column), length: Int(last.column - span.column))
    }

    private mutating func scalar(at span: Span) -> Node {
        let (scalar, tag) = (reader.scalar, reader.tag)
        if scalar.hasNul {
            problems.append(
                Problem(
                    span: span, message: "a value cannot contain a NUL character: everything after it would be lost",
                    hint: "remove the \\0, or write \\\\0 for a backslash and a zero", swallowed: span))
        }
        var node =
            tag == nil && (scalar.isSurelyText || !scalar.isPlain)
            ? Node(.string(scalar.text), at: span) : self.scalar(scalar.text, tag: tag, plain: scalar.isPlain, at: span)
        // Does not look at the text that a tag (`!!binary`) produces.
        node.hasDollar = scalar.hasDollar || tag != nil
        return node
    }

    private mutating func scalar(_ text: String, tag: String?, plain: Bool, at span: Span) -> Node {
        let merge = Self.mergeTag(tag)
        switch tag {
        case nil, "!": return Node(plain && tag == nil ? ScalarResolution.resolve(text) : .string(text), at: span)
        case "tag:yaml.org,2002:str": return Node(.string(text), at: span)
        case "tag:yaml.org,2002:int", "tag:yaml.org,2002:float":
            return Node(ScalarResolution.number(text) ?? .string(text), at: span)
        case "tag:yaml.org,2002:binary":
            let decoded = Base64.decode(text)
            if decoded == nil {
                problems.append(
                    Problem(
                        span: span, message: "the text after !!binary is not base64",
                        hint: "write what `base64 -w0` prints, or remove the tag", swallowed: span))
            }
            return Node(.string(decoded ?? text), at: span)
        default: return Node(plain ? ScalarResolution.resolve(text) : .string(text), at: span, tag: merge)
        }
    }

    private static func mergeTag(_ tag: String?) -> Node.Tag {
        switch tag {
        case "!reset": .reset
        case "!override": .override
        default: .none
        }
    }

    private mutating func next() throws(Stop) -> Item {
        do throws(EventReader.Failure) {
            let kind = try reader.next()
            let (start, end) = (reader.start, reader.end)
            let length = start.line == end.line && end.column > start.column ? Int(end.column - start.column) : 0
            let span = Span(file: file, line: Int(start.line) + 1, column: Int(start.column) + 1, length: length)
            last = (Int32(clamping: end.line) + 1, Int32(clamping: end.column) + 1)
            if case .scalar = kind {
                lastScalar = .init(span: span, isPlain: reader.isPlain, endLine: Int(last.line))
            }
            return Item(kind: kind, span: span)
        } catch {
            var problem = SyntaxExplanation(bytes: bytes, file: file, after: lastScalar).explain(error)
            problem.endsReading = true
            problems.append(problem)
            isStopped = true
            throw Stop()
        }
    }

    private mutating func stop(_ span: Span, _ message: String, hint: String? = nil) -> Stop {
        problems.append(Problem(span: span, message: message, hint: hint, endsReading: true))
        isStopped = true
        return Stop()
    }
}
