import ProjectModel

/// A named or anonymous volume on this machine.
package struct VolumeRecord: Codable, Hashable, Sendable {
    package var name: String
    package var project: String?
    package var key: String?
    package var definition: VolumeDefinition
    package var isAnonymous: Bool
    package var createdAt: Int64
    /// The place in a project whose successive containers share this anonymous volume.
    package var binding: Binding?

    /// The folder with its content, while it is mounted if it is a mount; nil until it was created.
    package var mountpoint: String?

    /// The driver, as the Compose file names it.
    package var driver: String { definition.driver.flatMap { $0.isEmpty ? nil : $0 } ?? "local" }

    /// Its content is elsewhere and gets mounted (`driver_opts.device`).
    var isMounted: Bool { definition.driverOptions["device"] != nil }

    package struct Binding: Codable, Hashable, Sendable {
        package var project: String
        package var service: String
        /// A replica's number, or a one-off's name.
        package var place: String
        package var target: String
    }
}
