/// Where volumes of one driver lie. Another driver is a type that conforms, in a file of its own, and its line in
/// `RealMachine.volumeDrivers`.
///
/// Calls are idempotent: what is there already is left, what is gone already is no error.
protocol VolumeDriver: Sendable {
    /// The Compose file's word for it.
    var name: String { get }

    /// Makes the volume; answers with the folder where its content is, or will be while it is mounted.
    func create(_ volume: VolumeRecord) async throws -> String
    /// Makes the content available to a container that is about to start; answers with its folder.
    func mount(_ volume: VolumeRecord, for container: String) async throws -> String
    /// The container has ended.
    func unmount(_ volume: VolumeRecord, for container: String) async throws
    /// Takes the volume away with its content.
    func remove(_ volume: VolumeRecord) async throws
}
