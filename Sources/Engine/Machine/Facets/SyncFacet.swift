import EngineWire
import Monitor

/// Copies source files into running containers.
package protocol SyncFacet: Sendable {
    /// Removes the paths that `request` names, then writes the content of the tar in `archive`. It writes each file
    /// beside its place and then renames it.
    ///
    /// Nothing in the archive or the container can lead to a file outside of the container. Mounts are visible, as they
    /// are to the container's programs. The result lists files that could not be changed.
    func sync(
        _ request: FilesRequest, from archive: HeldDescriptor, in record: ContainerRecord, _ process: ProcessIdentity
    ) async throws -> FilesAnswer
}
