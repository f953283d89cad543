import EngineWire
import Images

/// The files of containers, running or not. Paths are absolute inside the container, and no path can lead out of it.
///
/// `volumes` are the folders of its volumes, by name; they are used for a container that does not run. Each function
/// closes the descriptor that it gets.
package protocol FileFacet: Sendable {
    /// - Throws: `FileFailure`, like all functions here.
    func fileStatus(
        _ path: String, of container: ContainerRecord, _ volumes: [String: String]
    ) async throws -> FileStatus
    /// Writes what is at `path` as a tar whose entries are below `name`; with an empty name, only the content of a
    /// folder.
    func copyOut(
        _ path: String, as name: String, of container: ContainerRecord, _ volumes: [String: String], to sink: CInt
    ) async throws
    /// Reads a tar, plain or compressed, and writes its files into the folder at `path`.
    func copyIn(
        _ source: CInt, to path: String, of container: ContainerRecord, _ volumes: [String: String],
        _ placement: Placement
    ) async throws
    /// Writes the whole file system as a tar, without mounts.
    func export(_ container: ContainerRecord, to sink: CInt) async throws
    /// Paths that differ from the image, sorted.
    func changedFiles(of container: ContainerRecord) async throws -> [ChangedFile]
    /// Creates an image from its current state.
    func commit(_ container: ContainerRecord, _ request: CommitRequest) async throws -> Image
}
