/// Describes a blob: media type, digest and size in bytes (OCI image-spec, descriptor.md).
package struct Descriptor: Codable, Hashable, Sendable {
    package var mediaType: String
    package var digest: Digest
    package var size: Int64
    package var platform: Platform?
    package var annotations: [String: String]?
    package var artifactType: String?

    package init(mediaType: String, digest: Digest, size: Int64, platform: Platform? = nil) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.platform = platform
    }
}

package struct Platform: Codable, Hashable, Sendable {
    package var architecture: String
    package var os: String
    package var variant: String?
    package var osVersion: String?

    enum CodingKeys: String, CodingKey {
        case architecture, os, variant
        case osVersion = "os.version"
    }

    package init(os: String, architecture: String, variant: String? = nil) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
    }
}

/// An image manifest (image-spec, manifest.md; Docker's schema 2 has the same shape).
package struct Manifest: Codable, Hashable, Sendable {
    package var schemaVersion: Int
    package var mediaType: String?
    package var config: Descriptor
    /// Base first.
    package var layers: [Descriptor]
    package var annotations: [String: String]?

    package init(config: Descriptor, layers: [Descriptor]) {
        schemaVersion = 2
        mediaType = MediaType.manifest
        self.config = config
        self.layers = layers
    }
}

/// An image index or a Docker manifest list (image-spec, image-index.md).
package struct Index: Codable, Hashable, Sendable {
    package var schemaVersion: Int
    package var mediaType: String?
    package var manifests: [Descriptor]
    package var annotations: [String: String]?

    package init(manifests: [Descriptor]) {
        schemaVersion = 2
        mediaType = MediaType.index
        self.manifests = manifests
    }
}

package enum MediaType {
    package static let index = "application/vnd.oci.image.index.v1+json"
    package static let manifest = "application/vnd.oci.image.manifest.v1+json"
    package static let config = "application/vnd.oci.image.config.v1+json"
    package static let layer = "application/vnd.oci.image.layer.v1.tar"
    package static let layerGzip = "application/vnd.oci.image.layer.v1.tar+gzip"
    package static let layerZstd = "application/vnd.oci.image.layer.v1.tar+zstd"
    package static let dockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json"
    package static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    package static let dockerConfig = "application/vnd.docker.container.image.v1+json"
    package static let dockerLayer = "application/vnd.docker.image.rootfs.diff.tar.gzip"
}

/// An image's configuration blob (image-spec, config.md, with Docker's extensions).
package struct ImageConfig: Codable, Hashable, Sendable {
    package var created: String?
    package var author: String?
    package var architecture: String
    package var os: String
    package var variant: String?
    package var config: Execution?
    package var rootfs: RootFS
    package var history: [History]?
    /// Results of build steps that end in layers of this image: BuildKit's inline cache, in base64.
    package var stepCache: String?

    enum CodingKeys: String, CodingKey {
        case created, author, architecture, os, variant, config, rootfs, history
        case stepCache = "moby.buildkit.cache.v0"
    }

    package init(architecture: String, os: String = "linux", rootfs: RootFS) {
        self.architecture = architecture
        self.os = os
        self.rootfs = rootfs
    }

    package struct RootFS: Codable, Hashable, Sendable {
        package var type: String
        /// Digests of the bare tars, base first.
        package var diffIDs: [Digest]

        enum CodingKeys: String, CodingKey {
            case type
            case diffIDs = "diff_ids"
        }

        package init(diffIDs: [Digest]) {
            type = "layers"
            self.diffIDs = diffIDs
        }
    }

    package struct History: Codable, Hashable, Sendable {
        package var created: String?
        package var createdBy: String?
        package var author: String?
        package var comment: String?
        package var emptyLayer: Bool?

        enum CodingKeys: String, CodingKey {
            case created, author, comment
            case createdBy = "created_by"
            case emptyLayer = "empty_layer"
        }

        package init(created: String?, createdBy: String?, comment: String? = nil, emptyLayer: Bool? = nil) {
            self.created = created
            self.createdBy = createdBy
            self.comment = comment
            self.emptyLayer = emptyLayer
        }
    }

    /// How to run a container of this image by default.
    package struct Execution: Codable, Hashable, Sendable {
        package var user: String?
        /// `PORT/PROTOCOL` to an empty object.
        package var exposedPorts: [String: Empty]?
        package var env: [String]?
        package var entrypoint: [String]?
        package var cmd: [String]?
        package var volumes: [String: Empty]?
        package var workingDir: String?
        package var labels: [String: String]?
        package var stopSignal: String?
        package var healthcheck: Healthcheck?
        package var shell: [String]?
        package var onBuild: [String]?

        enum CodingKeys: String, CodingKey {
            case user = "User"
            case exposedPorts = "ExposedPorts"
            case env = "Env"
            case entrypoint = "Entrypoint"
            case cmd = "Cmd"
            case volumes = "Volumes"
            case workingDir = "WorkingDir"
            case labels = "Labels"
            case stopSignal = "StopSignal"
            case healthcheck = "Healthcheck"
            case shell = "Shell"
            case onBuild = "OnBuild"
        }

        package init() {}
    }

    package struct Empty: Codable, Hashable, Sendable {
        package init() {}
    }

    /// Docker's extension; times in nanoseconds, 0 means the default.
    package struct Healthcheck: Codable, Hashable, Sendable {
        package var test: [String]?
        package var interval: Int64?
        package var timeout: Int64?
        package var startPeriod: Int64?
        package var startInterval: Int64?
        package var retries: Int?

        enum CodingKeys: String, CodingKey {
            case test = "Test"
            case interval = "Interval"
            case timeout = "Timeout"
            case startPeriod = "StartPeriod"
            case startInterval = "StartInterval"
            case retries = "Retries"
        }

        package init() {}
    }
}
