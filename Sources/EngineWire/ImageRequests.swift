/// `POST /v1/images/import` takes this as the header `Berth-Import` (JSON) and a tar, plain or compressed, as its body.
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
    /// Host to its `user:password` in base64, from the caller's own configuration; never logged.
    package var credentials: [String: String]

    package init(reference: String, platform: String? = nil, credentials: [String: String] = [:]) {
        self.reference = reference
        self.platform = platform
        self.credentials = credentials
    }
}

/// `POST /v1/images/resolve`: what the registries call these images now; the answer is the references in the same order,
/// each with its digest.
package struct ResolveRequest: Codable, Hashable, Sendable {
    package var references: [String]
    /// Host to its `user:password` in base64, from the caller's own configuration; never logged.
    package var credentials: [String: String]

    package init(references: [String], credentials: [String: String] = [:]) {
        self.references = references
        self.credentials = credentials
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
