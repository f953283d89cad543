/// Volumes.
package protocol VolumeFacet: Sendable {
    /// Answers with the folder where its content is, or will be while it is mounted.
    func createVolume(_ volume: VolumeRecord) async throws -> String
    /// Makes the content available to a container that is about to start; answers with its folder.
    func mountVolume(_ volume: VolumeRecord, for container: String) async throws -> String
    /// The container has ended.
    func unmountVolume(_ volume: VolumeRecord, for container: String) async
    func removeVolume(_ volume: VolumeRecord) async throws
}
