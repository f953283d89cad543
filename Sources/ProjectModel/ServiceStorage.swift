/// `services.*.volumes[]`, and `tmpfs` in the same form.
package struct ServiceVolume: Codable, Hashable, Sendable {
    package var kind: Kind
    /// Absolute path in the container.
    package var target: String
    package var readOnly: Bool = false

    package enum Kind: Codable, Hashable, Sendable {
        /// `source` is a key under the top-level `volumes`; nil means an anonymous volume.
        case volume(source: String?, noCopy: Bool, subpath: String?)
        /// `source` is an absolute host path.
        case bind(source: String, createHostPath: Bool, propagation: String?, recursive: String?, selinux: String?)
        /// Size in bytes.
        case tmpfs(size: Int64?, mode: UInt32?, options: String?)
        case image(source: String, subpath: String?)
    }

    enum CodingKeys: String, CodingKey {
        case kind, target
        case readOnly = "read_only"
    }

    package init(kind: Kind, target: String, readOnly: Bool = false) {
        self.kind = kind
        self.target = target
        self.readOnly = readOnly
    }
}

/// `services.*.secrets[]` and `configs[]`: a file in the container.
package struct FileMount: Codable, Hashable, Sendable {
    /// The key under the top-level element.
    package var source: String
    /// Absolute path in the container.
    package var target: String
    package var uid: String?
    package var gid: String?
    /// Permission bits; nil means 0444 for content, and the file's own for a file.
    package var mode: UInt32?

    package init(source: String, target: String, uid: String? = nil, gid: String? = nil, mode: UInt32? = nil) {
        self.source = source
        self.target = target
        self.uid = uid
        self.gid = gid
        self.mode = mode
    }
}
