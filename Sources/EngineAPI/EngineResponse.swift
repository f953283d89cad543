import Engine
import EngineWire
import HTTPService
import JSON
import NIOHTTP1

extension Response {
    static func json(_ value: some Encodable, status: HTTPResponseStatus = .ok) throws -> Response {
        .json(status, try encodeJSON(value))
    }

    static let done = Response.json(.ok, Array("{}".utf8))

    /// Newline-delimited JSON.
    static func lines(_ lines: AsyncStream<[UInt8]>) -> Response {
        .chunks(["content-type": "application/x-ndjson"], lines)
    }

    /// One value per line.
    static func values<Value: Encodable & Sendable>(_ values: AsyncStream<Value>) -> Response {
        .lines(
            AsyncStream {
                // A stream remembers its position, so a new iterator for each value continues where the last one stopped.
                for await value in values {
                    guard let bytes = try? encodeJSON(value) else { continue }
                    return bytes + [0x0A]
                }
                return nil
            })
    }

    /// The bytes of `descriptor`, a connected socket that carries `StreamFrame`s. The connection takes it over.
    static func stream(descriptor: CInt) -> Response {
        .stream(StreamSwitch(headers: ["connection": "upgrade", "upgrade": "berth-stream"]) { descriptor })
    }

    static func failed(_ error: any Error) -> Response {
        let failure = EngineFailure(describing: error)
        let status: HTTPResponseStatus =
            switch failure.code {
            case .notFound, .imageMissing: .notFound
            case .conflict, .portTaken: .conflict
            case .invalid: .badRequest
            case .tooLong: .payloadTooLarge
            case .unsupported: .notImplemented
            case .noSpace: .insufficientStorage
            default: .internalServerError
            }
        return .json(status, (try? encodeJSON(failure)) ?? [])
    }
}

extension Request {
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try Self.decode(type, from: body) }

    /// The fields of a request, from its body or its query.
    static func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws -> T {
        do {
            return try decodeJSON(type, from: bytes)
        } catch {
            throw EngineFailure(
                code: .invalid, message: "this route does not accept the request: \(plainText(of: error))")
        }
    }
}
