/// A source of results of build steps, in addition to the engine's own cache.
package enum BuildCacheSource: Codable, Hashable, Sendable {
    /// In a registry under this name: a cache, or an image with an inline cache.
    case registry(String)
    /// An image in the store, or else in a registry.
    case image(String)
    /// An OCI image layout that the client reads.
    case layout(BuildLayout)

    /// As the user wrote it, or would have.
    package var title: String {
        switch self {
        case .registry(let reference), .image(let reference): reference
        case .layout(let layout): layout.shown
        }
    }
}

/// A destination for the results of a build's steps. Folders of the client are outputs instead.
package enum BuildCacheTarget: Codable, Hashable, Sendable {
    /// In the image.
    case inline
    /// In a registry under a name. Without `isWhole` only results that end in layers of the image; with `mayFail` the
    /// build continues if the push fails.
    case registry(String, isWhole: Bool, mayFail: Bool)
}

/// A folder of the client with an OCI image layout.
package struct BuildLayout: Codable, Hashable, Sendable {
    /// The context that the engine uses to request its files.
    package var context: String
    /// The name for a person.
    package var shown: String
    /// Selects one of several images; without both, the only one, or the one called `latest`.
    package var tag: String?
    package var digest: String?

    package init(context: String, shown: String, tag: String? = nil, digest: String? = nil) {
        self.context = context
        self.shown = shown
        self.tag = tag
        self.digest = digest
    }
}
