import Engine
import EngineWire
import HTTPService
import JSON
import NIOHTTP1

/// The error that a client gets, with dockerd's status codes, and with its wording where clients check it.
package struct DockerFailure: Error, CustomStringConvertible {
    package let status: HTTPResponseStatus
    package let message: String

    package init(_ status: HTTPResponseStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    /// The engine's message, with the status that fits its code.
    package init(describing error: any Error) {
        if let failure = error as? DockerFailure {
            self = failure
            return
        }
        let failure = EngineFailure(describing: error)
        let hint = failure.hint.map { " (\($0))" } ?? ""
        self.init(Self.status(of: failure.code), failure.message + hint)
    }

    private static func status(of code: EngineFailure.Code) -> HTTPResponseStatus {
        switch code {
        case .notFound, .imageMissing: .notFound
        case .conflict: .conflict
        case .invalid, .usage, .launchFailed: .badRequest
        case .tooLong: .payloadTooLarge
        case .unsupported: .notImplemented
        case .noRights: .forbidden
        case .noSpace: .insufficientStorage
        case .cancelled, .interrupted: .serviceUnavailable
        default: .internalServerError
        }
    }

    /// dockerd's wording for a process that cannot run.
    package static func launch(_ message: String) -> String {
        let said = message.hasPrefix("exec \"") ? "exec: " + message.dropFirst("exec ".count) : message
        return "unable to start container process: \(said): unknown"
    }

    package static func notFound(_ message: String) -> DockerFailure { DockerFailure(.notFound, message) }
    package static func invalid(_ message: String) -> DockerFailure { DockerFailure(.badRequest, message) }
    package static func conflict(_ message: String) -> DockerFailure { DockerFailure(.conflict, message) }
    package static func unsupported(_ message: String) -> DockerFailure { DockerFailure(.notImplemented, message) }

    package var description: String { message }

    var response: Response { .json(status, JSONValue.members(["message": message]).line) }
}
