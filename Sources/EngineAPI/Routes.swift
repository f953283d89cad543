import Engine
import EngineWire
import Glibc
import HTTPService
import JSON
import Linux
import Logging
import NIOHTTP1
import ProjectModel

/// berth's own routes. They only translate between HTTP and the engine.
package struct Routes: HTTPRoutes {
    let engine: Engine
    let log: Logger

    package init(engine: Engine, log: Logger) {
        self.engine = engine
        self.log = log
    }

    package func bodyForm(of head: HTTPRequestHead) -> BodyForm {
        let isLong =
            head.uri.hasPrefix("/v1/images/import") || head.uri.hasPrefix("/v1/images/load")
            || head.headers.contains(name: "berth-files")
        return isLong ? .disk : .memory
    }

    package func respond(to request: Request) async -> Response {
        do { return try await answer(to: request) } catch { return failure(error) }
    }

    package func failure(_ error: any Error) -> Response { .failed(error) }

    package func bodyTooLong(limit: Int) -> Response {
        .failed(
            EngineFailure(
                code: .tooLong, message: "the request's body is longer than \(limit >> 20) MiB",
                hint: "send images to /v1/images/load, which accepts any length"))
    }

    package func busy() -> Response {
        .failed(
            EngineFailure(
                code: .interrupted, message: "the engine has too many long requests at once", hint: "try again"))
    }

    private func answer(to request: Request) async throws -> Response {
        let segments = request.segments
        guard segments.first == "v1" else { throw unknown(request) }
        let rest = Array(segments.dropFirst())
        switch rest.first {
        case "version" where rest.count == 1 && request.head.method == .GET: return try .json(await engine.version())
        case "projects": return try await projects(request, Array(rest.dropFirst()))
        case "operations": return try await operations(request, Array(rest.dropFirst()))
        case "execs" where rest.count == 2 && request.head.method == .GET: return try .json(await engine.exec(rest[1]))
        case "containers": return try await containers(request, Array(rest.dropFirst()))
        case "images": return try await images(request, Array(rest.dropFirst()))
        case "builds": return try await builds(request, Array(rest.dropFirst()))
        case "volumes": return try await volumes(request, Array(rest.dropFirst()))
        case "networks": return try await networks(request, Array(rest.dropFirst()))
        default: throw unknown(request)
        }
    }

    private func unknown(_ request: Request) -> EngineFailure {
        EngineFailure(
            code: .notFound, message: "no route \(request.head.method.rawValue) \(request.head.uri)",
            hint: "berth and berthd have different versions: `berth version` shows both")
    }

    // MARK: Projects

    private func projects(_ request: Request, _ path: [String]) async throws -> Response {
        switch (request.head.method, path.count, path.last ?? "") {
        case (.GET, 0, _): return try .json(await engine.projects())
        case (.GET, 1, let name): return try .json(try await engine.project(name))
        case (.GET, 4, "history") where path[1] == "services":
            return try .json(try await engine.history(of: path[2], in: path[0]))
        case (.GET, 4, "explanation") where path[1] == "services":
            return try .json(try await engine.explain(service: path[2], in: path[0]))
        case (.GET, 2, "containers") where request.query("follow") == "1":
            return .values(engine.containerChanges(of: path[0]))
        case (.GET, 2, "containers") where request.query("foreign") == "1":
            return try .json(await engine.foreignContainers(of: path[0]))
        case (.GET, 2, "containers"):
            return try .json(await engine.containers(of: path[0], all: request.query("all") == "1"))
        case (.GET, 2, "logs"):
            let text = request.query("request") ?? "{}"
            let wanted = try Request.decode(LogRequest.self, from: Array(text.utf8))
            return .lines(try await engine.logs(of: path[0], wanted))
        case (.GET, 2, "events"):
            let wanted = try request.query("request").map {
                try Request.decode(EventsRequest.self, from: Array($0.utf8))
            }
            return .values(engine.events(of: path[0], wanted ?? EventsRequest()))
        case (.POST, 2, "operations"):
            let operation = try await engine.submit(request.decode(OperationRequest.self), to: path[0])
            return .values(operation.events())
        case (.POST, 2, "plan"):
            return try .json(try await engine.plan(request.decode(OperationRequest.self), for: path[0]))
        case (.POST, 2, "run"):
            return .values(try await engine.run(request.decode(RunRequest.self), in: path[0]).events())
        default: throw unknown(request)
        }
    }

    private struct CancelRequest: Decodable { var force: Bool? }

    private func operations(_ request: Request, _ path: [String]) async throws -> Response {
        guard request.head.method == .POST, path.count == 2, path[1] == "cancel" else { throw unknown(request) }
        let force = request.body.isEmpty ? false : try request.decode(CancelRequest.self).force ?? false
        try await engine.cancel(operation: path[0], force: force)
        return .done
    }

    // MARK: Containers

    private struct RemoveRequest: Decodable {
        var names: [String]?
        var force: Bool?
    }

    private struct DeafRequest: Decodable { var signal: Int32 }

    private struct ExecStarted: Encodable { var id: String }

    private func containers(_ request: Request, _ path: [String]) async throws -> Response {
        guard let name = path.first else {
            guard request.head.method == .GET else { throw unknown(request) }
            return try .json(await engine.containers(all: request.query("all") == "1"))
        }
        switch (request.head.method, path.count, path.last ?? "") {
        case (.GET, 1, _): return try .json(try await engine.container(name))
        case (.POST, 1, "create"):
            return .values(try await engine.create(request.decode(ContainerRequest.self)).events())
        case (.POST, 2, "operations"):
            let operation = try await engine.submit(request.decode(OperationRequest.self), toContainer: name)
            return .values(operation.events())
        case (.GET, 2, "logs"):
            let wanted = try decodeJSON(LogRequest.self, from: (request.query("request") ?? "{}").utf8)
            return .lines(try await engine.logs(ofContainer: name, wanted))
        case (.GET, 2, "wait"): return try .json(ContainerEnd(code: try await engine.waitUntilEnded(name)))
        case (.GET, 2, "file"):
            return try .json(try await engine.file(request.query("path") ?? "/", of: name))
        case (.GET, 2, "explanation"): return try .json(try await engine.explain(container: name))
        case (.GET, 2, "usage"): return try .json(try await engine.usage(of: name))
        case (.GET, 2, "changes"): return try .json(try await engine.changedFiles(of: name))
        case (.POST, 2, "archive"):
            return .stream(descriptor: try await engine.archive(request.decode(ArchiveRequest.self), of: name))
        case (.POST, 2, "commit"):
            return try .json(try await engine.commit(name, request.decode(CommitRequest.self)))
        case (.GET, 2, "top"): return try .json(try await engine.processes(of: name))
        case (.GET, 2, "gone"):
            await engine.waitUntilGone(name)
            return .done
        case (.POST, 2, "files"):
            guard let header = request.head.headers.first(name: "berth-files"), let file = request.file else {
                throw EngineFailure(code: .invalid, message: "files need the header Berth-Files and a body")
            }
            let wanted = try Request.decode(FilesRequest.self, from: Array(header.utf8))
            return try .json(try await engine.place(wanted, from: file.reopened(), in: name))
        case (.POST, 2, "attach"): return .stream(descriptor: try await engine.attach(to: name))
        case (.POST, 2, "release"):
            try await engine.release(name)
            return .done
        case (.POST, 2, "stop-if-deaf"):
            try await engine.stop(name, ifDeafTo: request.decode(DeafRequest.self).signal)
            return .done
        case (.POST, 2, "exec"):
            let wanted = try request.decode(ExecRequest.self)
            switch try await engine.exec(wanted, in: name) {
            case .attached(let descriptor): return .stream(descriptor: descriptor)
            case .detached(let id): return try .json(ExecStarted(id: id))
            }
        case (.POST, 2, "remove"):
            let force = request.body.isEmpty ? false : try request.decode(RemoveRequest.self).force ?? false
            try await engine.removeContainer(name, force: force)
            return .done
        default: throw unknown(request)
        }
    }

    // MARK: Images

    private func images(_ request: Request, _ path: [String]) async throws -> Response {
        switch (request.head.method, path.first ?? "") {
        case (.GET, ""): return try .json(try await engine.images())
        case (.GET, "inspect"): return try .json(try await engine.inspectImage(request.query("name") ?? ""))
        case (.POST, "import"):
            guard let header = request.head.headers.first(name: "berth-import"), let file = request.file else {
                throw EngineFailure(code: .invalid, message: "an import needs the header Berth-Import and a body")
            }
            let wanted = try Request.decode(ImportRequest.self, from: Array(header.utf8))
            return .values(try await engine.importImage(wanted, from: file.reopened()).events())
        case (.POST, "load"):
            guard let file = request.file else { throw EngineFailure(code: .invalid, message: "no body") }
            let name = request.query("name") ?? "archive"
            return .values(try await engine.loadImages(from: file.reopened(), name: name).events())
        case (.POST, "pull"): return .values(try await engine.pull(request.decode(PullRequest.self)).events())
        case (.POST, "push"): return .values(try await engine.push(request.decode(PushRequest.self)).events())
        case (.POST, "resolve"): return try .json(try await engine.resolveImages(request.decode(ResolveRequest.self)))
        case (.POST, "prune"): return try .json(try await engine.pruneImages(request.decode(PruneRequest.self)))
        case (.POST, "save"):
            return .stream(descriptor: try await engine.imageArchive(request.decode(SaveRequest.self).names))
        case (.POST, "tag"):
            let wanted = try request.decode(TagRequest.self)
            try await engine.tag(wanted.source, as: wanted.target)
            return .done
        case (.POST, "remove"):
            let wanted = try request.decode(RemoveRequest.self)
            return try .json(try await engine.removeImages(wanted.names ?? [], force: wanted.force ?? false))
        default: throw unknown(request)
        }
    }

    // MARK: Builds

    private func builds(_ request: Request, _ path: [String]) async throws -> Response {
        switch (request.head.method, path.first ?? "") {
        case (.POST, ""): return .stream(descriptor: try await engine.build(request.decode(BuildBatch.self)))
        case (.POST, "shells") where path.count == 2: return .stream(descriptor: try engine.buildShell(path[1]))
        case (.GET, "cache"): return try .json(try await engine.buildCache())
        case (.POST, "prune"):
            return try .json(try await engine.pruneBuildCache(request.decode(BuildPruneRequest.self)))
        default: throw unknown(request)
        }
    }

    // MARK: Volumes and networks

    private func volumes(_ request: Request, _ path: [String]) async throws -> Response {
        switch (request.head.method, path.count, path.first ?? "") {
        case (.GET, 0, _): return try .json(await engine.volumes(of: request.query("project")))
        case (.POST, 1, "create"): return try .json(try await engine.createVolume(request.decode(VolumeRequest.self)))
        case (.POST, 1, "remove"):
            let wanted = try request.decode(RemoveRequest.self)
            return try .json(try await engine.removeVolumes(wanted.names ?? [], force: wanted.force ?? false))
        case (.GET, 1, let name):
            guard let row = await engine.volumes(of: nil).first(where: { $0.name == name }) else {
                throw EngineFailure(code: .notFound, message: "no such volume: \(name)")
            }
            return try .json(row)
        default: throw unknown(request)
        }
    }

    private func networks(_ request: Request, _ path: [String]) async throws -> Response {
        switch (request.head.method, path.count, path.first ?? "") {
        case (.GET, 0, _): return try .json(await engine.networks(of: request.query("project")))
        case (.POST, 1, "create"): return try .json(try await engine.createNetwork(request.decode(NetworkRequest.self)))
        case (.POST, 1, "remove"):
            let wanted = try request.decode(RemoveRequest.self)
            return try .json(try await engine.removeNetworks(wanted.names ?? [], force: wanted.force ?? false))
        case (.GET, 1, let name):
            return try .json(try await engine.network(name))
        case (.POST, 2, let name) where path[1] == "connect":
            var wanted = try request.decode(ConnectRequest.self)
            wanted.attachment.network = name
            try await engine.connect(wanted.container, wanted.attachment)
            return .done
        case (.POST, 2, let name) where path[1] == "disconnect":
            let wanted = try request.decode(DisconnectRequest.self)
            try await engine.disconnect(wanted.container, from: name, force: wanted.force)
            return .done
        default: throw unknown(request)
        }
    }
}
