import EngineWire
import Glibc
import JSON
import Linux
import Monitor
import Synchronization

/// The engine's end of the control connection to one monitor.
final class MonitorConnection: Sendable {
    let id: String
    private let descriptor: CInt
    private let onEvent: @Sendable (MonitorConnection, MonitorEvent) -> Void
    private let onEnd: @Sendable (MonitorConnection) -> Void

    private struct State {
        var pending: [UInt8] = []
        var hasEnded = false
        /// Only half of a command was sent, so the monitor would not understand anything after it.
        var isBroken = false
        /// The last event for each milestone that somebody may wait for.
        var seen: [Milestone: Result<MonitorEvent, EngineFailure>] = [:]
        var launchFailure: LaunchFailure?
        var waiters: [Milestone: [Int: CheckedContinuation<MonitorEvent, any Error>]] = [:]
        var nextWaiter = 0
        /// Waiters whose time limit passed before they began to wait.
        var expired: Set<Int> = []
    }

    /// Events that somebody can wait for.
    enum Milestone: Hashable, Sendable { case created, started, exited, paused, resumed, state }

    // The mutex guards the state: the reactor's thread fills it, callers wait on it.
    private let state = Mutex(State())

    /// Takes ownership of `socket`; the reactor reads from it from now on.
    init(
        id: String, socket: consuming OwnedFD, reactor: Reactor,
        onEvent: @escaping @Sendable (MonitorConnection, MonitorEvent) -> Void,
        onEnd: @escaping @Sendable (MonitorConnection) -> Void
    ) throws(SyscallError) {
        self.id = id
        self.onEvent = onEvent
        self.onEnd = onEnd
        descriptor = socket.raw
        try reactor.add(socket) { [self] descriptor in read(descriptor) }
    }

    /// Does not wait. If the monitor has not read for so long that its socket is full, it counts as stuck.
    func send(_ command: MonitorCommand) throws {
        let bytes = try encodeJSON(command) + [0x0A]
        let failure: EngineFailure? = state.withLock { state in
            if state.hasEnded {
                return EngineFailure(
                    code: .monitorLost, message: "the monitor of \(id.prefix(12)) no longer listens")
            }
            guard !state.isBroken else { return Self.silent(id) }
            let sent = Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
            if sent == bytes.count { return nil }
            state.isBroken = sent > 0
            return Self.silent(id)
        }
        if let failure { throw failure }
    }

    /// Waits for an event from the monitor, or returns the event that came already.
    /// - Throws: `monitor_silent` after `limit`.
    @discardableResult
    func wait(for milestone: Milestone, within limit: Duration? = nil) async throws -> MonitorEvent {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let timer = limit.map { limit in
            Task {
                do { try await Task.sleep(for: limit) } catch { return }
                let waiter = self.state.withLock { state in
                    let waiter = state.waiters[milestone]?.removeValue(forKey: number)
                    if waiter == nil, !Task.isCancelled { state.expired.insert(number) }
                    return waiter
                }
                waiter?.resume(throwing: Self.silent(self.id))
            }
        }
        defer { timer?.cancel() }
        return try await withCheckedThrowingContinuation { continuation in
            let known: Result<MonitorEvent, EngineFailure>? = state.withLock { state in
                if let seen = state.seen[milestone] { return seen }
                if state.hasEnded { return .failure(Self.lost(id)) }
                if state.expired.remove(number) != nil { return .failure(Self.silent(id)) }
                state.waiters[milestone, default: [:]][number] = continuation
                return nil
            }
            if let known { continuation.resume(with: known) }
        }
    }

    /// The event that the monitor has sent already.
    func known(_ milestone: Milestone) -> MonitorEvent? {
        state.withLock { try? $0.seen[milestone]?.get() }
    }

    /// Why its process could not be created or run; nil if the monitor reported no such failure.
    var launchFailure: LaunchFailure? { state.withLock { $0.launchFailure } }

    /// Makes the next `wait` for this milestone wait for a new event.
    func forget(_ milestone: Milestone) { state.withLock { _ = $0.seen.removeValue(forKey: milestone) } }

    private func read(_ descriptor: CInt) -> Reactor.Next {
        var chunk = [UInt8](repeating: 0, count: 16384)
        let count = Glibc.recv(descriptor, &chunk, chunk.count, CInt(MSG_DONTWAIT))
        if count < 0, [.again, .interrupted].contains(Errno.current) { return .wait }
        guard count > 0 else {
            end()
            return .end
        }
        let lines = state.withLock { state in
            state.pending.append(contentsOf: chunk[..<count])
            var lines: [[UInt8]] = []
            while let newline = state.pending.firstIndex(of: 0x0A) {
                lines.append(Array(state.pending[..<newline]))
                state.pending.removeSubrange(...newline)
            }
            return lines
        }
        // Ignores an event that this engine does not know: a newer monitor sent it.
        for line in lines { if let event = try? decodeJSON(MonitorEvent.self, from: line) { take(event) } }
        return .wait
    }

    private func take(_ event: MonitorEvent) {
        switch event {
        case .hello: break
        case .created:
            // A process that joins another container's processes is reported twice; the second report is the final one.
            forget(.created)
            resolve(.created, .success(event))
        case .started: resolve(.started, .success(event))
        case .paused: resolve(.paused, .success(event))
        case .resumed: resolve(.resumed, .success(event))
        case .exited: resolve(.exited, .success(event))
        case .state: resolve(.state, .success(event))
        case .failed(let failure):
            state.withLock { $0.launchFailure = failure }
            var told = EngineFailure(code: .launchFailed, message: failure.message)
            told.exitCode = failure.exitCode
            for milestone in [Milestone.created, .started, .exited] { resolve(milestone, .failure(told)) }
        case .refused(let command, let reason):
            let told = EngineFailure(code: .refused, message: "\(command): \(reason)")
            switch command {
            case "pause": resolve(.paused, .failure(told))
            case "resume": resolve(.resumed, .failure(told))
            default: break  // nobody waits for its answer
            }
        }
        onEvent(self, event)
    }

    private func resolve(_ milestone: Milestone, _ result: Result<MonitorEvent, EngineFailure>) {
        let waiters = state.withLock { state in
            if state.seen[milestone] == nil { state.seen[milestone] = result }
            return state.waiters.removeValue(forKey: milestone) ?? [:]
        }
        for waiter in waiters.values { waiter.resume(with: result) }
    }

    private func end() {
        let waiters = state.withLock { state in
            state.hasEnded = true
            defer { state.waiters = [:] }
            return state.waiters.values.flatMap(\.values)
        }
        for waiter in waiters { waiter.resume(throwing: Self.lost(id)) }
        onEnd(self)
    }

    private static func silent(_ id: String) -> EngineFailure {
        EngineFailure(
            code: .monitorSilent, message: "the monitor of \(id.prefix(12)) does not answer",
            hint: "if it was stopped, `pkill -CONT berth-monitor` lets it continue")
    }

    private static func lost(_ id: String) -> EngineFailure {
        EngineFailure(code: .monitorLost, message: "the monitor of \(id.prefix(12)) ended unexpectedly")
    }
}
