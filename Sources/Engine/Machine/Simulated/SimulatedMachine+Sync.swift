import EngineWire
import Monitor

/// Containers have no files here; the machine only notes the paths that it receives.
extension SimulatedMachine {
    package func sync(
        _ request: FilesRequest, from archive: HeldDescriptor, in record: ContainerRecord, _ process: ProcessIdentity
    ) async throws -> FilesAnswer {
        try await act("sync \(record.name)") { _ in }
        return FilesAnswer(faults: [])
    }
}
