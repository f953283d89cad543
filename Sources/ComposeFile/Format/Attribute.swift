/// One attribute of the format: its name, form, meaning and standing.
package final class Attribute: Sendable {
    package let name: String
    package let shape: Shape
    package let merge: MergeRule
    package let standing: Standing
    package let isRequired: Bool
    /// What holds when it is not given, in words for a person.
    package let defaultValue: String?
    /// Why it should not be used any more.
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

    /// An item that stands twice in its list is a mistake; under other rules the later one takes the place of the first.
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
    /// Recognised; using it is a warning when the project is brought up.
    case notYet
    /// Recognised; using it is an error when the project is brought up, for the reason given.
    case refused(String)
    /// Means something only elsewhere (a cluster, Windows); nothing is lost without it.
    case noEffect(String)
}

/// How a value is joined with what an earlier file, document or extended service said.
package enum MergeRule: Sendable, Hashable {
    /// Mappings member by member, lists one after the other, scalars replaced; null keeps what was there.
    case byKind
    /// Replaced whole, by null too.
    case replace
    /// Members of a mapping replace those of the same name, by null too.
    case members
    /// Items appended; of items equal up to `=` the last stays, where the first stood.
    case uniqueText
    /// Items appended; of items with the same identity the last stays, where the first stood.
    case unique(Identity)
    /// Items appended, a repeated one dropped.
    case distinct
    /// Options merged only when the driver is the same.
    case logging
    /// Pools merged by subnet; pools of new subnets only replace the old ones.
    case pools
    /// Addresses of a host appended.
    case extraHosts

    package enum Identity: Sendable, Hashable {
        case port, target, secretTarget, configTarget, path
    }
}

/// A mapping with named attributes, in the order in which they are printed.
package final class Record: Sendable {
    /// For messages: "a service", "a port".
    package let title: String
    package let attributes: [Attribute]
    /// `x-…` members are allowed.
    package let allowsExtensions: Bool
    /// `Support` looks at one as a whole: what it says together may be more than berth can act on.
    let isJudged: Bool
    /// The attributes that have to be given.
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

/// The Compose format, declared once: decoding, merging, validation, the JSON schema and the printed order come from it.
///
/// After the Compose Specification (compose-spec/compose-spec, 2026) and its schema.
package enum Format {}
