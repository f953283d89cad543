import DockerAPI
import Engine
import EngineWire
import Glibc
import JSON
import Linux
import Logging
import NIOHTTP1
import Networking
import ProjectModel
import Testing

@testable import HTTPService

/// The Docker routes of an engine on a simulated machine, in a folder of its own; asked without a socket.
struct DockerServer: Sendable {
    let engine: Engine
    let routes: DockerRoutes
    let folder: String

    static func with(
        _ prepare: (SimulatedMachine) -> Void = { _ in }, _ body: (DockerServer) async throws -> Void
    ) async throws {
        let folder = "/tmp/berth-docker-\(getpid())-\(UInt32.random(in: .min ... .max))"
        try makeFolders(folder)
        defer { try? removeTree(folder) }
        let machine = SimulatedMachine(seed: 1)
        machine.addImage("busybox", id: "sha256:1")
        prepare(machine)
        var settings = EngineSettings()
        (settings.root, settings.run) = (folder, folder)
        let store = try Store(path: "\(folder)/engine.db")
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let engine = Engine(
            settings: settings, store: store, content: try await store.load(), machine: machine,
            resolver: { .init() }, log: log)
        await engine.start()
        try await body(
            DockerServer(engine: engine, routes: DockerRoutes(engine: engine, log: log), folder: folder))
    }

    struct Answer: Sendable {
        var status: Int
        var headers: HTTPHeaders
        var body: String
        /// nil for what is no JSON.
        var json: JSONValue? { try? JSONValue(parsing: Array(body.utf8)) }
    }

    /// What `request`, as `GET /path`, is answered with; of a stream all there is until it ends.
    func ask(_ request: String, _ body: String = "") async -> Answer {
        let words = request.split(separator: " ", maxSplits: 1)
        return await answer(HTTPMethod(rawValue: String(words[0])), String(words[1]), body, file: nil)
    }

    /// The same with `file` as the body of any length: kept on disk, or read while it arrives.
    func ask(
        _ method: HTTPMethod, _ uri: String, _ body: String, file: String? = nil, headers: HTTPHeaders = [:]
    ) async throws -> Answer {
        guard let file else { return await answer(method, uri, body, file: nil, headers) }
        let spool = try await BodySpool(folder: "\(folder)/spool").open()
        try await spool.append(Array(file.utf8))
        return await answer(method, uri, body, file: spool)
    }

    private func answer(
        _ method: HTTPMethod, _ uri: String, _ body: String, file: SpoolFile?, _ more: HTTPHeaders = [:]
    ) async -> Answer {
        var headers = HTTPHeaders([("host", "docker")])
        headers.add(contentsOf: more)
        if !body.isEmpty { headers.add(name: "content-type", value: "application/json") }
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: uri, headers: headers)
        var stream: StreamedBody?
        if let file, routes.bodyForm(of: head) == .stream, let bytes = try? file.reopened().readToEnd() {
            stream = try? StreamedBody()
            await stream?.append(bytes)
            stream?.finish()
        }
        switch await routes.respond(to: Request(head: head, body: Array(body.utf8), file: file, stream: stream)) {
        case .whole(let status, let headers, let bytes):
            return Answer(status: Int(status.code), headers: headers, body: String(decoding: bytes, as: UTF8.self))
        case .chunks(let headers, let chunks):
            var bytes: [UInt8] = []
            for await chunk in chunks { bytes += chunk }
            return Answer(status: 200, headers: headers, body: String(decoding: bytes, as: UTF8.self))
        case .download(let headers, let chunks):
            var bytes: [UInt8] = []
            do { for try await chunk in chunks { bytes += chunk } } catch { Issue.record(error) }
            return Answer(status: 200, headers: headers, body: String(decoding: bytes, as: UTF8.self))
        case .stream(let wanted):
            return Answer(status: Int(wanted.status.code), headers: wanted.headers, body: "")
        }
    }
}
