/// A path below what is watched that is not as it was.
package struct FileChange: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// It is new, or has another content, mode, owner or target.
        case changed
        /// It is gone, with all that was below it.
        case removed
    }

    /// Absolute.
    package var path: String
    package var kind: Kind

    package init(_ path: String, _ kind: Kind) {
        self.path = path
        self.kind = kind
    }
}
