import Glibc
import JSON
import Linux
import NameService
import Synchronization

/// Why `berth-net` did not carry out a request.
package enum NameServiceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It refused; its text.
    case refused(String)
    /// The connection ended, because it was killed or has left.
    case lost
    /// It supports only other versions of the protocol.
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

/// The engine's connection to its `berth-net`. Starts it when none runs.
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

    /// The process at the other end.
    package let pid: Int32
    /// Whether this call started it. Then it knows nothing yet, and the engine must send everything.
    package let isFresh: Bool

    private let connection: SharedConnection
    private let state = Mutex(State())
    private let writer: BlockingPool

    /// Connects to the `berth-net` of `folder`, or starts the program at `program` there.
    /// - Throws: `NameServiceError`, or `SyscallError` when the program cannot start.
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

    /// Sends a request and waits for the reply.
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

    /// Starts a name server in a namespace. Returns its ports on 127.0.0.11 for `NetworkDriver.redirectDNS`. If it can
    /// use the ports of an earlier service, the rules there remain right.
    package func serve(
        id: String, namespacePath: String, udpPort: UInt16? = nil, tcpPort: UInt16? = nil
    ) async throws -> (udpPort: UInt16, tcpPort: UInt16) {
        let result = try await request(
            .serve(id: id, namespacePath: namespacePath, udpPort: udpPort, tcpPort: tcpPort))
        guard case .serving(let udpPort, let tcpPort) = result else { throw NameServiceError.refused("\(result)") }
        return (udpPort, tcpPort)
    }

    /// The result of a request to hold ports.
    package enum Reservation: Hashable, Sendable {
        /// At these ports, in the order of the request.
        case held([UInt16])
        case taken(PortClash)
    }

    /// Holds host ports for `owner`, instead of all that it held before.
    package func hold(_ wishes: [PortWish], for owner: String) async throws -> Reservation {
        switch try await request(.hold(owner: owner, wishes: wishes)) {
        case .held(let ports) where ports.count == wishes.count: .held(ports)
        case .taken(let clash): .taken(clash)
        case let other: throw NameServiceError.refused("unexpected answer to a reservation: \(other)")
        }
    }

    /// What prevents `count` ports of `wish`; nil when they are available.
    package func probe(_ wish: PortWish, count: Int) async throws -> PortClash? {
        guard case .taken(let clash) = try await request(.probe(wish, count: count)) else { return nil }
        return clash
    }

    /// Everything that it holds and serves, for an engine that has just started.
    package func currentState() async throws -> NetState {
        guard case .state(let state) = try await request(.state) else { throw NameServiceError.refused("no state") }
        return state
    }

    /// Makes it keep a socket of this process.
    package func keep(_ socket: KeptSocket) async throws { _ = try await request(.keep(socket, pid: getpid())) }

    /// The socket that it keeps for `path`, with a copy of it.
    package func keptSocket(at path: String) async throws -> KeptSocket? {
        guard var kept = try await currentState().sockets?.first(where: { $0.path == path }) else { return nil }
        kept.descriptor = try ProcessHandle(pid: pid).descriptor(kept.descriptor).release()
        return kept
    }

    /// Returns when the connection has ended. The service has lost everything, so start a new one and send everything
    /// again.
    package func waitForEnd() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                if !state.hasEnded { state.endWaiters.append(continuation) }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    /// Ends the connection; the service continues.
    package func disconnect() { shutdown(connection.descriptor.raw, CInt(SHUT_RDWR)) }

    /// Runs while replies are outstanding. If the service does not reply for long, it may have been stopped, so sends
    /// it SIGCONT. If it still does not reply, kills it, and another one takes its place.
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

    /// When the oldest outstanding request was sent; nil when there is none, and then nobody watches any more.
    private func oldestQuestion() -> ContinuousClock.Instant? {
        state.withLock { state in
            let oldest = state.waiting.values.map(\.since).min()
            if oldest == nil { state.isWatched = false }
            return oldest
        }
    }

    /// The service handles every request at once, but a busy machine may be slow.
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
                // Another release: the engine knows everything that it holds, and sends it to a service of its own
                // release.
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
            _ = consume theirs  // otherwise its end would never arrive
            return try greet(own, isFresh: true)
        } catch {
            var status: CInt = 0
            kill(pid, SIGKILL)
            waitpid(pid, &status, 0)
            throw error
        }
    }

    /// The greeting of a running service. Sends SIGCONT to a stopped one; nil if it still does not greet.
    private static func greetPatiently(_ connection: SharedConnection) throws -> Opened? {
        connection.setPatience(patience)
        defer { connection.setPatience(.zero) }
        if let opened = try? greet(connection, isFresh: false) { return opened }
        signal(connection.peer, SIGCONT)
        return try? greet(connection, isFresh: false)
    }

    /// Waits until the service of `folder` has ended. Kills one that was asked to leave, or does not answer, and stays.
    private static func awaitEnd(of pid: Int32, _ folder: String) throws {
        for attempt in 0..<200 {
            guard try FileLock.isHeld("\(folder)/net.lock") else { return }
            if attempt == 40 { signal(pid, SIGKILL) }
            usleep(25_000)
        }
        throw NameServiceError.refused("process \(pid) holds \(folder)/net.lock, does not answer and cannot be killed")
    }

    private static func greet(_ connection: SharedConnection, isFresh: Bool) throws -> Opened {
        guard let reply = connection.nextReply(), case .hello(let minimum, let maximum, let pid) = reply.result,
            minimum <= maximum
        else { throw NameServiceError.lost }
        return Opened(connection: connection, pid: pid, isFresh: isFresh, versions: minimum...maximum)
    }
}

/// A socket that one thread writes and another reads.
private final class SharedConnection: @unchecked Sendable {
    let descriptor: OwnedFD
    // Only the reading thread uses these.
    private var received: [UInt8] = []
    private var searched = 0

    init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }

    /// The process at the other end (unix(7), SO_PEERCRED); 0 when it is not visible in this pid namespace.
    var peer: Int32 {
        // struct ucred: pid, uid, gid.
        var credentials: [Int32] = [0, 0, 0]
        var length = socklen_t(12)
        getsockopt(descriptor.raw, SOL_SOCKET, SO_PEERCRED, &credentials, &length)
        return credentials[0]
    }

    /// The time limit of the next reads; zero means none.
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

    /// The next line; nil at the end, or for an unknown line.
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
