import EngineWire
import JSON
import Linux

/// The engine's routes as blocking calls. Each opens a connection of its own, so that a stream can be read at the same
/// time.
///
/// Every failure is an `EngineFailure`: the engine's own, or `unreachable`, `no_rights`, `start_failed`, `engine_lost`,
/// `protocol`.
package struct EngineClient: Sendable {
    package let places: EnginePlaces
    private let environment: [String: String]

    package init(environment: [String: String]) {
        self.environment = environment
        places = EnginePlaces(environment: environment)
    }

    /// Whether an engine listens; does not start one.
    package var isRunning: Bool { (try? connectToUnixSocket(places.socket)) != nil }

    package func get<Answer: Decodable>(_ path: String) throws(EngineFailure) -> Answer {
        let connection = try open("GET", path)
        return try answer(connection)
    }

    package func post<Answer: Decodable>(_ path: String, _ body: some Encodable) throws(EngineFailure) -> Answer {
        let connection = try open("POST", path, body: .bytes(try json(body)))
        return try answer(connection)
    }

    /// For requests with an empty answer.
    package func post(_ path: String, _ body: some Encodable) throws(EngineFailure) {
        let connection = try open("POST", path, body: .bytes(try json(body)))
        _ = try connection.wholeBody()
    }

    /// The same.
    package func get(_ path: String) throws(EngineFailure) {
        let connection = try open("GET", path)
        _ = try connection.wholeBody()
    }

    package func getJSON(_ path: String) throws(EngineFailure) -> JSONValue { try get(path) }

    func stream<Element: Decodable>(
        get path: String, decode: @escaping (ArraySlice<UInt8>) throws -> Element
    ) throws(EngineFailure) -> EngineStream<Element> {
        EngineStream(try open("GET", path), decode: decode)
    }

    func stream<Element: Decodable>(post path: String, _ body: some Encodable) throws(EngineFailure)
        -> EngineStream<Element>
    {
        EngineStream(try open("POST", path, body: .bytes(try json(body))))
    }

    /// Sends a whole file or pipe as the body.
    func stream<Element: Decodable>(
        _ path: String, headers: [(String, String)] = [], _ upload: Upload
    ) throws(EngineFailure) -> EngineStream<Element> {
        EngineStream(try open("POST", path, headers: headers, body: .stream(upload)))
    }

    /// The socket after `Upgrade: berth-stream`, with bytes that have already arrived.
    func upgrade(_ path: String, _ body: EngineConnection.Body) throws(EngineFailure) -> AttachedStream {
        let headers = [("Connection", "Upgrade"), ("Upgrade", "berth-stream")]
        let connection = try connect()
        try connection.send("POST", path, headers: headers, body: body)
        let head = try connection.head()
        if head.status >= 400 { throw try connection.failure(status: head.status) }
        guard head.status == 101 else {
            throw EngineFailure(code: .protocolViolated, message: "the engine did not open a stream (\(head.status))")
        }
        return try connection.takeOver()
    }

    func json(_ value: some Encodable) throws(EngineFailure) -> [UInt8] {
        do { return try encodeJSON(value) } catch {
            throw EngineFailure(code: .protocolViolated, message: "cannot write the request: \(plainText(of: error))")
        }
    }

    /// Sends a request whose answer nobody reads.
    func begin(_ path: String, _ body: some Encodable) throws(EngineFailure) -> PendingRequest {
        let connection = try connect()
        try connection.send("POST", path, headers: [("Connection", "close")], body: .bytes(try json(body)))
        return PendingRequest(connection)
    }

    /// Sends a request with a long body, without waiting for the answer; `finish` reads that.
    func begin(_ path: String, headers: [(String, String)], _ upload: Upload) throws(EngineFailure) -> EngineConnection
    {
        let connection = try connect()
        try connection.send("POST", path, headers: headers + [("Connection", "close")], body: .stream(upload))
        return connection
    }

    func finish<Answer: Decodable>(_ connection: EngineConnection) throws(EngineFailure) -> Answer {
        let head = try connection.head()
        if head.status >= 400 { throw try connection.failure(status: head.status) }
        return try answer(connection)
    }

    private func open(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: EngineConnection.Body = .none
    ) throws(EngineFailure) -> EngineConnection {
        let connection = try connect()
        do throws(EngineFailure) {
            try ask(connection, method, path, headers, body)
            return connection
        } catch {
            guard error.code == .engineLost, !connection.hasAnswered, !body.isStream else { throw error }
        }
        // An engine that was just exiting accepted the connection and did not answer: ask the next engine, once.
        let next = try connect()
        try ask(next, method, path, headers, body)
        return next
    }

    private func connect() throws(EngineFailure) -> EngineConnection {
        EngineConnection(socket: try EngineLauncher(places: places, environment: environment).connect())
    }

    private func ask(
        _ connection: EngineConnection, _ method: String, _ path: String, _ headers: [(String, String)],
        _ body: EngineConnection.Body
    ) throws(EngineFailure) {
        try connection.send(method, path, headers: headers + [("Connection", "close")], body: body)
        let head = try connection.head()
        if head.status >= 400 { throw try connection.failure(status: head.status) }
    }

    private func answer<Answer: Decodable>(_ connection: EngineConnection) throws(EngineFailure) -> Answer {
        let body = try connection.wholeBody()
        do { return try decodeJSON(Answer.self, from: body) } catch {
            throw EngineFailure(
                code: .protocolViolated,
                message: "berth does not understand the engine's answer: \(plainText(of: error))",
                hint: "berth and berthd may have different versions: `berth version` shows both")
        }
    }
}

/// A request in progress; the engine may drop it when this value goes away.
package final class PendingRequest {
    private let connection: EngineConnection
    init(_ connection: EngineConnection) { self.connection = connection }
}

/// Percent-encodes everything except unreserved characters (RFC 3986, section 2.3), for a path segment or a query
/// value.
package func percentEncoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            result.append(Character(Unicode.Scalar(byte)))
        default:
            let hex = String(byte, radix: 16, uppercase: true)
            result += "%" + (hex.count == 1 ? "0" : "") + hex
        }
    }
    return result
}
