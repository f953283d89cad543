import DockerAPI
import EngineAPI
import HTTPService
import NIOHTTP1

/// The routes of berth's own socket: berth's routes, and the Docker Engine API below `/docker`, so that the command
/// line can use it even if there is no socket for Docker's clients.
struct EngineRoutes: HTTPRoutes {
    private static let prefix = "/docker/"

    let own: Routes
    let docker: DockerRoutes

    func bodyForm(of head: HTTPRequestHead) -> BodyForm {
        Self.dockerHead(head).map { docker.bodyForm(of: $0) } ?? own.bodyForm(of: head)
    }

    func respond(to request: Request) async -> Response {
        guard let head = Self.dockerHead(request.head) else { return await own.respond(to: request) }
        return await docker.respond(
            to:
                Request(head: head, body: request.body, file: request.file, stream: request.stream))
    }

    func failure(_ error: any Error) -> Response { own.failure(error) }
    func bodyTooLong(limit: Int) -> Response { own.bodyTooLong(limit: limit) }
    func busy() -> Response { own.busy() }

    /// The request in the form of the other socket; nil for one of berth's own.
    private static func dockerHead(_ head: HTTPRequestHead) -> HTTPRequestHead? {
        guard head.uri.hasPrefix(prefix) else { return nil }
        var head = head
        head.uri = String(head.uri.dropFirst(prefix.count - 1))
        return head
    }
}
