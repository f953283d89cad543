/// Something in a tree that COPY and ADD take files from.
package struct SourceEntry: Codable, Hashable, Sendable {
    package enum Kind: Codable, Hashable, Sendable {
        case file
        case folder
        case link(String)
        /// A FIFO or a device: the type's bits of its mode, and its number.
        case node(type: UInt32, device: UInt64)
    }

    /// Relative to the tree's root, without `./`; empty for the root.
    package var path: String
    package var kind: Kind
    /// Permissions, with the set-ID and sticky bits.
    package var mode: UInt32
    package var user: UInt32
    package var group: UInt32
    /// The size of a file in bytes.
    package var size: Int64
    /// Nanoseconds since 1970.
    package var modified: Int64
    /// Inode and time of change of a file on this machine: while it stays the same, so does the content.
    package var stamp: String?
    /// Equal for all names of one file; nil for a file with a single name.
    package var identity: String?

    package init(
        path: String, kind: Kind, mode: UInt32, user: UInt32 = 0, group: UInt32 = 0, size: Int64 = 0,
        modified: Int64 = 0,
        stamp: String? = nil, identity: String? = nil
    ) {
        self.path = path
        self.kind = kind
        self.mode = mode
        self.user = user
        self.group = group
        self.size = size
        self.modified = modified
        self.stamp = stamp
        self.identity = identity
    }

    package var isFolder: Bool { kind == .folder }
}

/// A tree of files, read without leaving it.
package protocol SourceTree {
    /// The entry at `path`, without following it; nil if there is none.
    func entry(_ path: String) throws -> SourceEntry?
    /// The names in a folder, sorted by their bytes.
    func names(in path: String) throws -> [String]
}

/// The files that an instruction asks for.
package struct SourceQuery: Codable, Hashable, Sendable {
    /// As written, with variables expanded.
    package var patterns: [String]
    /// `--exclude`.
    package var excluded: [String] = []
    /// `--parents`.
    package var keepsParents = false

    package init(patterns: [String], excluded: [String] = [], keepsParents: Bool = false) {
        self.patterns = patterns
        self.excluded = excluded
        self.keepsParents = keepsParents
    }
}

/// Something that a pattern led to.
package struct SourceMatch: Codable, Hashable, Sendable {
    /// The name that it has where it is put into a folder.
    package var name: String
    /// What it is, links followed; its path is the one in the tree.
    package var entry: SourceEntry
    /// All that is below a folder, each with its path relative to it; folders before what is in them.
    package var below: [SourceEntry] = []
    /// With `--parents`: the folders on the way, from the pivot on, and the path from there.
    package var parents: [SourceEntry] = []
    package var path = ""
}

/// Why a pattern leads to nothing.
package enum SourceFailure: Error, Codable, Hashable, Sendable, CustomStringConvertible {
    /// `nearest` is a name in the same folder that looks like it; `isIgnored`: it is there, and left out by .dockerignore.
    case missing(pattern: Int, nearest: String?, isIgnored: Bool)
    case invalidPattern(Int)
    case tooManyLinks(pattern: Int)
    /// The pattern leads to a link that leads to nothing.
    case brokenLink(pattern: Int, path: String)
    /// The tree itself cannot be read.
    case unreadable(String)

    package var description: String {
        switch self {
        case .missing(_, _, let isIgnored): isIgnored ? ".dockerignore excludes it" : "it is not there"
        case .invalidPattern: "it is not a valid pattern"
        case .tooManyLinks: "its symbolic links form a loop"
        case .brokenLink(_, let path): "it leads to the broken link '\(path)'"
        case .unreadable(let reason): reason
        }
    }
}
