import JSON
import ProjectModel

/// One field in which a container's template differs from the current template of its service.
package struct Divergence: Hashable, Sendable, CustomStringConvertible {
    /// The attribute's path in Compose's words: `environment.DEBUG`, `networks.back.internal`.
    package let field: String
    package let change: Change
    /// The container can take the new value without being replaced.
    package let isInPlace: Bool

    /// Contains values only if a person may see them.
    package enum Change: Hashable, Sendable {
        case added(String?)
        case removed(String?)
        case changed(from: String?, to: String?)
    }

    package init(_ field: String, _ change: Change, isInPlace: Bool = false) {
        self.field = field
        self.change = change
        self.isInPlace = isInPlace
    }

    package var description: String {
        switch change {
        case .added(let value): field + " added" + (value.map { " (\($0))" } ?? "")
        case .removed(let value): field + " removed" + (value.map { " (\($0))" } ?? "")
        case .changed(let from?, let to?): "\(field) changed \(from) → \(to)"
        case .changed: field + " changed"
        }
    }
}

/// The fields in which `wanted` differs from `made`, in the order of a template's attributes. In lists that are sets, order does
/// not matter.
package func divergences(from made: ContainerTemplate, to wanted: ContainerTemplate) -> [Divergence] {
    if made == wanted { return [] }
    guard let old = try? JSONValue(encoding: made).object, let new = try? JSONValue(encoding: wanted).object else {
        return [Divergence("template", .changed(from: nil, to: nil))]
    }
    var fields = new.keys
    fields.append(contentsOf: old.keys.filter { new[$0] == nil })
    return fields.flatMap { field -> [Divergence] in
        let attribute = TemplateAttribute.named(field)
        return fieldDivergences(attribute, from: old[field], to: new[field], made: made, wanted: wanted).map {
            $0.reaching(by: attribute.change)
        }
    }
}

extension Divergence {
    fileprivate func reaching(by way: TemplateAttribute.Change) -> Divergence {
        let isInPlace =
            switch way {
            case .inPlace: true
            case .anew: false
            case .byMember: ResourceMember.isInPlace(field, change)
            }
        return Divergence(field, change, isInPlace: isInPlace)
    }
}

private func fieldDivergences(
    _ attribute: TemplateAttribute, from old: JSONValue?, to new: JSONValue?, made: ContainerTemplate,
    wanted: ContainerTemplate
) -> [Divergence] {
    if old == new { return [] }
    let field = attribute.name
    // An empty command is not an absent one: it clears the image's.
    let meansSomethingEmpty = field == "command" || field == "entrypoint"
    let old = meansSomethingEmpty ? old : old?.unlessEmpty
    let new = meansSomethingEmpty ? new : new?.unlessEmpty
    switch attribute.form {
    case .value: break
    case .keyed(let key):
        guard let before = keyed(old, by: key), let after = keyed(new, by: key) else { break }
        return memberDivergences(field, from: before, to: after) { name, before, after in
            guard field == "networks", let before = before.object, let after = after.object else {
                return [Divergence(name, .changed(from: nil, to: nil))]
            }
            return memberDivergences(name, from: before, to: after) { member, _, _ in
                [Divergence(member, .changed(from: nil, to: nil))]
            }
        }
    case .set: return setDivergences(field, from: old, to: new)
    case .unordered: if Set(old?.array ?? []) == Set(new?.array ?? []) { return [] }
    case .members:
        // Report a log driver, and a health check that was added or removed, as a whole.
        if field == "healthcheck" || field == "logging", old?.object == nil || new?.object == nil { break }
        let prefix = field == "resources" ? "" : field
        return memberDivergences(prefix, from: old?.object ?? JSONObject(), to: new?.object ?? JSONObject()) {
            [memberChange($0, in: field, from: $1, to: $2)]
        }
    }
    let from = ShownValue.of(field, in: made, old)
    let to = ShownValue.of(field, in: wanted, new)
    switch (old, new) {
    case (nil, _): return [Divergence(field, .added(to))]
    case (_, nil): return [Divergence(field, .removed(from))]
    default: return [Divergence(field, .changed(from: from, to: to))]
    }
}

private func setDivergences(_ field: String, from old: JSONValue?, to new: JSONValue?) -> [Divergence] {
    let before = texts(old)
    let after = texts(new)
    // A template holds the text of a seccomp profile instead of its file name.
    func name(_ element: String) -> String {
        element.hasPrefix("seccomp={") ? "\(field).seccomp" : "\(field).\(element)"
    }
    return after.subtracting(before).sorted().map { Divergence(name($0), .added(nil)) }
        + before.subtracting(after).sorted().map { Divergence(name($0), .removed(nil)) }
}

private func memberChange(_ path: String, in field: String, from old: JSONValue, to new: JSONValue) -> Divergence {
    let from = ShownValue.ofMember(path, in: field, old)
    return Divergence(path, .changed(from: from, to: ShownValue.ofMember(path, in: field, new)))
}

/// Compares the members of two objects by key; `changed` returns the divergences of a member that both have.
private func memberDivergences(
    _ prefix: String, from old: JSONObject, to new: JSONObject,
    changed: (String, JSONValue, JSONValue) -> [Divergence]
) -> [Divergence] {
    let before = Dictionary(old.members.map { ($0.key, $0.value) }) { first, _ in first }
    let after = Set(new.keys)
    var result: [Divergence] = []
    for member in new.members {
        let path = prefix.isEmpty ? member.key : "\(prefix).\(member.key)"
        guard let value = before[member.key] else {
            result.append(Divergence(path, .added(nil)))
            continue
        }
        if value != member.value { result += changed(path, value, member.value) }
    }
    for member in old.members where !after.contains(member.key) {
        result.append(Divergence(prefix.isEmpty ? member.key : "\(prefix).\(member.key)", .removed(nil)))
    }
    return result
}

/// The elements of a list by one of their members; nil when two elements have the same value, such as a secret mounted twice.
private func keyed(_ list: JSONValue?, by key: String) -> JSONObject? {
    var object = JSONObject()
    for element in list?.array ?? [] {
        guard let name = element[key]?.string, object[name] == nil else { return nil }
        object[name] = element
    }
    return object
}

private func texts(_ list: JSONValue?) -> Set<String> { Set((list?.array ?? []).compactMap(\.string)) }

extension JSONValue {
    /// nil for an empty list or object: a missing attribute and an empty one mean the same.
    fileprivate var unlessEmpty: JSONValue? {
        switch self {
        case .null: nil
        case .array(let values) where values.isEmpty: nil
        case .object(let object) where object.isEmpty: nil
        default: self
        }
    }
}
