import HTTPService
import NIOHTTP1

/// A request, and what its route found in its path.
package struct DockerRequest: Sendable {
    package let request: Request
    package let version: APIVersion
    package let query: Query
    /// The parts of the path that stand for the `{…}` of the route's pattern.
    let parameters: [String: String]

    /// The part of the path with this name.
    func parameter(_ name: String) -> String { parameters[name] ?? "" }
}

/// A method, a pattern for paths, and the function that answers.
struct Route: Sendable {
    let method: HTTPMethod
    /// `/containers/{id}/json`; a part with dots, `{name...}`, takes one or more segments.
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

    /// The first route that matches, and the values of its placeholders.
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
        // Take as many segments as possible: image names contain slashes.
        for length in stride(from: isLong ? segments.count : 1, through: 1, by: -1) {
            guard var found = match(parts.dropFirst(), segments.dropFirst(length)) else { continue }
            found[name] = segments.prefix(length).joined(separator: "/")
            return found
        }
        return nil
    }
}
