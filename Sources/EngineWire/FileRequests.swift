/// A path in a container that differs from the image: `GET /v1/containers/ID/changes`.
package struct ChangedFile: Codable, Hashable, Sendable {
    /// The numbers are those of the Docker API.
    package enum Kind: Int, Codable, Hashable, Sendable {
        case changed = 0
        case added = 1
        case deleted = 2
    }

    package var path: String
    package var kind: Kind

    package init(_ kind: Kind, _ path: String) {
        self.kind = kind
        self.path = path
    }
}

/// `GET /v1/containers/ID/file?path=…`: the status of a path in a container.
package struct FileRow: Codable, Hashable, Sendable {
    package var name: String
    package var size: Int64
    /// Type and permissions (inode(7)).
    package var mode: UInt32
    /// Nanoseconds since 1970.
    package var modified: Int64
    /// The target of a symbolic link.
    package var linkTarget: String?
    package var isFolder: Bool

    package init(
        name: String, size: Int64, mode: UInt32, modified: Int64, linkTarget: String?, isFolder: Bool
    ) {
        self.name = name
        self.size = size
        self.mode = mode
        self.modified = modified
        self.linkTarget = linkTarget
        self.isFolder = isFolder
    }
}

/// `POST /v1/containers/ID/archive` (`Upgrade: berth-stream`): copies a tar out of a container or into it, in
/// `StreamFrame`s. The last frame is `exit`, or `failure` with the `EngineFailure` as JSON.
package struct ArchiveRequest: Codable, Hashable, Sendable {
    package enum Direction: Codable, Hashable, Sendable {
        /// The entries are below this name; with an empty name, only the content of a folder.
        case out(name: String)
        /// Into the folder at the path. `keepsKinds`: a folder never replaces a file, and a file never replaces a
        /// folder.
        case into(keepsKinds: Bool)
        /// The whole file system, without mounts.
        case export
    }

    package var path: String
    package var direction: Direction

    package init(path: String, _ direction: Direction) {
        self.path = path
        self.direction = direction
    }
}

/// `POST /v1/containers/ID/commit`: creates an image from a container; the answer is its id.
package struct CommitRequest: Codable, Hashable, Sendable {
    /// nil means no name.
    package var reference: String?
    package var author: String?
    package var message: String?
    /// Dockerfile instructions.
    package var changes: [String] = []
    /// Pause the container while the image is created.
    package var pauses = true

    package init(reference: String? = nil) { self.reference = reference }
}

package struct CommittedImage: Codable, Hashable, Sendable {
    package var id: String

    package init(id: String) { self.id = id }
}
