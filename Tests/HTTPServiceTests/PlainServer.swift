import Glibc
import HTTPService
import Linux
import NIOCore
import NIOHTTP1
import Synchronization

/// A server with routes for trying the service alone: `/echo` gives back the body, `/beginning` the first piece of it before the rest
/// is there, `/wait` answers when it is let go, `/socket` goes over to a websocket that says everything back, `/glue` to a plain stream that does, `/flood` to one that says
/// much and nothing after it heard that the client is done.
struct PlainServer: Sendable {
    private static let pool = BlockingPool(name: "clients", limit: 64)

    let server: HTTPServer
    let routes: PlainRoutes
    let socket: String

    static func with(_ limits: ServerLimits = ServerLimits(), _ body: (PlainServer) async throws -> Void) async throws {
        let folder = "/tmp/berth-http-\(getpid())-\(UInt32.random(in: .min ... .max))"
        try makeFolders(folder)
        defer { try? removeTree(folder) }
        ignoreClosedPipes()
        let routes = PlainRoutes()
        let server = HTTPServer(
            routes: routes, spoolFolder: "\(folder)/spool", activity: Activity {}, limits: limits)
        try await server.start(at: "\(folder)/socket")
        try await body(PlainServer(server: server, routes: routes, socket: "\(folder)/socket"))
        routes.letGo()
    }

    func connect() throws -> Client { Client(try UnixSocket.connect(socket)) }

    /// The whole of an answer to a GET on a connection of its own.
    func get(_ path: String) async throws -> String {
        let client = try connect()
        try await client.send("GET \(path) HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        return try await client.rest()
    }

    /// One connection; what waits does so on a thread of its own.
    final class Client: Sendable {
        private let connection: OwnedFD

        init(_ connection: consuming OwnedFD) { self.connection = connection }

        func send(_ text: String) async throws { try await send(Array(text.utf8)) }
        func send(_ bytes: [UInt8]) async throws { try await pool.run { [self] in try connection.write(bytes) } }

        /// Sends `text` and says that nothing more comes, in the moment in which the head of an answer is there.
        func answerAtOnce(_ text: String) async throws {
            try await pool.run { [self] in
                var head: [UInt8] = []
                while !head.reversed().starts(with: Array("\n\r\n\r".utf8)) {
                    let more = try connection.readSome(limit: 1)
                    if more.isEmpty { return }
                    head += more
                }
                try connection.write(Array(text.utf8))
                end()
            }
        }

        /// Says that nothing more comes.
        func end() { shutdown(connection.raw, CInt(SHUT_WR)) }

        /// What comes next; nothing at the end, or when the other side has gone.
        func next() async throws -> [UInt8] {
            await pool.runInfallible { [self] in (try? connection.readSome()) ?? [] }
        }

        func rest() async throws -> String {
            var all: [UInt8] = []
            while true {
                let more = try await next()
                if more.isEmpty { return String(decoding: all, as: UTF8.self) }
                all += more
            }
        }

        /// So many bytes, or fewer at the end.
        func bytes(_ count: Int) async throws -> [UInt8] {
            var all: [UInt8] = []
            while all.count < count {
                let more = try await next()
                if more.isEmpty { break }
                all += more
            }
            return all
        }

        /// Up to the end of the head of an answer.
        func head() async throws -> String {
            var text = ""
            while !text.hasSuffix("\r\n\r\n") {
                let more = try await pool.run { [self] in try connection.readSome(limit: 1) }
                if more.isEmpty { return text }
                text += String(decoding: more, as: UTF8.self)
            }
            return text
        }
    }
}

final class PlainRoutes: HTTPRoutes {
    private let waiting = Mutex<[CheckedContinuation<Void, Never>]>([])
    private let isOpen = Mutex(false)
    private let isFloodOver = Mutex(false)
    private let isReading = Mutex(false)
    private let isCancelled = Mutex(false)
    /// `/whole`, which waits for ever, is under way; it was told that nobody waits for its answer.
    var readsWhole: Bool { isReading.withLock { $0 } }
    var wasCancelled: Bool { isCancelled.withLock { $0 } }
    /// What `/flood` had to say is said, and its end closed.
    var hasFlooded: Bool { isFloodOver.withLock { $0 } }
    /// More than a socket keeps for a client that does not read.
    static let flood = [UInt8](repeating: 7, count: 300_000)
    var waiters: Int { waiting.withLock { $0.count } }

