import EngineWire
import Images

/// The files of containers, running or not. Paths are absolute in the container, and nothing leads out of it.
///
/// `volumes` are the folders of its volumes, by name; they count for one that does not run. A descriptor that is handed over is
/// closed when the work is done.
package protocol FileFacet: Sendable {
    /// - Throws: `FileFailure`, as all of these.
    func fileStatus(
        _ path: String, of container: ContainerRecord, _ volumes: [String: String]
    ) async throws -> FileStatus
    /// Writes what is at `path` as a tar, under `name`; an empty name is the content of a folder alone.
    func copyOut(
        _ path: String, as name: String, of container: ContainerRecord, _ volumes: [String: String], to sink: CInt
    ) async throws
    /// Reads a tar, plain or compressed, and writes its files into the folder at `path`.
    func copyIn(
        _ source: CInt, to path: String, of container: ContainerRecord, _ volumes: [String: String],
        _ placement: Placement
    ) async throws
    /// Writes the whole file system as a tar, without what is mounted in it.
    func export(_ container: ContainerRecord, to sink: CInt) async throws
    /// What differs from its image, sorted by path.
    func changedFiles(of container: ContainerRecord) async throws -> [ChangedFile]
    /// Makes an image of what it is now.
    func commit(_ container: ContainerRecord, _ request: CommitRequest) async throws -> Image
}
