import Engine
import EngineWire
import Glibc
import HTTPService
import JSON
import Linux
import NIOHTTP1

/// The routes of container files, and of images made from containers.
extension Handlers {
    var fileRoutes: [Route] {
        [
            Route(.HEAD, "/containers/{id}/archive") { request in
                let (_, file) = try await self.file(request)
                return .whole(.ok, Self.status(file), [])
            },
            Route(.GET, "/containers/{id}/archive") { try await self.copyOut($0) },
            Route(.PUT, "/containers/{id}/archive") { try await self.copyIn($0) },
            Route(.GET, "/containers/{id}/export") { request in
                let id = try await self.engine.snapshot(request.parameter("id")).record.id
                return try await self.download("application/octet-stream") {
                    try await self.engine.export(id, to: $0)
                }
            },
            Route(.GET, "/containers/{id}/changes") { request in
                let id = try await self.engine.snapshot(request.parameter("id")).record.id
                let changes = try await self.engine.changedFiles(of: id)
                return .json(.array(changes.map { .members(["Path": $0.path, "Kind": $0.kind.rawValue]) }))
            },
            Route(.POST, "/commit") { request in try await self.keepingReplaced { try await self.commit(request) } },
        ]
    }

    // MARK: Archives

    /// The container's id, and the path in it.
    private func place(_ request: DockerRequest) async throws -> (container: ContainerSnapshot, path: String) {
        let container = try await engine.snapshot(request.parameter("id"))
        guard let path = request.query.word("path") else {
            throw DockerFailure.invalid("bad parameter: 'path' cannot be empty")
        }
        return (container, path.hasPrefix("/") ? path : "/\(path)")
    }

    private func file(_ request: DockerRequest) async throws -> (container: String, FileRow) {
        let (container, path) = try await place(request)
        do { return (container.record.id, try await engine.file(path, of: container.record.id)) } catch let failure
            as EngineFailure where failure.code == .notFound
        {
            throw DockerFailure.notFound(
                "Could not find the file \(path) in container \(request.parameter("id"))")
        }
    }

    private func copyOut(_ request: DockerRequest) async throws -> Response {
        let (container, file) = try await file(request)
        let (_, path) = try await place(request)
        return try await download("application/x-tar", Self.status(file)) {
            try await self.engine.copyOut(path, as: Self.entry(of: path), of: container, to: $0)
        }
    }

    /// The name of the path in the tar. Clients replace it with another name.
    package static func entry(of path: String) -> String {
        let parts = path.split(separator: "/")
        guard let last = parts.last else { return "/" }
        return String(last)
    }

    private func copyIn(_ request: DockerRequest) async throws -> Response {
        let (container, path) = try await place(request)
        guard let archive = try request.request.stream?.take() else {
            throw DockerFailure.invalid("no archive was sent")
        }
        do {
            try await engine.copyIn(
                archive.release(), to: path, in: container.record.id,
                keepsKinds: request.query.flag("noOverwriteDirNonDir"))
        } catch let failure as EngineFailure where failure.code == .notFound {
            throw DockerFailure.notFound("Could not find the file \(path) in container \(request.parameter("id"))")
        } catch let failure as EngineFailure where failure.code == .refused {
            throw DockerFailure(.forbidden, "container rootfs is marked read-only: \(failure.message)")
        }
        return .ok
    }

    /// The header that describes what is at a path.
    static func status(_ file: FileRow) -> HTTPHeaders {
        let value = JSONValue.members([
            "name": file.name, "size": file.size, "mode": Int64(goMode(file.mode)),
            "mtime": Instant.text(file.modified), "linkTarget": file.linkTarget ?? "",
        ])
        return ["x-docker-container-path-stat": encodeBase64(value.serialized())]
    }

    /// A mode (inode(7)) in the form of Go's `fs.FileMode`.
    package static func goMode(_ mode: UInt32) -> UInt32 {
        var result = mode & 0o777
        switch mode & S_IFMT {
        case S_IFDIR: result |= 1 << 31
        case S_IFLNK: result |= 1 << 27
        case S_IFBLK: result |= 1 << 26
        case S_IFIFO: result |= 1 << 25
        case S_IFSOCK: result |= 1 << 24
        case S_IFCHR: result |= 1 << 26 | 1 << 21
        default: break
        }
        if mode & S_ISUID != 0 { result |= 1 << 23 }
        if mode & S_ISGID != 0 { result |= 1 << 22 }
        if mode & UInt32(S_ISVTX) != 0 { result |= 1 << 20 }
        return result
    }

    // MARK: Images

    private func commit(_ request: DockerRequest) async throws -> Response {
        let query = request.query
        let container = try await engine.snapshot(query.word("container") ?? "")
        var wanted = CommitRequest()
        if let repository = query.word("repo") {
            wanted.reference = query.word("tag").map { "\(repository):\($0)" } ?? Self.withTag(repository)
        }
        wanted.author = query.word("author")
        wanted.message = query.word("comment")
        wanted.pauses = query.flag("pause", default: true)
        let changes = query.all("changes").flatMap { $0.split(separator: "\n").map(String.init) }
        wanted.changes = try CommittedConfiguration(request.jsonIfAny()).instructions + changes
        let image = try await engine.commit(container.record.id, wanted)
        return .json(.members(["Id": image.id]), status: .created)
    }
}
