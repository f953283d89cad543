import NIOHTTP1

/// What a client of the read-only socket may ask for.
enum ReadOnly {
    /// GET requests that nevertheless return files, connect to a process, or ask a registry.
    private static let refused: Set<String> = [
        "/containers/{id}/archive", "/containers/{id}/export", "/containers/{id}/attach/ws", "/images/get",
        "/images/{name...}/get", "/distribution/{name...}/json",
    ]

    /// - Throws: `DockerFailure` for a route that changes something, or that is among `refused`.
    static func check(_ route: Route) throws(DockerFailure) {
        guard route.method == .GET || route.method == .HEAD, !refused.contains(route.pattern) else {
            throw DockerFailure(
                .forbidden, "this socket is read-only: it does not serve \(route.method) \(route.pattern)")
        }
    }

    /// The names of variables, with `hidden` for their values.
    static func hidden(_ environment: [String]) -> [String] {
        environment.map { entry in
            guard let sign = entry.firstIndex(of: "=") else { return entry }
            return "\(entry[...sign])hidden"
        }
    }
}
