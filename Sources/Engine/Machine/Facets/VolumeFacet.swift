/// Volumes.
package protocol VolumeFacet: Sendable {
    /// Returns the folder with its content; if it is a mount, its future mount point.
    func createVolume(_ volume: VolumeRecord) async throws -> String
    /// Makes the content available to a container that is about to start. Returns its folder.
    func mountVolume(_ volume: VolumeRecord, for container: String) async throws -> String
    /// Call this when the container has ended.
    func unmountVolume(_ volume: VolumeRecord, for container: String) async
    func removeVolume(_ volume: VolumeRecord) async throws
}
