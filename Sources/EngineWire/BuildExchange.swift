/// Where a build finds results of steps beside the cache of its engine.
package enum BuildCacheSource: Codable, Hashable, Sendable {
    /// A registry has it under this name: a cache, or an image with one inside.
    case registry(String)
    /// An OCI image layout, which the client reads.
    case layout(BuildLayout)

    /// As a person wrote it, or would have.
    package var title: String {
        switch self {
        case .registry(let reference): reference
        case .layout(let layout): layout.shown
        }
    }
}

/// Where the results of a build's steps go, beside folders of the client, which are outputs.
package enum BuildCacheTarget: Codable, Hashable, Sendable {
    /// Into the image.
    case inline
    /// To a registry under a name. Without `isWhole` only what ends in layers of the image; with `mayFail` the build goes on
    /// when it cannot be sent.
    case registry(String, isWhole: Bool, mayFail: Bool)
}

/// A folder of the client in the form of an OCI image layout.
package struct BuildLayout: Codable, Hashable, Sendable {
    /// The context by which the engine asks for its files.
    package var context: String
    /// What a person calls it.
    package var shown: String
    /// What is meant of several; without both the only one, or the one called `latest`.
    package var tag: String?
    package var digest: String?

    package init(context: String, shown: String, tag: String? = nil, digest: String? = nil) {
        self.context = context
        self.shown = shown
        self.tag = tag
        self.digest = digest
    }
}
