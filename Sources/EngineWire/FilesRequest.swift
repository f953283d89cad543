/// `POST /v1/containers/NAME/files`, in the header `Berth-Files`: changes to a running container's files. The body is a
/// tar with paths from the container's root; the answer is a `FilesAnswer`.
package struct FilesRequest: Codable, Hashable, Sendable {
    /// Absolute paths to remove, with everything below them, before the archive's files are written. It is no error if
    /// one does not exist.
    package var removed: [String]
    /// New files belong to the user of the container's program if its file or image names one; otherwise to the owners
    /// in the archive.
    package var asOwnUser: Bool

    package init(removed: [String] = [], asOwnUser: Bool = true) {
        self.removed = removed
        self.asOwnUser = asOwnUser
    }
}

package struct FilesAnswer: Codable, Hashable, Sendable {
    /// What could not be written or removed, and why; everything else was.
    package var faults: [String]

    package init(faults: [String]) { self.faults = faults }
}
