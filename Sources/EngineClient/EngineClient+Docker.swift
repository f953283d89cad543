import EngineWire
import JSON

/// What the engine says in the words of the Docker Engine API, for verbs that print what docker's print.
extension EngineClient {
    private static let version = "v1.50"

    /// `path` with its query, below the version.
    package func docker(get path: String) throws(EngineFailure) -> JSONValue {
        try getJSON("/docker/\(Self.version)\(path)")
    }

    package func docker(post path: String) throws(EngineFailure) -> JSONValue {
        try post("/docker/\(Self.version)\(path)", JSONValue.emptyBody)
    }

    /// The query that has these filters, with `?` before it; nothing for none.
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

/// A failure as the Docker Engine API tells it.
struct DockerAnswer: Decodable {
    let message: String

    /// The codes of HTTP stand for kinds of failures there.
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
