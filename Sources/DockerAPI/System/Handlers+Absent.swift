import HTTPService
import JSON
import NIOHTTP1

/// The answers of an engine that is not part of a swarm and has no plugins.
extension Handlers {
    private static let outsideOfSwarm = DockerFailure(
        .serviceUnavailable,
        "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again."
    )

    var absentRoutes: [Route] {
        let swarm: [(HTTPMethod, String)] = [
            (.GET, "/swarm"), (.POST, "/swarm/leave"), (.POST, "/swarm/update"), (.GET, "/swarm/unlockkey"),
            (.POST, "/swarm/unlock"), (.GET, "/services"), (.GET, "/services/{id}"), (.POST, "/services/create"),
            (.POST, "/services/{id}/update"), (.DELETE, "/services/{id}"), (.GET, "/services/{id}/logs"),
            (.GET, "/nodes"), (.GET, "/nodes/{id}"), (.DELETE, "/nodes/{id}"), (.POST, "/nodes/{id}/update"),
            (.GET, "/tasks"), (.GET, "/tasks/{id}"), (.GET, "/tasks/{id}/logs"), (.GET, "/secrets"),
            (.POST, "/secrets/create"), (.DELETE, "/secrets/{id}"), (.GET, "/secrets/{id}"),
            (.POST, "/secrets/{id}/update"), (.GET, "/configs"), (.POST, "/configs/create"),
            (.DELETE, "/configs/{id}"), (.GET, "/configs/{id}"), (.POST, "/configs/{id}/update"),
        ]
        let refused: [(HTTPMethod, String, String)] = [
            (.POST, "/swarm/init", "berth has no swarm mode"), (.POST, "/swarm/join", "berth has no swarm mode"),
            (.GET, "/plugins/privileges", "berth has no plugins"), (.POST, "/plugins/pull", "berth has no plugins"),
            (.POST, "/plugins/create", "berth has no plugins"),
            (.POST, "/session", "berth has no BuildKit: the classic builder is at /build"),
            (.POST, "/grpc", "berth has no BuildKit: the classic builder is at /build"),
            (
                .GET, "/images/search",
                "registries are not searched: name the image, with its registry where it is not Docker Hub"
            ),
        ]
        let plugins: [(HTTPMethod, String)] = [
            (.GET, "/plugins/{name...}/json"), (.DELETE, "/plugins/{name...}"), (.POST, "/plugins/{name...}/enable"),
            (.POST, "/plugins/{name...}/disable"), (.POST, "/plugins/{name...}/upgrade"),
            (.POST, "/plugins/{name...}/push"), (.POST, "/plugins/{name...}/set"),
        ]
        return swarm.map { method, pattern in Route(method, pattern) { _ in throw Self.outsideOfSwarm } }
            + [
                Route(.GET, "/plugins") { _ in .json(.array([])) },
                Route(.PUT, "/volumes/{name}") { _ in
                    throw DockerFailure(
                        .serviceUnavailable,
                        "volume update only valid for cluster volumes, but swarm is unavailable")
                },
            ]
            + refused.map { method, pattern, reason in
                Route(method, pattern) { _ in throw DockerFailure.unsupported(reason) }
            }
            + plugins.map { method, pattern in
                Route(method, pattern) { request in
                    throw DockerFailure.notFound("plugin \"\(request.parameter("name"))\" not found")
                }
            }
    }
}
