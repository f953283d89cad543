import EngineWire
import Linux

extension Engine {
    /// Changes files of a running container: removes `request.removed`, then writes the content of the tar in
    /// `archive`.
    ///
    /// Nothing in the archive or the container can lead to a file outside of the container. Mounts are visible, as they
    /// are to the container's programs.
    /// - Throws: `EngineFailure` with `.conflict` for a container that does not run.
    package func place(
        _ request: FilesRequest, from archive: consuming OwnedFD, in name: String
    ) async throws -> FilesAnswer {
        await gate.wait(for: .known)
        let record = try await find(name)
        guard record.isUp, let process = record.life.process else {
            throw EngineFailure(
                code: .conflict, message: "\(record.name) is not running, so no files can be copied into it")
        }
        return try await parts.machine.sync(request, from: HeldDescriptor(archive), in: record, process)
    }

    /// All containers of a project, including ended ones: at once, and again after each change.
    package nonisolated func containerChanges(of project: String) -> AsyncStream<[ContainerRow]> {
        let inventory = parts.inventory
        let previous = Latest()
        return AsyncStream {
            await self.gate.wait(for: .known)
            while !Task.isCancelled {
                let epoch = await inventory.currentEpoch()
                let rows = await self.containers(of: project, all: true)
                if await previous.replace(by: rows) { return rows }
                await inventory.change(of: .project(project), after: epoch)
            }
            return nil
        }
    }

    /// The list that was sent last.
    private actor Latest {
        private var rows: [ContainerRow]?

        /// Returns false when nothing changed.
        func replace(by new: [ContainerRow]) -> Bool {
            defer { rows = new }
            return rows != new
        }
    }
}
