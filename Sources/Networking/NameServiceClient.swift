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
    private struct State {
        var lastID = 0
        var waiting: [Int: CheckedContinuation<NetResult, any Error>] = [:]
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
                state.waiting[state.lastID] = continuation
                return state.lastID
            }
            guard let id else { return continuation.resume(throwing: NameServiceError.lost) }
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

    private func send(_ request: NetRequest) async {
        do {
            let bytes = try encodeJSON(request) + [UInt8(ascii: "\n")]
            try await writer.run { [connection] in try connection.write(bytes) }
        } catch {
            let waiting = state.withLock { $0.waiting.removeValue(forKey: request.id) }
            waiting?.resume(throwing: NameServiceError.lost)
        }
    }

    private func startReading(reaping: Bool) throws(SyscallError) {
        try startThread { [self] in
            while let reply = connection.nextReply() {
                let waiting = state.withLock { $0.waiting.removeValue(forKey: reply.id) }
                waiting?.resume(returning: reply.result)
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
        for continuation in waiting.values { continuation.resume(throwing: NameServiceError.lost) }
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
            let opened = try greet(SharedConnection(descriptor), isFresh: false)
            if opened.versions.overlaps(NetProtocol.versions) { return opened }
            // One of another release: the engine knows all that it holds, and tells it to one of its own.
            try endForeign(opened, folder)
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

    /// `leave` is the same in every version.
    private static func endForeign(_ opened: Opened, _ folder: String) throws {
        try opened.connection.write(try encodeJSON(NetRequest(id: 1, command: .leave)) + [UInt8(ascii: "\n")])
        while opened.connection.skipReply() {}
        _ = try FileLock.wait("\(folder)/net.lock")
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
