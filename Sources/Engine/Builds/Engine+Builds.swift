import Builder
import EngineWire
import Images
import Linux
import Logging
import OCI
import ProjectModel
import Synchronization

/// Builds.
extension Engine {
    /// Begins builds that make one graph. Returns a connected socket, which the caller takes over: messages go out of it and answers
    /// come in. The builds end with their client.
    package func build(_ batch: BuildBatch) async throws -> CInt {
        await gate.wait(for: .ready)
        let run = try BatchRun(batch.builds)
        let operation = Operation(
            id: String(parts.machine.newID().prefix(16)), key: parts.machine.newID(), project: "")
        parts.operations.add(operation)
        do {
            var pair = try UnixSocket.pair()
            let theirs = pair.takeSecond()
            let work = BuildTask()
            let socket = try BuildSocket(pair.takeFirst()) { work.cancel() }
            let (parts, shells, limit) = (parts, buildShells, settings.buildCacheSize)
            work.begin {
                await run.run {
                    socket.tell($1, of: $0)
                } build: { index, request, built in
                    let surroundings = BuildSurroundings(
                        steps: StepRunner(parts: parts), contexts: BuildContexts(socket: socket, build: index),
                        built: built, tell: { socket.tell($0, of: index) }, shells: shells,
                        waitForRoom: { socket.waitForRoom() })
                    do {
                        return try await parts.machine.build(request, surroundings)
                    } catch let failure where !(failure is BuildFailure || failure is CancellationError) {
                        throw EngineFailure(describing: failure)
                    }
                }
                socket.finish()
                do { try await parts.machine.shrinkBuildCache(to: limit) } catch {
                    parts.log.warning("the build cache could not be made smaller: \(error)")
                }
                operation.finish(.init(status: .succeeded))
                await parts.operations.remove(operation)
            }
            return theirs.release()
        } catch {
            operation.finish(.init(status: .failed))
            await parts.operations.remove(operation)
            throw error
        }
    }

    /// The streams of a shell that a build offers its client; the caller takes over the connected socket.
    package nonisolated func buildShell(_ id: String) throws -> CInt {
        if let stream = buildShells.take(id) { return stream }
        throw EngineFailure(code: .notFound, message: "there is no shell \(id): its build has ended")
    }

    /// What the build cache holds.
    package func buildCache() async throws -> [BuildCacheRow] {
        try await parts.machine.buildCache()
    }

    /// Takes from the build cache what `request` picks.
    package func pruneBuildCache(_ request: BuildPruneRequest) async throws -> PruneReport {
        try await parts.machine.pruneBuildCache(request)
    }
}

/// The task of a build; it may be cancelled before it begins.
final class BuildTask: Sendable {
    private struct State {
        var task: Task<Void, Never>?
        var isCancelled = false
    }

    // The mutex guards both: the client may go at any time.
    private let state = Mutex(State())

    func begin(_ body: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            let task = Task { await body() }
            state.task = task
            if state.isCancelled { task.cancel() }
        }
    }

    func cancel() {
        state.withLock { state in
            state.isCancelled = true
            state.task?.cancel()
        }
    }
}
