/// `POST /v1/containers/NAME/files`, in the header `Berth-Files`: changes of a running container's files. The body is a tar whose
/// paths begin at the container's root; the answer is a `FilesAnswer`.
package struct FilesRequest: Codable, Hashable, Sendable {
    /// Absolute paths that go, with all that is below them, before the archive's files come. What is not there is no error.
    package var removed: [String]
    /// New files belong to the user that the container's program runs as, where its file or image names one; else to the
    /// numbers in the archive.
    package var asOwnUser: Bool

    package init(removed: [String] = [], asOwnUser: Bool = true) {
        self.removed = removed
        self.asOwnUser = asOwnUser
    }
}

package struct FilesAnswer: Codable, Hashable, Sendable {
    /// What could not be written or removed, and why; all the rest was.
    package var faults: [String]

    package init(faults: [String]) { self.faults = faults }
}
