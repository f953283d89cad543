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
    package var logins: RegistryLogins

    package init(reference: String, platform: String? = nil, logins: RegistryLogins = RegistryLogins()) {
        self.reference = reference
        self.platform = platform
        self.logins = logins
    }
}

/// `POST /v1/images/resolve`: what the registries call these images now; the answer is the references in the same order,
/// each with its digest.
package struct ResolveRequest: Codable, Hashable, Sendable {
    package var references: [String]
    package var logins: RegistryLogins

    package init(references: [String], logins: RegistryLogins = RegistryLogins()) {
        self.references = references
        self.logins = logins
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
