import EngineWire
import Monitor

/// Source files on their way into containers that run.
package protocol SyncFacet: Sendable {
    /// Removes what `request` names, then writes what the tar in `archive` holds, each file beside its place and then renamed.
    ///
    /// Nothing in the archive or in the container leads to a file outside of it; what the container has mounted is seen as its
    /// programs see it. What could not be done with single files is in the answer.
    func sync(
        _ request: FilesRequest, from archive: HeldDescriptor, in record: ContainerRecord, _ process: ProcessIdentity
    ) async throws -> FilesAnswer
}
