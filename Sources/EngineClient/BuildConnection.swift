import AttachStream
import BuildContext
import Dockerfile
import EngineWire
import Glibc
import JSON
import Linux

/// A part of an output; the parts of one output come without another in between.
package enum BuildOutputEvent: Sendable {
    case begins(BuildOutputHead)
    case piece([UInt8])
    case ends
}

/// Builds in progress: returns their events, and answers the engine's questions about the contexts.
package final class BuildConnection {
    private let stream: AttachedStream
    private var contexts: [[String: ContextFolder]]
    /// Opens a context that only appears in a Dockerfile: a repository.
    private let open: (String) throws -> ContextFolder?
    private var messages: [BuildMessage] = []
    private var isAtEnd = false
    private var unacknowledged = 0
    private let take: (BuildOutputEvent) throws -> Void
    /// Waits until the stream is readable, with `true` also until it is writable, or a signal comes. Returns whether it
    /// is readable.
    private let wait: (AttachedStream, Bool) throws -> Bool

    init(
        _ stream: AttachedStream, contexts: [[String: ContextFolder]],
        open: @escaping (String) throws -> ContextFolder?,
        take: @escaping (BuildOutputEvent) throws -> Void,
        wait: @escaping (AttachedStream, _ toWrite: Bool) throws -> Bool
    ) {
        self.stream = stream
        self.contexts = contexts
        self.open = open
        self.take = take
        self.wait = wait
    }

    /// The events that have arrived; waits if there are none. nil at the end, unless `isInterrupted` says that `wait`
    /// returned for another reason.
    package func next(unless isInterrupted: () -> Bool = { false }) throws -> [BuildMessage]? {
        while messages.isEmpty {
            if isAtEnd { return nil }
            try receive()
            if isInterrupted() { break }
        }
        defer { messages = [] }
        return messages
    }

    /// Cancels the builds: the engine ends them, and reports that.
    package func cancel() throws(EngineFailure) {
        try stream.send(StreamFrame(.init(rawValue: BuildFrames.cancel)))
    }

    /// Reads once. Answers questions before it returns.
    private func receive() throws {
        var questions: [ContextQuestion<SourceQuery>] = []
        // Reading blocks, so first send as much of the queue as possible, and read only when something has arrived.
        let isReadable = try stream.hasBuffered || wait(stream, stream.unsent > 0)
        try stream.flush()
        guard isReadable else { return }
        guard let frames = try stream.frames() else {
            isAtEnd = true
            return
        }
        for frame in frames {
            switch frame.kind.rawValue {
            case BuildFrames.event: messages.append(try decode(BuildMessage.self, frame))
            case BuildFrames.question: questions.append(try decode(ContextQuestion<SourceQuery>.self, frame))
            case BuildFrames.output: try take(.begins(try decode(BuildOutputHead.self, frame)))
            case BuildFrames.outputPiece: try take(.piece(frame.payload))
            case BuildFrames.outputEnd: try take(.ends)
            case BuildFrames.goOn: unacknowledged -= BuildFrames.window
            default: continue
            }
        }
        for question in questions { try answer(question) }
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ frame: StreamFrame) throws(EngineFailure) -> Value {
        do { return try decodeJSON(type, from: frame.payload) } catch {
            throw EngineFailure(
                code: .protocolViolated,
                message: "berth does not understand the engine: \(plainText(of: error))",
                hint: "berth and berthd may have different versions: `berth version` shows both")
        }
    }

    private func answer(_ question: ContextQuestion<SourceQuery>) throws {
        guard contexts.indices.contains(question.build), let context = try context(question.context, of: question.build)
        else { return try fail("there is no context '\(question.context)'") }
        if let query = question.list {
            let bytes = try encodeJSON(context.matches(query))
            for start in stride(from: 0, to: bytes.count, by: BuildFrames.piece) {
                try send(BuildFrames.list, Array(bytes[start..<min(start + BuildFrames.piece, bytes.count)]))
            }
            try send(BuildFrames.listEnd, [])
        }
        unacknowledged = 0
        for path in question.fetch ?? [] {
            do { try sendFile(context, path) } catch let error as SyscallError {
                return try fail("\(path) cannot be read: \(error.code)")
            }
        }
    }

    private func context(_ name: String, of build: Int) throws -> ContextFolder? {
        if let context = contexts[build][name] { return context }
        let opened = try open(name)
        contexts[build][name] = opened
        return opened
    }

    private func sendFile(_ context: ContextFolder, _ path: String) throws {
        let file = try context.open(path)
        // A file that grows meanwhile must still come to an end.
        var left = try Int64(file.status().st_size)
        if left == 0 { left = .max }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: BuildFrames.piece, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try Int(min(left, Int64(file.read(into: buffer))))
            if count == 0 { break }
            left -= Int64(count)
            try send(BuildFrames.file, Array(buffer[..<count]))
            unacknowledged += count
            // Stay within what the engine has acknowledged.
            while unacknowledged >= 2 * BuildFrames.window, !isAtEnd { try receive() }
        }
        try send(BuildFrames.fileEnd, [])
    }

    private func fail(_ reason: String) throws { try send(BuildFrames.failure, Array(reason.utf8)) }

    /// Sends a complete frame.
    private func send(_ kind: UInt8, _ payload: [UInt8]) throws {
        try stream.send(StreamFrame(.init(rawValue: kind), payload))
        while stream.unsent > BuildFrames.piece, !isAtEnd {
            _ = try wait(stream, true)
            try stream.flush()
        }
    }
}

extension EngineClient {
    /// Begins builds, each with its contexts; `open` opens any other context. `take` gets their outputs; `wait` runs
    /// when there is nothing to do but wait for the stream.
    package func build(
        _ batch: BuildBatch, contexts: [[String: ContextFolder]],
        open: @escaping (String) throws -> ContextFolder? = { _ in nil },
        take: @escaping (BuildOutputEvent) throws -> Void = { _ in },
        wait: @escaping (AttachedStream, _ toWrite: Bool) throws -> Bool
    ) throws(EngineFailure) -> BuildConnection {
        let stream = try upgrade("/v1/builds", .bytes(try json(batch)))
        return BuildConnection(stream, contexts: contexts, open: open, take: take, wait: wait)
    }

    /// The streams of a shell that a build offers.
    package func shell(_ id: String) throws(EngineFailure) -> AttachedStream {
        try upgrade("/v1/builds/shells/\(percentEncoded(id))", .bytes(try json(Nothing())))
    }

    package func buildCache() throws(EngineFailure) -> [BuildCacheRow] { try get("/v1/builds/cache") }

    package func pruneBuildCache(_ request: BuildPruneRequest) throws(EngineFailure) -> PruneReport {
        try post("/v1/builds/prune", request)
    }
}
