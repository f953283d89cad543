import AttachStream
import Builder
import Dockerfile
import EngineWire
import Glibc
import JSON
import Linux
import Synchronization

/// The engine's end of the connection of builds: events go to the client, questions about its folders too, and answers come back.
final class BuildSocket: Sendable {
    private struct State {
        var outgoing: [UInt8] = []
        var incoming: [StreamFrame] = []
        var isClosed = false
        /// The writer ends when it has sent everything.
        var isFinished = false
    }

    private let socket: Handle
    // The mutex guards both queues; the semaphores count what is in them.
    private let state = Mutex(State())
    private let hasOutgoing = Semaphore()
    private let hasIncoming = Semaphore()
    /// One question at a time.
    private let turn = Semaphore(1)
    /// One output at a time.
    private let outputTurn = Semaphore(1)
    private let onEnd: @Sendable () -> Void

    private final class Handle: Sendable {
        let descriptor: OwnedFD
        init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }
    }

    /// A step waits when the client is this many bytes behind.
    private static let roomForOutput = 8 << 20

    /// Takes over `socket`; `onEnd` hears once that the client went away or gave the build up.
    init(_ socket: consuming OwnedFD, onEnd: @escaping @Sendable () -> Void) throws {
        self.socket = Handle(socket)
        self.onEnd = onEnd
        try startThread { [self] in read() }
        try startThread { [self] in write() }
    }

    // MARK: To the client

    /// Queues an event; never waits.
    func tell(_ event: BuildEvent, of build: Int) {
        guard let bytes = try? encodeJSON(BuildMessage(build: build, event: event)) else { return }
        send(StreamFrame(.init(rawValue: BuildFrames.event), bytes))
    }

    /// Waits until the client has taken most of what was told. For threads of their own.
    func waitForRoom() {
        while state.withLock({ $0.outgoing.count > Self.roomForOutput && !$0.isClosed }) { usleep(2000) }
    }

    /// Sends what is left, and closes.
    func finish() {
        state.withLock { $0.isFinished = true }
        hasOutgoing.signal()
    }

    fileprivate func send(_ frame: StreamFrame) {
        let isOpen = state.withLock { state in
            guard !state.isClosed else { return false }
            state.outgoing += frame.bytes
            return true
        }
        if isOpen { hasOutgoing.signal() }
    }

    private func write() {
        while true {
            hasOutgoing.wait()
            let (bytes, isLast) = state.withLock { state in
                defer { state.outgoing = [] }
                return (state.outgoing, state.isFinished || state.isClosed)
            }
            var done = 0
            while done < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Glibc.send(
                        socket.descriptor.raw, $0.baseAddress?.advanced(by: done), bytes.count - done,
                        CInt(MSG_NOSIGNAL))
                }
                if count < 0, Errno.current == .interrupted { continue }
                guard count > 0 else { return close() }
                done += count
            }
            if isLast {
                shutdown(socket.descriptor.raw, CInt(SHUT_RDWR))
                return
            }
        }
    }

    // MARK: From the client

    private func read() {
        var reader = StreamFrameReader()
        var chunk = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(socket.descriptor.raw, $0.baseAddress, $0.count) }
            if count < 0, Errno.current == .interrupted { continue }
            guard count > 0, let frames = try? reader.frames(adding: chunk[..<count]) else { return close() }
            for frame in frames {
                guard frame.kind.rawValue != BuildFrames.cancel else {
                    onEnd()
                    continue
                }
                state.withLock { $0.incoming.append(frame) }
                hasIncoming.signal()
            }
        }
    }

    private func close() {
        let isNew = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isNew else { return }
        onEnd()
        hasIncoming.signal()
        hasOutgoing.signal()
    }

    /// The next frame of an answer. Waits.
    fileprivate func next() throws -> StreamFrame {
        hasIncoming.wait()
        let frame = state.withLock { state in state.incoming.isEmpty ? nil : state.incoming.removeFirst() }
        guard let frame else {
            hasIncoming.signal()  // for the next one who asks
            throw CancellationError()
        }
        if frame.kind.rawValue == BuildFrames.failure {
            throw SourceFailure.unreadable(String(decoding: frame.payload, as: UTF8.self))
        }
        return frame
    }

    // MARK: Questions

    fileprivate func ask<Answer>(_ question: ContextQuestion<SourceQuery>, _ body: () throws -> Answer) throws -> Answer
    {
        turn.wait()
        defer { turn.signal() }
        send(StreamFrame(.init(rawValue: BuildFrames.question), try encodeJSON(question)))
        return try body()
    }

    /// Sends an output, no faster than the client takes it.
    fileprivate func deliver(
        _ head: BuildOutputHead, _ write: (@escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        outputTurn.wait()
        defer { outputTurn.signal() }
        send(StreamFrame(.init(rawValue: BuildFrames.output), try encodeJSON(head)))
        try write { [self] piece in
            for start in stride(from: 0, to: piece.count, by: BuildFrames.piece) {
                waitForRoom()
                guard !state.withLock({ $0.isClosed }) else { throw CancellationError() }
                let end = min(start + BuildFrames.piece, piece.count)
                send(StreamFrame(.init(rawValue: BuildFrames.outputPiece), Array(piece[start..<end])))
            }
        }
        send(StreamFrame(.init(rawValue: BuildFrames.outputEnd)))
    }
}

/// The folders of one of the builds.
struct BuildContexts: ContextSource {
    let socket: BuildSocket
    let build: Int

    func deliver(
        _ output: Int, _ write: (_ piece: @escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        try socket.deliver(BuildOutputHead(build: build, output: output), write)
    }

    func list(_ query: SourceQuery, in context: String) throws -> [[SourceMatch]] {
        try socket.ask(ContextQuestion(build: build, context: context, list: query)) {
            var bytes: [UInt8] = []
            while true {
                let frame = try socket.next()
                if frame.kind.rawValue == BuildFrames.listEnd { break }
                bytes += frame.payload
                guard bytes.count <= 1 << 30 else { throw SourceFailure.unreadable("the context has too many files") }
            }
            let answer = try decodeJSON(
                ContextAnswer<SourceMatch, SourceFailure>.self, from: bytes, limits: JSONLimits(bytes: 1 << 30))
            switch answer {
            case .found(let matches): return matches
            case .failed(let failure): throw failure
            }
        }
    }

    func fetch(_ paths: [String], in context: String, _ take: (Int, () throws -> [UInt8]?) throws -> Void) throws {
        try socket.ask(ContextQuestion(build: build, context: context, fetch: paths)) {
            var taken = 0
            var failure: (any Error)?
            for index in paths.indices {
                var isAtEnd = false
                func piece() throws -> [UInt8]? {
                    if isAtEnd { return nil }
                    let frame = try socket.next()
                    guard frame.kind.rawValue == BuildFrames.file else {
                        isAtEnd = true
                        return nil
                    }
                    taken += frame.payload.count
                    if taken >= BuildFrames.window {
                        taken -= BuildFrames.window
                        socket.send(StreamFrame(.init(rawValue: BuildFrames.goOn)))
                    }
                    return frame.payload
                }
                // The client sends everything that it was asked for, even if nobody wants it any more.
                if failure == nil {
                    do { try take(index, piece) } catch {
                        if error is CancellationError || error is SourceFailure { throw error }
                        failure = error
                    }
                }
                while try piece() != nil {}
            }
            if let failure { throw failure }
        }
    }
}
