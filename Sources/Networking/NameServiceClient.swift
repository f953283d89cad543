import Glibc
import JSON
import Linux
import NameService
import Synchronization

/// Why `berth-net` did not do what it was asked.
package enum NameServiceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It could not carry the wish out; its words.
    case refused(String)
    /// The connection ended: it was killed, or left.
    case lost
    /// It speaks other versions of the protocol than this engine.
    case incompatible(ClosedRange<Int>)

    package var description: String {
        switch self {
        case .refused(let words): "berth-net: \(words)"
        case .lost: "berth-net has ended"
        case .incompatible(let versions):
            "berth-net speaks versions \(versions.lowerBound) to \(versions.upperBound) of its protocol, this engine "
                + "\(NetProtocol.versions.lowerBound) to \(NetProtocol.versions.upperBound)"
        }
    }
}

/// The engine's connection to its `berth-net`, which it starts when none runs.
package final class NameServiceClient: Sendable {
    private struct Question {
        let answer: CheckedContinuation<NetResult, any Error>
        let since = ContinuousClock.now
    }

    private struct State {
        var lastID = 0
        var waiting: [Int: Question] = [:]
        var isWatched = false
        var endWaiters: [CheckedContinuation<Void, Never>] = []
        var hasEnded = false
    }

    /// The process that answers.
    package let pid: Int32
    /// Whether this call started it: then it knows nothing yet and has to be fed.
    package let isFresh: Bool

    private let connection: SharedConnection
    private let state = Mutex(State())
    private let writer: BlockingPool

    /// Connects to the `berth-net` of `folder`, or starts the program at `program` there.
    /// - Throws: `NameServiceError`, or `SyscallError` when the program cannot be started.
    package static func start(program: String, folder: String) async throws -> NameServiceClient {
        let thread = BlockingPool(name: "berth-net-client", limit: 1)
        let opened = try await thread.run { try Self.open(program: program, folder: folder) }
        let client = NameServiceClient(opened, writingOn: thread)
        try client.startReading(reaping: opened.isFresh)
        guard opened.versions.overlaps(NetProtocol.versions) else {
            throw NameServiceError.incompatible(opened.versions)
        }
        return client
    }

    private init(_ opened: Opened, writingOn thread: BlockingPool) {
        writer = thread
        connection = opened.connection
        pid = opened.pid
        isFresh = opened.isFresh
    }

    /// Asks and waits for the answer.
    /// - Throws: `NameServiceError`.
    package func request(_ command: NetCommand) async throws -> NetResult {
        let result = try await withCheckedThrowingContinuation { continuation in
            let id = state.withLock { state -> Int? in
                guard !state.hasEnded else { return nil }
                state.lastID += 1
                state.waiting[state.lastID] = Question(answer: continuation)
                return state.lastID
            }
            guard let id else { return continuation.resume(throwing: NameServiceError.lost) }
            watch()
            Task { await self.send(NetRequest(id: id, command: command)) }
        }
        if case .failed(let words) = result { throw NameServiceError.refused(words) }
        return result
    }

    /// Answers DNS in a namespace; returns the ports on 127.0.0.11 for `NetworkDriver.redirectDNS`. With the ports of an earlier
    /// service, the rules there stay right.
    package func serve(
        id: String, namespacePath: String, udpPort: UInt16? = nil, tcpPort: UInt16? = nil
    ) async throws -> (udpPort: UInt16, tcpPort: UInt16) {
        let result = try await request(
            .serve(id: id, namespacePath: namespacePath, udpPort: udpPort, tcpPort: tcpPort))
        guard case .serving(let udpPort, let tcpPort) = result else { throw NameServiceError.refused("\(result)") }
        return (udpPort, tcpPort)
    }

    /// What became of a wish to hold ports.
    package enum Reservation: Hashable, Sendable {
        /// At these ports, in the order of the wishes.
        case held([UInt16])
        case taken(PortClash)
    }

    /// Holds ports of the host for `owner`, in place of all that it held before.
    package func hold(_ wishes: [PortWish], for owner: String) async throws -> Reservation {
        switch try await request(.hold(owner: owner, wishes: wishes)) {
        case .held(let ports) where ports.count == wishes.count: .held(ports)
        case .taken(let clash): .taken(clash)
        case let other: throw NameServiceError.refused("no answer to a reservation but \(other)")
        }
    }

    /// Who stands in the way of `count` ports of the wish; nil when they can be had.
    package func probe(_ wish: PortWish, count: Int) async throws -> PortClash? {
        guard case .taken(let clash) = try await request(.probe(wish, count: count)) else { return nil }
        return clash
    }

    /// Everything it holds and serves, for an engine that was started anew.
    package func currentState() async throws -> NetState {
        guard case .state(let state) = try await request(.state) else { throw NameServiceError.refused("no state") }
        return state
    }

    /// Has it keep a socket of this process.
    package func keep(_ socket: KeptSocket) async throws { _ = try await request(.keep(socket, pid: getpid())) }

    /// The socket that it keeps for `path`, and a copy of it.
    package func keptSocket(at path: String) async throws -> KeptSocket? {
        guard var kept = try await currentState().sockets?.first(where: { $0.path == path }) else { return nil }
        kept.descriptor = try ProcessHandle(pid: pid).descriptor(kept.descriptor).release()
        return kept
    }

    /// Returns when the connection has ended: all that was told is forgotten, and a new service has to be started and fed.
    package func waitForEnd() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                if !state.hasEnded { state.endWaiters.append(continuation) }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    /// Ends the connection; the service goes on.
    package func disconnect() { shutdown(connection.descriptor.raw, CInt(SHUT_RDWR)) }

    /// While answers are awaited: a service that gives none for long is stopped, and is told to go on; one that still gives none ends,
    /// and another takes its place.
    private func watch() {
        let isFirst = state.withLock { state in
            defer { state.isWatched = true }
            return !state.isWatched
        }
        guard isFirst else { return }
        Task {
            while let oldest = self.oldestQuestion() {
                let age = ContinuousClock.now - oldest
                if age > Self.patience * 5 {
                    Self.signal(self.pid, SIGKILL)
                    self.disconnect()
                } else if age > Self.patience {
                    Self.signal(self.pid, SIGCONT)
                }
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// When the question that waits longest was asked; nil, and nobody watches any more, when none does.
    private func oldestQuestion() -> ContinuousClock.Instant? {
        state.withLock { state in
            let oldest = state.waiting.values.map(\.since).min()
            if oldest == nil { state.isWatched = false }
            return oldest
        }
    }

    /// Every request is carried out at once; a machine under load takes its time.
    private static let patience = Duration.seconds(3)

    private static func signal(_ pid: Int32, _ number: CInt) { if pid > 1 { kill(pid, number) } }

    private func send(_ request: NetRequest) async {
        do {
            let bytes = try encodeJSON(request) + [UInt8(ascii: "\n")]
            try await writer.run { [connection] in try connection.write(bytes) }
        } catch {
            let waiting = state.withLock { $0.waiting.removeValue(forKey: request.id) }
            waiting?.answer.resume(throwing: NameServiceError.lost)
        }
    }

    private func startReading(reaping: Bool) throws(SyscallError) {
        try startThread { [self] in
            while let reply = connection.nextReply() {
                let waiting = state.withLock { $0.waiting.removeValue(forKey: reply.id) }
                waiting?.answer.resume(returning: reply.result)
            }
            end()
            var status: CInt = 0
            if reaping { while waitpid(pid, &status, 0) < 0 && Errno.current == .interrupted {} }
        }
    }

    private func end() {
        let (waiting, endWaiters) = state.withLock { state in
            state.hasEnded = true
            defer { (state.waiting, state.endWaiters) = ([:], []) }
            return (state.waiting, state.endWaiters)
        }
        for question in waiting.values { question.answer.resume(throwing: NameServiceError.lost) }
        for continuation in endWaiters { continuation.resume() }
    }
}

extension NameServiceClient {
    private struct Opened: Sendable {
        let connection: SharedConnection
        let pid: Int32
        let isFresh: Bool
        let versions: ClosedRange<Int>
    }

    private static func open(program: String, folder: String) throws -> Opened {
        if try FileLock.isHeld("\(folder)/net.lock"), let descriptor = try? UnixSocket.connect("\(folder)/net.sock") {
            let connection = SharedConnection(descriptor)
            if let opened = try greetPatiently(connection) {
                if opened.versions.overlaps(NetProtocol.versions) { return opened }
                // One of another release: the engine knows all that it holds, and tells it to one of its own.
                try connection.write(try encodeJSON(NetRequest(id: 1, command: .leave)) + [UInt8(ascii: "\n")])
                connection.setPatience(patience)
                while connection.skipReply() {}
            }
            try awaitEnd(of: connection.peer, folder)
        }
        var pair = try UnixSocket.pair()
        let own = SharedConnection(pair.takeFirst())
        let theirs = pair.takeSecond()
        let pid = try spawnProcess(
            program, arguments: ["berth-net", folder], folder: "/",
            descriptors: [NetProtocol.controlDescriptor: theirs.raw])
        do {
            _ = consume theirs  // or its end would never be seen
            return try greet(own, isFresh: true)
        } catch {
            var status: CInt = 0
            kill(pid, SIGKILL)
            waitpid(pid, &status, 0)
            throw error
        }
    }

    /// The greeting of a service that runs already. One that is stopped is told to go on; nil when it greets even so not.
    private static func greetPatiently(_ connection: SharedConnection) throws -> Opened? {
        connection.setPatience(patience)
        defer { connection.setPatience(.zero) }
        if let opened = try? greet(connection, isFresh: false) { return opened }
        signal(connection.peer, SIGCONT)
        return try? greet(connection, isFresh: false)
    }

    /// Waits until the service of `folder` is gone; one that was told to leave, or does not answer, and stays is killed.
    private static func awaitEnd(of pid: Int32, _ folder: String) throws {
        for attempt in 0..<200 {
            guard try FileLock.isHeld("\(folder)/net.lock") else { return }
            if attempt == 40 { signal(pid, SIGKILL) }
            usleep(25_000)
        }
        throw NameServiceError.refused("process \(pid) holds \(folder)/net.lock, gives no answer and cannot be ended")
    }

    private static func greet(_ connection: SharedConnection, isFresh: Bool) throws -> Opened {
        guard let reply = connection.nextReply(), case .hello(let minimum, let maximum, let pid) = reply.result,
            minimum <= maximum
        else { throw NameServiceError.lost }
        return Opened(connection: connection, pid: pid, isFresh: isFresh, versions: minimum...maximum)
    }
}

/// A socket that one thread writes and one reads.
private final class SharedConnection: @unchecked Sendable {
    let descriptor: OwnedFD
    // Touched by the reading thread only.
    private var received: [UInt8] = []
    private var searched = 0

    init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }

    /// The process that listens at the other end (unix(7), SO_PEERCRED); 0 when it is nobody's that is known here.
    var peer: Int32 {
        // struct ucred: pid, uid, gid.
        var credentials: [Int32] = [0, 0, 0]
        var length = socklen_t(12)
        getsockopt(descriptor.raw, SOL_SOCKET, SO_PEERCRED, &credentials, &length)
        return credentials[0]
    }

    /// How long the next reads wait; zero is for ever.
    func setPatience(_ time: Duration) {
        var limit = timeval(tv_sec: Int(time.components.seconds), tv_usec: 0)
        setsockopt(descriptor.raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    func write(_ bytes: [UInt8]) throws(SyscallError) {
        var done = 0
        while done < bytes.count {
            done += try syscall("send", on: "berth-net") {
                bytes.withUnsafeBytes {
                    send(descriptor.raw, $0.baseAddress?.advanced(by: done), bytes.count - done, CInt(MSG_NOSIGNAL))
                }
            }
        }
    }

    /// The next line; nil at the end, or when it is none of ours.
    func nextReply() -> NetReply? { nextLine().flatMap { try? decodeJSON(NetReply.self, from: $0) } }

    /// False at the end.
    func skipReply() -> Bool { nextLine() != nil }

    private func nextLine() -> [UInt8]? {
        while true {
            if let end = received[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(received[..<end])
                received.removeFirst(end + 1)
                searched = 0
                return line
            }
            searched = received.count
            var buffer = [UInt8](repeating: 0, count: 65536)
            guard let count = try? buffer.withUnsafeMutableBytes({ try descriptor.read(into: $0) }), count > 0,
                received.count + count <= NetProtocol.longestLine
            else { return nil }
            received += buffer[..<count]
        }
    }
}
