import Engine
import EngineWire
import HTTPService
import JSON
import Logging
import NIOHTTP1

/// The Docker Engine API. It only translates between clients and the engine.
package struct DockerRoutes: HTTPRoutes {
    let engine: Engine
    let log: Logger
    private let table: RouteTable
    private let isReadOnly: Bool

    /// `isReadOnly`: serves only requests that change nothing.
    package init(engine: Engine, log: Logger, isReadOnly: Bool = false) {
        self.engine = engine
        self.log = log
        self.isReadOnly = isReadOnly
        let handlers = Handlers(engine: engine, log: log, hidesSecrets: isReadOnly)
        table = RouteTable(
            handlers.systemRoutes + handlers.eventRoutes + handlers.containerRoutes + handlers.streamRoutes
                + handlers.fileRoutes + handlers.statsRoutes + handlers.imageRoutes + handlers.buildRoutes
                + handlers.networkRoutes
                + handlers.volumeRoutes + handlers.absentRoutes)
    }

    /// Method and pattern of every route.
    package var patterns: [(method: HTTPMethod, pattern: String)] { table.patterns }

    package func bodyForm(of head: HTTPRequestHead) -> BodyForm {
        guard head.method == .POST || head.method == .PUT, !isReadOnly else { return .memory }
        let segments = Request(head: head, body: []).segments
        let path = segments.first.flatMap { APIVersion(segment: $0) } == nil ? segments[...] : segments.dropFirst()
        switch path.first {
        case "images": return path.last == "load" || path.last == "create" ? .disk : .memory
        case "build": return path.count == 1 ? .disk : .memory
        case "containers": return path.last == "archive" ? .stream : .memory
        default: return .memory
        }
    }

    package func respond(to request: Request) async -> Response {
        let response: Response
        do { response = try await answer(to: request) } catch { response = failure(error) }
        return response.adding(Self.headers)
    }

    package func failure(_ error: any Error) -> Response { DockerFailure(describing: error).response }

    package func bodyTooLong(limit: Int) -> Response {
        DockerFailure(.payloadTooLarge, "the request's body is longer than \(limit >> 20) MiB").response
    }

    package func busy() -> Response {
        DockerFailure(.serviceUnavailable, "the engine has too many long requests at once: try again").response
    }

    private func answer(to request: Request) async throws -> Response {
        var segments = request.segments
        var version = APIVersion.newest
        if let first = segments.first, let wanted = APIVersion(segment: first) {
            try wanted.check()
            version = wanted
            segments.removeFirst()
        }
        guard let (route, parameters) = table.find(request.head.method, segments) else {
            throw DockerFailure.notFound("page not found")
        }
        if isReadOnly { try ReadOnly.check(route) }
        return try await route.answer(
            DockerRequest(request: request, version: version, query: Query(request), parameters: parameters))
    }

    /// Every answer has these headers. Clients read from them which engine this is.
    private static let headers: HTTPHeaders = [
        "api-version": "\(APIVersion.newest)", "docker-experimental": "false", "ostype": "linux",
        "server": "berth/\(WireVersion.product) (linux)",
    ]
}

/// The functions that answer the routes. Each file has those of one subject.
package struct Handlers: Sendable {
    let engine: Engine
    let log: Logger
    /// Answers do not contain the values of environment variables.
    var hidesSecrets = false
}

extension Response {
    fileprivate func adding(_ more: HTTPHeaders) -> Response {
        func together(_ own: HTTPHeaders) -> HTTPHeaders {
            var headers = own
            headers.add(contentsOf: more)
            return headers
        }
        switch self {
        case .whole(let status, let headers, let bytes): return .whole(status, together(headers), bytes)
        case .chunks(let headers, let chunks): return .chunks(together(headers), chunks)
        case .download(let headers, let chunks): return .download(together(headers), chunks)
        case .stream(var wanted):
            wanted.headers = together(wanted.headers)
            return .stream(wanted)
        }
    }

    /// An answer in JSON.
    static func json(_ value: JSONValue, status: HTTPResponseStatus = .ok) -> Response { .json(status, value.line) }

    /// An answer without a body.
    static let noContent = Response.whole(.noContent, [:], [])
    static let ok = Response.whole(.ok, [:], [])

    /// One JSON value per line, as they arrive.
    static func values(_ values: AsyncStream<JSONValue>) -> Response {
        .chunks(
            ["content-type": "application/json"],
            AsyncStream {
                for await value in values { return value.line }
                return nil
            })
    }
}

extension DockerRequest {
    /// The body as JSON.
    /// - Throws: `DockerFailure` if the body is not JSON.
    func json() throws(DockerFailure) -> JSONValue {
        guard !request.body.isEmpty else { throw .invalid("invalid JSON: got EOF while reading request body") }
        if let kind = request.head.headers.first(name: "content-type"),
            kind.prefix(while: { $0 != ";" && $0 != " " }).lowercased() != "application/json"
        {
            throw .invalid("unsupported Content-Type header (\(kind)): must be 'application/json'")
        }
        do { return try JSONValue(parsing: request.body) } catch { throw .invalid("invalid JSON: \(error.message)") }
    }

    /// The body as JSON; an empty object if there is no body.
    func jsonIfAny() throws(DockerFailure) -> JSONValue { request.body.isEmpty ? .emptyObject : try json() }

    func header(_ name: String) -> String? { request.head.headers.first(name: name) }
}
