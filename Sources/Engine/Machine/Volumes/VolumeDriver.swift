/// Stores the volumes of one driver. To add a driver, write a type that conforms in a file of its own, and add it to
/// `RealMachine.volumeDrivers`.
///
/// Calls are idempotent: it is no error if the volume exists already, or is already gone.
protocol VolumeDriver: Sendable {
    /// The name of the driver in a Compose file.
    var name: String { get }

    /// Creates the volume. Returns the folder with its content; if it is a mount, its future mount point.
    func create(_ volume: VolumeRecord) async throws -> String
    /// Makes the content available to a container that is about to start. Returns its folder.
    func mount(_ volume: VolumeRecord, for container: String) async throws -> String
    /// Call this when the container has ended.
    func unmount(_ volume: VolumeRecord, for container: String) async throws
    /// Removes the volume and its content.
    func remove(_ volume: VolumeRecord) async throws
}
