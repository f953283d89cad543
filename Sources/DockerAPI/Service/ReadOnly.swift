import NIOHTTP1

/// What a client may ask for that may look and change nothing.
enum ReadOnly {
    /// Looking at these gives files of containers and images, or a hand on a process, or has registries asked.
    private static let refused: Set<String> = [
        "/containers/{id}/archive", "/containers/{id}/export", "/containers/{id}/attach/ws", "/images/get",
        "/images/{name...}/get", "/distribution/{name...}/json",
    ]

    /// - Throws: for a route that changes something, or that gives more than a look from outside.
    static func check(_ route: Route) throws(DockerFailure) {
        guard route.method == .GET || route.method == .HEAD, !refused.contains(route.pattern) else {
            throw DockerFailure(.forbidden, "this socket is for looking only: \(route.method) is refused here")
        }
    }

    /// Names of variables without what they are set to.
    static func hidden(_ environment: [String]) -> [String] {
        environment.map { entry in
            guard let sign = entry.firstIndex(of: "=") else { return entry }
            return "\(entry[...sign])hidden"
        }
    }
}
