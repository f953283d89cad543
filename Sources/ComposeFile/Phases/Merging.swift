import YAML

/// Phase 7: merges canonical trees by the rule of each attribute.
struct Merging {
    /// For raw output: `K=V` lists and mappings, strings and lists stay as written, and are merged as lists.
    var lenient = false

    /// Merges `over` onto `base`. Follows the tags of `over` and removes them.
    func merge(_ over: Node, onto base: inout Node, _ shape: Shape?, _ rule: MergeRule = .byKind) {
        if over.tag == .override {
            base = settled(over)
            return
        }
        if lenient, !base.isNull, Self.joinsAsList(shape, rule) {
            joinLists(over, onto: &base, rule == .extraHosts ? .distinct : .uniqueText)
            return
        }
        switch (base.value, over.value) {
        case (.mapping, .mapping(let members)): mergeMembers(members, over.span, onto: &base, shape, rule)
        case (.sequence, .sequence(let items)): mergeItems(items, onto: &base, shape, rule)
        case (_, .null): if rule == .replace { base = settled(over) }
        default: base = settled(over)
        }
    }

    /// A tree without an earlier one: drops `!reset` parts and removes tags.
    func settled(_ node: Node) -> Node {
        guard !Self.isSettled(node) else { return node }
        var node = node
        settle(&node)
        return node
    }

    private static func isSettled(_ node: Node) -> Bool {
        if node.isTagged { return false }
        switch node.value {
        case .mapping(let mapping):
            let entries = mapping.entries
            for index in entries.indices {
                if entries[index].value.isTagged { return false }
                if entries[index].value.isCollection, !isSettled(entries[index].value) { return false }
            }
        case .sequence(let nodes):
            for index in nodes.indices {
                if nodes[index].isTagged { return false }
                if nodes[index].isCollection, !isSettled(nodes[index]) { return false }
            }
        default: break
        }
        return true
    }

    private func settle(_ node: inout Node) {
        node.tag = .none
        node.updateMapping { mapping in
            mapping.removeAll { $0.value.tag == .reset }
            mapping.updateValues { _, value in settle(&value) }
        }
        node.updateSequence { nodes in
            nodes.removeAll { $0.tag == .reset }
            for index in nodes.indices { settle(&nodes[index]) }
        }
    }

    private static func joinsAsList(_ shape: Shape?, _ rule: MergeRule) -> Bool {
        switch (rule, shape?.short) {
        case (.members, .keyValues), (.uniqueText, .listOfOne), (.extraHosts, _): true
        default: false
        }
    }

    private func joinLists(_ over: Node, onto base: inout Node, _ rule: MergeRule) {
        for entry in over.mapping?.entries ?? [] where entry.value.tag == .reset {
            base.updateMapping { $0.remove(entry.key) }
        }
        var items = Self.list(base) + Self.list(settled(over))
        unify(&items, rule)
        base.value = .sequence(items)
    }

    /// A mapping as sorted `K=V` items; a string as a list of one.
    private static func list(_ node: Node) -> [Node] {
        guard let mapping = node.mapping else { return node.sequence ?? (node.isNull ? [] : [node]) }
        let items = mapping.entries.flatMap { entry in
            (entry.value.sequence ?? [entry.value]).map { value in
                let text = Validation.plainText(value).map { "\(entry.key)=\($0)" } ?? entry.key
                return Node.text(text, at: value.span)
            }
        }
        return items.sorted { ($0.string ?? "") < ($1.string ?? "") }
    }

    private func mergeMembers(
        _ members: Mapping, _ span: Span, onto base: inout Node, _ shape: Shape?, _ rule: MergeRule
    ) {
        if rule == .logging, let old = base.string(at: "driver"), let new = members.string(at: "driver"), old != new {
            base = settled(Node(.mapping(members), at: span))
            return
        }
        base.updateMapping { mapping in
            for entry in members.entries {
                if entry.value.tag == .reset {
                    mapping.remove(entry.key)
                } else if let index = mapping.index(of: entry.key), rule != .members {
                    let attribute = shape?.record?[entry.key]
                    let inner = attribute?.shape ?? shape?.members
                    mapping.update(at: index) { merge(entry.value, onto: &$0, inner, attribute?.merge ?? .byKind) }
                } else {
                    mapping.put(
                        Mapping.Entry(key: entry.key, keySpan: entry.keySpan, value: settled(entry.value)))
                }
            }
        }
    }

    private func mergeItems(_ items: [Node], onto base: inout Node, _ shape: Shape?, _ rule: MergeRule) {
        let items = items.filter { $0.tag != .reset }.map(settled)
        switch rule {
        case .replace: base.value = .sequence(items)
        case .pools: mergePools(items, onto: &base, shape?.items)
        default:
            base.updateSequence { nodes in
                nodes += items
                unify(&nodes, rule)
            }
        }
    }

    private func mergePools(_ pools: [Node], onto base: inout Node, _ shape: Shape?) {
        let old = base.sequence ?? []
        let merged = pools.map { pool in
            guard var known = old.first(where: { $0["subnet"] != nil && $0["subnet"] == pool["subnet"] }) else {
                return pool
            }
            merge(pool, onto: &known, shape)
            return known
        }
        base.value = .sequence(merged)
    }

    /// Lists under the rule have at most one item of each identity.
    static func unifies(_ rule: MergeRule) -> Bool { identity(rule) != nil }

    /// Keeps one item of each identity: the last one, in the position of the first.
    func unify(_ nodes: inout [Node], _ rule: MergeRule) {
        guard nodes.count > 1, let identity = Self.identity(rule) else { return }
        if nodes.count <= Self.fewItems, Self.areDistinct(nodes.map(identity)) { return }
        var positions: [String: Int] = [:]
        var result: [Node] = []
        for node in nodes {
            guard let key = identity(node) else {
                result.append(node)
                continue
            }
            if let position = positions[key] {
                result[position] = node
            } else {
                positions[key] = result.count
                result.append(node)
            }
        }
        nodes = result
    }

    /// With fewer items, comparing each is quicker than a table.
    private static let fewItems = 12

    private static func areDistinct(_ identities: [String?]) -> Bool {
        identities.indices.allSatisfy { index in
            identities[index] == nil || !identities[..<index].contains(identities[index])
        }
    }

    private static func identity(_ rule: MergeRule) -> ((Node) -> String?)? {
        switch rule {
        case .uniqueText: { node in Validation.plainText(node).map { $0.cut(at: UInt8(ascii: "=")).before } }
        case .distinct, .extraHosts: { $0.string }
        case .unique(.target): { $0.string(at: "target").map(FilePath.clean) }
        case .unique(.path): { $0.string(at: "path") }
        case .unique(.secretTarget):
            { node in node.string(at: "target") ?? node.string(at: "source").map { "/run/secrets/\($0)" } }
        case .unique(.configTarget): { node in node.string(at: "target") ?? node.string(at: "source").map { "/\($0)" } }
        case .unique(.port): portIdentity
        case .byKind, .replace, .members, .logging, .pools: nil
        }
    }

    private static func portIdentity(_ node: Node) -> String? {
        guard case .mapping = node.value else { return node.string }
        let address = node.string(at: "host_ip") ?? "0.0.0.0"
        let published = node.string(at: "published") ?? ""
        let target = node["target"]?.integer.map { "\($0)" } ?? ""
        return "\(address):\(published):\(target)/\(node.string(at: "protocol") ?? "tcp")"
    }
}
