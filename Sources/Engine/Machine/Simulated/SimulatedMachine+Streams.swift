import AttachStream
import EngineWire
import Linux
import Monitor
import Synchronization

/// Streams that carry nothing but the end. A command runs until a test or its container ends it.
extension SimulatedMachine {
    /// The machine's end of a stream.
    final class Stream: Sendable {
        let socket: OwnedFD
        init(_ socket: consuming OwnedFD) { self.socket = socket }

        /// Sends the last frame and closes the stream.
        func end(_ code: Int) { try? socket.write(StreamFrame.exit(code: UInt32(code)).bytes) }
    }

    package func stream(of container: ContainerRecord) async throws -> CInt {
        var pair = try UnixSocket.pair()
        let stream = Stream(pair.takeFirst())
        return try state.withLock { state in
            guard let found = state.world.containers[container.id], found.isUp || found.phase == .held
            else {
                throw EngineFailure(code: .conflict, message: "container \(container.name) is not running")
            }
            state.streams[container.id, default: []].append(stream)
            return pair.takeSecond().release()
        }
    }

    package func startCommand(_ id: String, _ request: ExecRequest, in container: ContainerRecord)
        async throws -> CInt?
    {
        try await act("exec \(container.name)", chance: \.spawnFails) { state in
            guard state.world.containers[container.id]?.phase == .running else {
                throw EngineFailure(code: .conflict, message: "container \(container.name) is not running")
            }
            state.world.commands[id] = .init(container: container.id)
        }
        guard !request.detach else { return nil }
        var pair = try UnixSocket.pair()
        let stream = Stream(pair.takeFirst())
        state.withLock { $0.streams[id, default: []].append(stream) }
        return pair.takeSecond().release()
    }

    package func commandProcess(_ id: String) async -> ProcessIdentity? {
        state.withLock { state in
            guard let command = state.world.commands[id], command.end == nil else { return nil }
            return ProcessIdentity(pid: 2, startTicks: 1, bootID: "simulated")
        }
    }

    package func commandEnd(_ id: String) async -> ExitStatus? {
        while !Task.isCancelled {
            let (isKnown, end) = state.withLock {
                ($0.world.commands[id] != nil, $0.world.commands[id]?.end)
            }
            guard isKnown, end == nil else { return end }
            try? await Task.sleep(for: .milliseconds(1))
        }
        return nil
    }

    package func resizeTerminal(of id: String, rows: UInt16, columns: UInt16) async throws {
        try await act("resize \(id.prefix(4)) to \(rows)x\(columns)") { _ in }
    }

    /// Ends a command as if it had exited.
    package func endCommand(_ id: String, code: Int) {
        let streams = state.withLock { state in
            state.world.commands[id]?.end = ExitStatus(
                code: code, signal: nil, isOutOfMemory: false, at: state.clock)
            return state.streams.removeValue(forKey: id) ?? []
        }
        for stream in streams { stream.end(code) }
    }
}

extension SimulatedMachine {
    package func watchLog(of container: String, _ bell: Bell) -> FolderWatcher.Watch? { nil }
    package func armLogWatches() {}
}
