import EngineWire
import JSON

/// Answers of the Docker Engine API, for verbs with docker's output.
extension EngineClient {
    private static let version = "v1.50"

    /// `path` with its query, below the version.
    package func docker(get path: String) throws(EngineFailure) -> JSONValue {
        try getJSON("/docker/\(Self.version)\(path)")
    }

    package func docker(post path: String) throws(EngineFailure) -> JSONValue {
        try post("/docker/\(Self.version)\(path)", JSONValue.emptyBody)
    }

    /// A query with these filters, including `?`; empty without filters.
    package static func query(filters: [String: [String]]) -> String {
        var object = JSONObject()
        for (name, values) in filters.sorted(by: { $0.key < $1.key }) where !values.isEmpty {
            object[name] = .array(values.map { .string($0) })
        }
        return object.isEmpty ? "" : "?filters=\(percentEncoded(JSONValue.object(object).text()))"
    }
}

extension JSONValue {
    fileprivate static let emptyBody = JSONValue.object(JSONObject())
}

/// A failure in the form of the Docker Engine API.
struct DockerAnswer: Decodable {
    let message: String

    /// There, HTTP status codes stand for kinds of failures.
    func failure(status: Int) -> EngineFailure {
        let code: EngineFailure.Code =
            switch status {
            case 400: .invalid
            case 404: .notFound
            case 409: .conflict
            case 501: .unsupported
            default: .failed
            }
        return EngineFailure(code: code, message: message)
    }
}
