/// A version of a service: `GET /v1/projects/NAME/services/SERVICE/history`, newest first.
package struct VersionRow: Codable, Hashable, Sendable {
    package var number: Int
    /// Seconds since 1970, UTC.
    package var at: Double
    package var cause: Cause
    /// As written in the file, and its id at that time.
    package var image: String
    package var imageID: String?
    /// The differences from the previous version, as texts for a person.
    package var changes: [String]
    package var isCurrent: Bool

    /// What created the version.
    package enum Cause: String, Codable, Hashable, Sendable {
        case up, create, scale, rollback
        /// Automatically, for `failure_action: rollback`.
        case failedUpdate = "failed_update"
        case other
    }

    package init(
        number: Int, at: Double, cause: Cause, image: String, imageID: String?, changes: [String], isCurrent: Bool
    ) {
        self.number = number
        self.at = at
        self.cause = cause
        self.image = image
        self.imageID = imageID
        self.changes = changes
        self.isCurrent = isCurrent
    }
}
