/// `POST /v1/images/import`, with this as the header `Berth-Import` (JSON) and a tar, plain or compressed, as its body.
package struct ImportRequest: Codable, Hashable, Sendable {
    package var reference: String
    /// Dockerfile instructions: CMD, ENTRYPOINT, ENV, EXPOSE, USER, WORKDIR, VOLUME, LABEL, STOPSIGNAL, HEALTHCHECK, ONBUILD.
    package var changes: [String]
    package var message: String?
    package var platform: String?

    package init(reference: String, changes: [String] = [], message: String? = nil, platform: String? = nil) {
        self.reference = reference
        self.changes = changes
        self.message = message
        self.platform = platform
    }
}

/// `POST /v1/images/pull`; the answer is a stream of `ProgressEvent`.
package struct PullRequest: Codable, Hashable, Sendable {
    package var reference: String
    package var platform: String?
    package var logins: RegistryLogins

    package init(reference: String, platform: String? = nil, logins: RegistryLogins = RegistryLogins()) {
        self.reference = reference
        self.platform = platform
        self.logins = logins
    }
}

/// `POST /v1/images/push`: pushes images to the registries in their names; the answer is a stream of `ProgressEvent`.
package struct PushRequest: Codable, Hashable, Sendable {
    package var references: [String]
    /// Report a failure as a warning and push the others.
    package var ignoresFailures: Bool
    package var logins: RegistryLogins

    package init(references: [String], ignoresFailures: Bool = false, logins: RegistryLogins = RegistryLogins()) {
        self.references = references
        self.ignoresFailures = ignoresFailures
        self.logins = logins
    }
}

/// `POST /v1/images/resolve`: looks up images in their registries; the answer is the references in the same order, each
/// with its current digest.
package struct ResolveRequest: Codable, Hashable, Sendable {
    package var references: [String]
    package var logins: RegistryLogins

    package init(references: [String], logins: RegistryLogins = RegistryLogins()) {
        self.references = references
        self.logins = logins
    }
}

/// `POST /v1/images/prune`: removes images that no container uses; the answer is a `PruneReport`.
package struct PruneRequest: Codable, Hashable, Sendable {
    /// Include images with names.
    package var all: Bool
    /// Only images created before this time, in seconds since 1970.
    package var until: Double?
    /// `KEY` or `KEY=VALUE`: only images with all of these labels.
    package var labels: [String]
    /// Only images with none of these labels.
    package var withoutLabels: [String]

    package init(
        all: Bool = false, until: Double? = nil, labels: [String] = [], withoutLabels: [String] = []
    ) {
        self.all = all
        self.until = until
        self.labels = labels
        self.withoutLabels = withoutLabels
    }

    /// Whether an image with `labels`, created at `created`, may be removed; one without a time may be new.
    package func allows(labels own: [String: String], created: Double?) -> Bool {
        func has(_ label: String) -> Bool {
            let parts = label.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let value = own[parts[0]] else { return false }
            return parts.count == 1 || value == parts[1]
        }
        guard labels.allSatisfy(has), !withoutLabels.contains(where: has) else { return false }
        guard let until else { return true }
        return created.map { $0 < until } ?? false
    }
}

/// The result of `image prune`.
package struct PruneReport: Codable, Hashable, Sendable {
    /// `untagged: NAME` and `deleted: ID`, in the format of `docker image prune`.
    package var lines: [String]
    /// The number of bytes freed.
    package var reclaimed: Int64

    package init(lines: [String], reclaimed: Int64) {
        self.lines = lines
        self.reclaimed = reclaimed
    }
}

/// `POST /v1/images/tag`.
package struct TagRequest: Codable, Hashable, Sendable {
    package var source: String
    package var target: String

    package init(source: String, target: String) {
        self.source = source
        self.target = target
    }
}

/// `POST /v1/images/save` (`Upgrade: berth-stream`): images with their names as an archive, in `StreamFrame`s.
package struct SaveRequest: Codable, Hashable, Sendable {
    package var names: [String]

    package init(names: [String]) { self.names = names }
}
