import HTTPService
import NIOHTTP1

/// A request that a route was found for.
package struct DockerRequest: Sendable {
    package let request: Request
    package let version: APIVersion
    package let query: Query
    /// What stands at the `{…}` of the route's pattern.
    let parameters: [String: String]

    /// The named part of the path.
    func parameter(_ name: String) -> String { parameters[name] ?? "" }
}

/// One method and path, and what answers it.
struct Route: Sendable {
    let method: HTTPMethod
    /// `/containers/{id}/json`; a part in dots, `{name...}`, takes one segment or more.
    let pattern: String
    let answer: @Sendable (DockerRequest) async throws -> Response

    init(
        _ method: HTTPMethod, _ pattern: String, _ answer: @escaping @Sendable (DockerRequest) async throws -> Response
    ) {
        self.method = method
        self.pattern = pattern
        self.answer = answer
    }
}

/// All routes, found by method and path.
struct RouteTable: Sendable {
    private struct Entry: Sendable {
        let route: Route
        let parts: [Substring]
    }

    private let entries: [Entry]
    /// Method and pattern of every route.
    var patterns: [(method: HTTPMethod, pattern: String)] { entries.map { ($0.route.method, $0.route.pattern) } }

    init(_ routes: [Route]) {
        entries = routes.map { Entry(route: $0, parts: $0.pattern.split(separator: "/")) }
    }

    /// The first route that fits, with what stands in its place holders.
    func find(_ method: HTTPMethod, _ segments: [String]) -> (Route, [String: String])? {
        for entry in entries where entry.route.method == method {
            if let parameters = Self.match(entry.parts[...], segments[...]) { return (entry.route, parameters) }
        }
        return nil
    }

    private static func match(_ parts: ArraySlice<Substring>, _ segments: ArraySlice<String>) -> [String: String]? {
        guard let part = parts.first else { return segments.isEmpty ? [:] : nil }
        guard let segment = segments.first else { return nil }
        guard part.hasPrefix("{") else {
            return part == segment ? match(parts.dropFirst(), segments.dropFirst()) : nil
        }
        let isLong = part.hasSuffix("...}")
        let name = String(part.dropFirst().prefix { $0 != "." && $0 != "}" })
        // The longest that leaves something for the rest: names of images have slashes.
        for length in stride(from: isLong ? segments.count : 1, through: 1, by: -1) {
            guard var found = match(parts.dropFirst(), segments.dropFirst(length)) else { continue }
            found[name] = segments.prefix(length).joined(separator: "/")
            return found
        }
        return nil
    }
}
