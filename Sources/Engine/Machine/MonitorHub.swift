import CLinux
import EngineWire
import Glibc
import JSON
import Linux
import Logging
import Monitor
import Synchronization

/// Starts monitors, keeps the connections to them, and passes their events on.
final class MonitorHub: Sendable {
    /// The monitor's program, seen through a read-only mount, so that a container that reaches the file cannot change
    /// it.
    private let program: ReadOnlyProgram
    private let reactor: Reactor
    private let blocking: BlockingPool
    private let log: Logger
    private let events: AsyncStream<MachineEvent>.Continuation

    private struct State {
        var connections: [String: MonitorConnection] = [:]
        /// Connections that reported an end. A container that was started again has another connection.
        var told: Set<ObjectIdentifier> = []
        /// Connections to monitors that did not answer when they were adopted.
        var silent: Set<ObjectIdentifier> = []
    }

    /// How long a monitor may take to report its state; a working one needs milliseconds.
    private static let patience = Duration.seconds(1)

    // The mutex guards the table of connections.
    private let state = Mutex(State())

    init(
        program: String, reactor: Reactor, blocking: BlockingPool, events: AsyncStream<MachineEvent>.Continuation,
        log: Logger
    ) throws {
        self.program = try ReadOnlyProgram(program)
        self.reactor = reactor
        self.blocking = blocking
        self.events = events
        self.log = log
    }

    func connection(_ id: String) -> MonitorConnection? { state.withLock { $0.connections[id] } }

    /// Starts a monitor in `folder`; returns once its process waits at the gate. `stream`, for an exec, is the
    /// monitor's end of the attached stream; this function takes ownership of it. -1 means none.
    func spawn(_ spec: MonitorSpec, in folder: String, stream: CInt = -1) async throws -> MonitorConnection {
        let connection = try await blocking.run { [self] in try start(spec, in: folder, stream: stream) }
        try await connection.wait(for: .created)
        return connection
    }

    private func start(_ spec: MonitorSpec, in folder: String, stream: CInt) throws -> MonitorConnection {
        defer { if stream >= 0 { close(stream) } }
        try makeFolders(folder, mode: 0o700)
        try writeFileAtomically("\(folder)/spec.json", encodeJSON(spec))
        unlink("\(folder)/state.json")
        var pair = try UnixSocket.pair()
        let ours = pair.takeFirst()
        let theirs = pair.takeSecond()
        var descriptors: [CInt: CInt] = [MonitorProtocol.controlDescriptor: theirs.raw]
        if stream >= 0 { descriptors[MonitorProtocol.streamDescriptor] = stream }
        let isContainer = if case .container = spec.kind { true } else { false }
        let connection = try connect(spec.id, ours, isContainer: isContainer)
        let pid = try program.spawn(arguments: ["berth-monitor", folder], folder: "/", descriptors: descriptors)
        try reap(pid)
        return connection
    }

    private func connect(_ id: String, _ socket: consuming OwnedFD, isContainer: Bool) throws -> MonitorConnection {
        let connection = try MonitorConnection(
            id: id, socket: socket, reactor: reactor,
            onEvent: { [self] connection, event in if isContainer { tell(connection, event) } },
            onEnd: { [self] connection in if isContainer { ended(connection) } })
        if isContainer { state.withLock { $0.connections[id] = connection } }
        return connection
    }

    private func tell(_ connection: MonitorConnection, _ event: MonitorEvent) {
        switch event {
        case .exited(let status):
            let isNew = state.withLock { $0.told.insert(ObjectIdentifier(connection)).inserted }
            if isNew { events.yield(.exited(id: connection.id, status)) }
        case .failed: state.withLock { _ = $0.told.insert(ObjectIdentifier(connection)) }
        case .paused: events.yield(.paused(id: connection.id))
        case .resumed: events.yield(.resumed(id: connection.id))
        case .state(let found):
            let wasSilent = state.withLock { $0.silent.remove(ObjectIdentifier(connection)) != nil }
            if wasSilent { events.yield(.answered(id: connection.id, found)) }
        case .hello, .created, .started, .refused: break
        }
    }

    private func ended(_ connection: MonitorConnection) {
        let wasTold = state.withLock { state in
            if state.connections[connection.id] === connection { state.connections[connection.id] = nil }
            state.silent.remove(ObjectIdentifier(connection))
            return state.told.remove(ObjectIdentifier(connection)) != nil
        }
        if !wasTold { events.yield(.monitorLost(id: connection.id)) }
    }

    /// Waits for a monitor's own end, so that it does not stay a zombie.
    private func reap(_ pid: pid_t) throws {
        let handle = OwnedFD(owning: try syscall("pidfd_open", on: "process \(pid)") { berth_pidfd_open(pid, 0) })
        try reactor.add(handle) { _ in
            var status: CInt = 0
            return waitpid(pid, &status, WNOHANG) == 0 ? .wait : .end
        }
    }

    // MARK: Adoption

    enum Adopted: Sendable {
        /// No process holds the folder's lock.
        case none
        case state(MonitorState)
        /// The monitor runs but does not answer; an event follows when it does.
        case silent
    }

    /// Connects to the monitor of a command that an earlier engine started; nil when it has ended.
    func adoptExec(_ id: String, in folder: String) async throws -> MonitorConnection? {
        try await connect(id, in: folder, isContainer: false)
    }

    /// nil when no process holds the folder's lock.
    private func connect(_ id: String, in folder: String, isContainer: Bool) async throws -> MonitorConnection? {
        try await blocking.run { [self] in
            guard try FileLock.isHeld("\(folder)/lock") else { return nil }
            return try connect(id, UnixSocket.connect("\(folder)/control.sock", waits: false), isContainer: isContainer)
        }
    }

    /// Connects to a monitor that an earlier engine started.
    func adopt(_ id: String, in folder: String) async throws -> Adopted {
        let connection = try await connect(id, in: folder, isContainer: true)
        guard let connection else { return .none }
        do {
            guard case .state(let state) = try await connection.wait(for: .state, within: Self.patience) else {
                return .none
            }
            return .state(state)
        } catch let failure as EngineFailure where failure.code == .monitorSilent {
            state.withLock { _ = $0.silent.insert(ObjectIdentifier(connection)) }
            // It may have answered meanwhile.
            guard case .state(let found)? = connection.known(.state) else { return .silent }
            let isOurs = state.withLock { $0.silent.remove(ObjectIdentifier(connection)) != nil }
            return isOurs ? .state(found) : .silent
        }
    }
}
