import ProjectModel

/// A named or anonymous volume on this machine.
package struct VolumeRecord: Codable, Hashable, Sendable {
    package var name: String
    package var project: String?
    package var key: String?
    package var definition: VolumeDefinition
    package var isAnonymous: Bool
    package var createdAt: Int64
    /// The place in a project whose containers share an anonymous volume, one after the other.
    package var binding: Binding?

    /// The folder where its content is, or is while it is mounted; nil until it was made.
    package var mountpoint: String?

    /// The Compose file's word for who keeps it.
    package var driver: String { definition.driver.flatMap { $0.isEmpty ? nil : $0 } ?? "local" }

    /// Its content lies elsewhere and is mounted (`driver_opts.device`).
    var isMounted: Bool { definition.driverOptions["device"] != nil }

    package struct Binding: Codable, Hashable, Sendable {
        package var project: String
        package var service: String
        /// A replica's number, or a one-off's name.
        package var place: String
        package var target: String
    }
}
