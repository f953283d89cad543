import Engine
import EngineAPI
import EngineWire
import Glibc
import HTTPService
import Linux
import Logging
import Networking
import ProjectModel

/// A server of an engine on a simulated machine, in a folder of its own.
struct TestServer: Sendable {
    let engine: Engine
    let server: HTTPServer
    let folder: String
    var socket: String { "\(folder)/engine.sock" }

    private static let pool = BlockingPool(name: "clients", limit: 8)

    static func with(_ body: (TestServer) async throws -> Void) async throws {
        let folder = "/tmp/berth-api-\(getpid())-\(UInt32.random(in: .min ... .max))"
        try makeFolders(folder)
        defer { try? removeTree(folder) }
        let machine = SimulatedMachine(seed: 1)
        machine.addImage("busybox", id: "sha256:1")
        var settings = EngineSettings()
        (settings.root, settings.run) = (folder, folder)
        let store = try Store(path: "\(folder)/engine.db")
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let engine = Engine(
            settings: settings, store: store, content: try await store.load(), machine: machine,
            resolver: { .init() }, log: log)
        let server = HTTPServer(
            routes: Routes(engine: engine, log: log), spoolFolder: "\(folder)/spool", activity: Activity {})
        let test = TestServer(engine: engine, server: server, folder: folder)
        try await server.start(at: test.socket)
        await engine.start()
        try await body(test)
    }

    /// The id of a container that runs in the project `demo`.
    func runContainer() async throws -> String {
        var service = Service(name: "web", image: "busybox")
        service.scale = 1
        let operation = try await engine.submit(
            OperationRequest(key: "up", verb: .up(UpOptions()), project: Project(name: "demo", services: [service])),
            to: "demo")
        for await _ in operation.events() {}
        return await engine.containers(of: "demo", all: true).first?.id ?? ""
    }

    struct Answer: Sendable {
        var status: Int
        var body: String
    }

    /// Sends `bytes` and reads until the server closes the connection, or so many answers have come.
    func ask(_ bytes: [UInt8], answers: Int = .max, closesSide: Bool = false) async throws -> [Answer] {
        let socket = socket
        return try await Self.pool.run {
            let connection = try UnixSocket.connect(socket)
            // The server may answer and close before it has read all.
            try? connection.write(bytes)
            if closesSide { shutdown(connection.raw, CInt(SHUT_WR)) }
            var received: [UInt8] = []
            while true {
                let more = (try? connection.readSome()) ?? []
                received += more
                let found = Self.answers(received)
                if more.isEmpty || found.count >= answers { return found }
            }
        }
    }

    /// Waits until no connection is open.
    func eventuallyIdle() async throws {
        let end = ContinuousClock.now + .seconds(30)
        while server.activity.connections > 0 {
            guard ContinuousClock.now < end else { throw Stuck() }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    struct Stuck: Error {}

    /// The whole answers at the beginning of `bytes`.
    private static func answers(_ bytes: [UInt8]) -> [Answer] {
        var answers: [Answer] = []
        var rest = String(decoding: bytes, as: UTF8.self)[...]
        while let end = rest.firstRange(of: "\r\n\r\n") {
            let head = rest[..<end.lowerBound]
            guard let status = Int(head.dropFirst("HTTP/1.1 ".count).prefix(3)) else { break }
            rest = rest[end.upperBound...]
            var body = ""
            if head.lowercased().contains("transfer-encoding: chunked") {
                while let line = rest.firstRange(of: "\r\n"), let size = Int(rest[..<line.lowerBound], radix: 16) {
                    let chunk = rest[line.upperBound...].utf8.prefix(size)
                    body += String(decoding: chunk, as: UTF8.self)
                    rest = rest[chunk.endIndex...].dropFirst()  // CR LF is one character
                    if size == 0 { break }
                }
            } else if let place = head.lowercased().firstRange(of: "content-length: ") {
                let size = Int(head.lowercased()[place.upperBound...].prefix { $0.isNumber }) ?? 0
                let content = rest.utf8.prefix(size)
                guard content.count == size else { break }
                body = String(decoding: content, as: UTF8.self)
                rest = rest[content.endIndex...]
            }
            answers.append(Answer(status: status, body: body))
        }
        return answers
    }
}
