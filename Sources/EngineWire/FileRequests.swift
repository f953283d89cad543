/// What became of a path of an image in a container: `GET /v1/containers/ID/changes`.
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

/// `GET /v1/containers/ID/file?path=…`: what is at a path of a container.
package struct FileRow: Codable, Hashable, Sendable {
    package var name: String
    package var size: Int64
    /// Type and permissions (inode(7)).
    package var mode: UInt32
    /// Nanoseconds since 1970.
    package var modified: Int64
    /// What a symbolic link says.
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

/// `POST /v1/containers/ID/archive` (`Upgrade: berth-stream`): a tar comes out of a container, or goes into it, in `StreamFrame`s. The
/// last frame is `exit`, or `failure` with the `EngineFailure` as JSON.
package struct ArchiveRequest: Codable, Hashable, Sendable {
    package enum Direction: Codable, Hashable, Sendable {
        /// Under this name; an empty one is the content of a folder alone.
        case out(name: String)
        /// Into the folder at the path. `keepsKinds`: a folder never takes the place of anything else, nor anything else that of a folder.
        case into(keepsKinds: Bool)
        /// The whole file system, without what is mounted in it.
        case export
    }

    package var path: String
    package var direction: Direction

    package init(path: String, _ direction: Direction) {
        self.path = path
        self.direction = direction
    }
}

/// `POST /v1/containers/ID/commit`: makes an image of a container; the answer is its id.
package struct CommitRequest: Codable, Hashable, Sendable {
    /// nil leaves it without a name.
    package var reference: String?
    package var author: String?
    package var message: String?
    /// Dockerfile instructions.
    package var changes: [String] = []
    /// The container stands still meanwhile.
    package var pauses = true

    package init(reference: String? = nil) { self.reference = reference }
}

package struct CommittedImage: Codable, Hashable, Sendable {
    package var id: String

    package init(id: String) { self.id = id }
}
