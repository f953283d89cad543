/// A change of a watched path.
package struct FileChange: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// It is new, or its content, mode, owner or link target changed.
        case changed
        /// It was removed, with everything below it.
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
