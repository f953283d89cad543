/// One attribute of the format: its name, form, meaning and standing.
package final class Attribute: Sendable {
    package let name: String
    package let shape: Shape
    package let merge: MergeRule
    package let standing: Standing
    package let isRequired: Bool
    /// The default, in words for a person.
    package let defaultValue: String?
    /// Why nobody should use it any more.
    package let deprecated: String?
    package let example: String?
    package let documentation: String

    package init(
        _ name: String, _ shape: Shape, merge: MergeRule = .byKind, standing: Standing = .acted,
        required: Bool = false, default defaultValue: String? = nil, deprecated: String? = nil,
        example: String? = nil, _ documentation: String
    ) {
        self.name = name
        self.shape = shape
        self.merge = merge
        self.standing = standing
        isRequired = required
        self.defaultValue = defaultValue
        self.deprecated = deprecated
        self.example = example
        self.documentation = documentation
    }

    /// A repeated item in its list is a mistake. Under other merge rules the later item replaces the first.
    var refusesRepeats: Bool {
        switch merge {
        case .byKind, .distinct, .extraHosts: shape.uniqueItems
        default: false
        }
    }
}

/// Whether berth acts on an attribute.
package enum Standing: Sendable, Hashable {
    case acted
    /// Recognised; `up` gives a warning.
    case notYet
    /// Recognised; `up` gives an error, for the stated reason.
    case refused(String)
    /// It has a meaning only elsewhere (in a cluster, on Windows); ignoring it loses nothing.
    case noEffect(String)
}

/// How to merge a value with that of an earlier file, document or extended service.
package enum MergeRule: Sendable, Hashable {
    /// Merges mappings by member, appends lists, replaces scalars; null keeps the earlier value.
    case byKind
    /// Replaces the whole value; null does too.
    case replace
    /// Members of a mapping replace members of the same name; null does too.
    case members
    /// Appends items; of items that are equal up to `=`, keeps the last one, in the position of the first.
    case uniqueText
    /// Appends items; of items with the same identity, keeps the last one, in the position of the first.
    case unique(Identity)
    /// Appends items and drops repeated ones.
    case distinct
    /// Merges options only if the driver is the same.
    case logging
    /// Merges pools by subnet; pools with only new subnets replace the old ones.
    case pools
    /// Appends the addresses of each host.
    case extraHosts

    package enum Identity: Sendable, Hashable {
        case port, target, secretTarget, configTarget, path
    }
}

/// A mapping with named attributes, in the order of output.
package final class Record: Sendable {
    /// For messages: "a service", "a port".
    package let title: String
    package let attributes: [Attribute]
    /// `x-…` members are allowed.
    package let allowsExtensions: Bool
    /// `Support` checks it as a whole, because a combination of attributes may be more than berth can act on.
    let isJudged: Bool
    /// The required attributes.
    let required: [Attribute]
    private let index: NameIndex

    package init(_ title: String, extensions: Bool = true, isJudged: Bool = false, _ attributes: [Attribute]) {
        self.title = title
        self.attributes = attributes
        allowsExtensions = extensions
        self.isJudged = isJudged
        required = attributes.filter(\.isRequired)
        index = NameIndex(attributes.map(\.name))
    }

    package subscript(name: String) -> Attribute? { index.position(of: name).map { attributes[$0] } }
}

/// The Compose format, declared once: decoding, merging, validation, the JSON schema and the order of output use this
/// declaration.
///
/// After the Compose Specification (compose-spec/compose-spec, 2026) and its schema.
package enum Format {}
