/// How to build a service's image (`services.*.build`), all in the long form.
package struct BuildDefinition: Codable, Hashable, Sendable {
    /// An absolute folder, or a URL.
    package var context: String
    /// Relative to the context, or absolute; nil means `Dockerfile`, or `inline`.
    package var dockerfile: String?
    /// The text of a Dockerfile inside the Compose file.
    package var inline: String?
    /// Arguments with a value.
    package var arguments: [String: String] = [:]
    /// The stage to build; nil means the last one.
    package var target: String?
    /// More names for the image.
    package var tags: [String] = []
    /// Labels of the image.
    package var labels: [String: String] = [:]
    /// `none`, `host`, `default` or a network's name; nil means `default`.
    package var network: String?
    package var extraHosts: [ExtraHost] = []
    package var secrets: [FileMount] = []
    /// `default` or an id, with the path of a socket or key; nil means the caller's agent.
    package var ssh: [String: String?] = [:]
    /// Folders, URLs, `docker-image://…`, `oci-layout://…` or `service:NAME`, by name.
    package var additionalContexts: [String: String] = [:]
    package var cacheFrom: [String] = []
    package var cacheTo: [String] = []
    package var noCache: Bool = false
    /// Stages that must not come from the cache.
    package var noCacheFilter: [String] = []
    /// Check base images for updates even if they are here.
    package var pull: Bool = false
    /// The size of /dev/shm in bytes.
    package var shmSize: Int64?
    package var ulimits: [String: Ulimit] = [:]
    package var platforms: [String] = []
    package var privileged: Bool = false
    package var entitlements: [String] = []
    /// As written; nil if not given.
    package var provenance: String?
    package var sbom: String?

    enum CodingKeys: String, CodingKey {
        case context, dockerfile, target, tags, labels, network, secrets, ssh, pull, ulimits, platforms, privileged
        case entitlements, provenance, sbom
        case inline = "dockerfile_inline"
        case arguments = "args"
        case extraHosts = "extra_hosts"
        case additionalContexts = "additional_contexts"
        case cacheFrom = "cache_from"
        case cacheTo = "cache_to"
        case noCache = "no_cache"
        case noCacheFilter = "no_cache_filter"
        case shmSize = "shm_size"
    }

    package init(context: String) { self.context = context }

    /// The keys in the file that no build acts on yet.
    package var withoutEffect: [String] {
        let given: [(String, Bool)] = [
            ("provenance", provenance.map { $0 != "false" } ?? false), ("sbom", sbom.map { $0 != "false" } ?? false),
        ]
        return given.filter(\.1).map(\.0)
    }
}

/// What a service stores about its build. Earlier engines only stored that there was one.
struct BuildField: Codable, Hashable, Sendable {
    var definition: BuildDefinition?

    init(_ definition: BuildDefinition?) { self.definition = definition }

    init(from decoder: any Decoder) throws {
        if let flag = try? decoder.singleValueContainer().decode(Bool.self) {
            definition = flag ? BuildDefinition(context: "") : nil
        } else {
            definition = try BuildDefinition(from: decoder)
        }
    }

    func encode(to encoder: any Encoder) throws {
        if let definition { return try definition.encode(to: encoder) }
        var container = encoder.singleValueContainer()
        try container.encode(false)
    }
}