    func letGo() {
        isOpen.withLock { $0 = true }
        let all = waiting.withLock { waiters in
            defer { waiters = [] }
            return waiters
        }
        for waiter in all { waiter.resume() }
    }

    func bodyForm(of head: HTTPRequestHead) -> BodyForm {
        ["/beginning", "/whole"].contains(head.uri) ? .stream : .memory
    }

    func respond(to request: Request) async -> Response {
        switch request.segments.first {
        case "echo": return .whole(.ok, [:], request.body)
        case "wait":
            if !isOpen.withLock({ $0 }) {
                await withCheckedContinuation { continuation in waiting.withLock { $0.append(continuation) } }
            }
            return .whole(.ok, [:], Array("done".utf8))
        case "beginning":
            // What comes up to the first pause; the rest is nobody's.
            let body = try? request.stream?.take()?.readPiece(64 << 10)
            return .whole(.ok, [:], body ?? [])
        case "whole":
            isReading.withLock { $0 = true }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in waiting.withLock { $0.append(continuation) } }
            } onCancel: {
                isCancelled.withLock { $0 = true }
                letGo()
            }
            return .whole(.ok, [:], [])
        case "socket": return stream()
        case "glue":
            return .stream(StreamSwitch(headers: [:], translation: { Echo() }, descriptor: Self.echo))
        case "flood":
            return .stream(
                StreamSwitch(headers: [:], translation: { Echo() }, descriptor: { try await self.flooding() }))
        default: return .whole(.notFound, [:], [])
        }
    }

    private func stream() -> Response {
        var wanted = StreamSwitch(headers: [:], translation: { Echo() }, descriptor: Self.echo)
        wanted.webSocket = .binary
        return .stream(wanted)
    }

    /// A socket whose other end says back what it hears, up to a `!`.
    @Sendable private static func echo() async throws -> CInt {
        var pair = try UnixSocket.pair()
        let ours = pair.takeFirst()
        let theirs = pair.takeSecond()
        let thread = BlockingPool(name: "echo", limit: 1)
        let box = Descriptor(ours)
        Task {
            await thread.runInfallible {
                while let bytes = try? box.descriptor.readSome(), !bytes.isEmpty {
                    if (try? box.descriptor.write(bytes)) == nil { return }
                    if bytes.last == UInt8(ascii: "!") { return }
                }
            }
            _ = box
        }
        return theirs.release()
    }

    private func flooding() async throws -> CInt {
        var pair = try UnixSocket.pair()
        let box = Descriptor(pair.takeFirst())
        let theirs = pair.takeSecond()
        let thread = BlockingPool(name: "flood", limit: 1)
        Task {
            await thread.runInfallible {
                guard let ended = try? box.descriptor.readSome(), ended == Array("ended!".utf8) else { return }
                _ = try? box.descriptor.write(Self.flood)
            }
            shutdown(box.descriptor.raw, CInt(SHUT_RDWR))
            isFloodOver.withLock { $0 = true }
        }
        return theirs.release()
    }

    func failure(_ error: any Error) -> Response { .whole(.internalServerError, [:], Array("\(error)".utf8)) }
    func bodyTooLong(limit: Int) -> Response { .whole(.payloadTooLarge, [:], []) }
    func busy() -> Response { .whole(.serviceUnavailable, [:], Array("busy".utf8)) }
}

private final class Descriptor: Sendable {
    let descriptor: OwnedFD
    init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }
}

/// Passes everything on.
private struct Echo: StreamTranslation {
    mutating func toClient(_ bytes: inout ByteBuffer, into output: inout ByteBuffer) { output.writeBuffer(&bytes) }
    mutating func fromClient(_ bytes: inout ByteBuffer, into output: inout ByteBuffer) { output.writeBuffer(&bytes) }
    mutating func clientEnded(into output: inout ByteBuffer) { output.writeString("ended!") }
    var isDetached: Bool { false }
}
