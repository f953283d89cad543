import EngineWire
import Monitor

/// Containers have no files here: it is noted that some came.
extension SimulatedMachine {
    package func sync(
        _ request: FilesRequest, from archive: HeldDescriptor, in record: ContainerRecord, _ process: ProcessIdentity
    ) async throws -> FilesAnswer {
        try await act("sync \(record.name)") { _ in }
        return FilesAnswer(faults: [])
    }
}
