import EngineWire
import JSON
import Linux
import ProjectModel

/// What the engine stores about a project: `GET /v1/projects/NAME`.
package struct StoredProject: Codable, Hashable, Sendable {
    package var project: Project?
    package var containers: [ContainerRow]
}

private struct CancelRequest: Encodable { let force: Bool }
private struct RemoveRequest: Encodable { let force: Bool }
private struct NamesRequest: Encodable {
    let names: [String]
    let force: Bool
}
struct Nothing: Encodable {}
private struct DeafRequest: Encodable { let signal: Int32 }
private struct ExecAnswer: Decodable { let id: String }

extension EngineClient {
    package func version() throws(EngineFailure) -> EngineVersion { try get("/v1/version") }

    // Projects.
    package func projects() throws(EngineFailure) -> [ProjectRow] { try get("/v1/projects") }

    /// nil when the engine does not know the project.
    package func storedProject(_ name: String) throws(EngineFailure) -> StoredProject? {
        do throws(EngineFailure) { return try get("/v1/projects/\(percentEncoded(name))") } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }

    package func containers(of project: String, all: Bool) throws(EngineFailure) -> [ContainerRow] {
        do throws(EngineFailure) {
            return try get("/v1/projects/\(percentEncoded(project))/containers\(all ? "?all=1" : "")")
        } catch {
            if error.code == .notFound { return [] }
            throw error
        }
    }

    /// The containers of a project that another tool created over the Docker Engine API.
    package func foreignContainers(of project: String) throws(EngineFailure) -> [ContainerRow] {
        try get("/v1/projects/\(percentEncoded(project))/containers?foreign=1")
    }

    /// All containers of a project, including ended ones: at once, and again after each change.
    package func containerChanges(of project: String) throws(EngineFailure) -> EngineStream<[ContainerRow]> {
        try stream(get: "/v1/projects/\(percentEncoded(project))/containers?follow=1") {
            try decodeJSON([ContainerRow].self, from: $0)
        }
    }

    package func events(
        _ request: EventsRequest, of project: String
    ) throws(EngineFailure) -> EngineStream<ContainerEvent> {
        let query = percentEncoded(String(decoding: try json(request), as: UTF8.self))
        return try stream(get: "/v1/projects/\(percentEncoded(project))/events?request=\(query)") {
            try decodeJSON(ContainerEvent.self, from: $0)
        }
    }

    package func operation(
        _ request: OperationRequest, in project: String
    ) throws(EngineFailure) -> EngineStream<ProgressEvent> {
        try stream(post: "/v1/projects/\(percentEncoded(project))/operations", request)
    }

    /// The first time, steps in progress finish and no new ones begin; with `force` nothing is waited for.
    package func cancel(operation: String, force: Bool) throws(EngineFailure) {
        try post("/v1/operations/\(percentEncoded(operation))/cancel", CancelRequest(force: force))
    }

    /// The versions of a service, newest first.
    package func history(of service: String, in project: String) throws(EngineFailure) -> [VersionRow] {
        try get("/v1/projects/\(percentEncoded(project))/services/\(percentEncoded(service))/history")
    }

    /// Why the replicas of a service are in their state.
    package func explain(service: String, in project: String) throws(EngineFailure) -> [Explanation] {
        try get("/v1/projects/\(percentEncoded(project))/services/\(percentEncoded(service))/explanation")
    }

    package func explain(container: String) throws(EngineFailure) -> Explanation {
        try get("/v1/containers/\(percentEncoded(container))/explanation")
    }

    package func plan(_ request: OperationRequest, in project: String) throws(EngineFailure) -> PlanDescription {
        try post("/v1/projects/\(percentEncoded(project))/plan", request)
    }

    package func logs(_ request: LogRequest, of project: String) throws(EngineFailure) -> EngineStream<LogLine> {
        let query = percentEncoded(String(decoding: try json(request), as: UTF8.self))
        var reader = LogLine.Reader()
        return try stream(get: "/v1/projects/\(percentEncoded(project))/logs?request=\(query)") {
            try reader.line(from: $0)
        }
    }

    package func run(_ request: RunRequest, in project: String) throws(EngineFailure) -> EngineStream<ProgressEvent> {
        try stream(post: "/v1/projects/\(percentEncoded(project))/run", request)
    }

    // Containers.
    /// The containers of all projects, and of none.
    package func containers(all: Bool) throws(EngineFailure) -> [ContainerRow] {
        try get("/v1/containers\(all ? "?all=1" : "")")
    }

    package func create(_ request: ContainerRequest) throws(EngineFailure) -> EngineStream<ProgressEvent> {
        try stream(post: "/v1/containers/create", request)
    }

    /// A verb on one container of any project.
    package func operation(
        _ request: OperationRequest, onContainer name: String
    ) throws(EngineFailure) -> EngineStream<ProgressEvent> {
        try stream(post: "/v1/containers/\(percentEncoded(name))/operations", request)
    }

    package func logs(_ request: LogRequest, ofContainer name: String) throws(EngineFailure) -> EngineStream<LogLine> {
        let query = percentEncoded(String(decoding: try json(request), as: UTF8.self))
        var reader = LogLine.Reader()
        return try stream(get: "/v1/containers/\(percentEncoded(name))/logs?request=\(query)") {
            try reader.line(from: $0)
        }
    }

    /// The exit code, once the container has ended.
    package func waitUntilEnded(_ container: String) throws(EngineFailure) -> ContainerEnd {
        try get("/v1/containers/\(percentEncoded(container))/wait")
    }

    package func container(_ id: String) throws(EngineFailure) -> ContainerRow {
        try get("/v1/containers/\(percentEncoded(id))")
    }

    /// Changes files in each of `containers` at once: sends the same archive to each, from its beginning.
    /// - Returns: An answer for each, in their order.
    package func place(
        _ request: FilesRequest, from archive: borrowing OwnedFD, in containers: [String]
    ) throws(EngineFailure) -> [Result<FilesAnswer, EngineFailure>] {
        let header = String(decoding: try json(request), as: UTF8.self)
        let descriptor = archive.raw
        var begun: [Result<EngineConnection, EngineFailure>] = []
        for container in containers {
            begun.append(
                Result { () throws(EngineFailure) in
                    rewind(descriptor)
                    return try begin(
                        "/v1/containers/\(percentEncoded(container))/files", headers: [("Berth-Files", header)],
                        Upload(descriptor) { _, _ in true })
                })
        }
        return begun.map { one in
            Result { () throws(EngineFailure) in try finish(one.get()) }
        }
    }

    /// Waits until the container no longer exists.
    package func waitUntilGone(_ container: String) throws(EngineFailure) {
        try get("/v1/containers/\(percentEncoded(container))/gone")
    }

    package func processes(of container: String) throws(EngineFailure) -> [ProcessRow] {
        try get("/v1/containers/\(percentEncoded(container))/top")
    }

    /// Stops a container, as `stop` does, if `signal` has no effect on its first process; does not wait for that.
    package func beginStop(of container: String, ifDeafTo signal: Int32) throws(EngineFailure) -> PendingRequest {
        try begin("/v1/containers/\(percentEncoded(container))/stop-if-deaf", DeafRequest(signal: signal))
    }

    /// The streams of a container; lets a held one start.
    package func attach(to container: String) throws(EngineFailure) -> AttachedStream {
        try upgrade("/v1/containers/\(percentEncoded(container))/attach", .bytes(try json(Nothing())))
    }

    /// Lets a held container start without streams.
    package func release(_ container: String) throws(EngineFailure) {
        try post("/v1/containers/\(percentEncoded(container))/release", Nothing())
    }

    package func exec(_ request: ExecRequest, in container: String) throws(EngineFailure) -> AttachedStream {
        try upgrade("/v1/containers/\(percentEncoded(container))/exec", .bytes(try json(request)))
    }

    /// The id of the process.
    package func execDetached(_ request: ExecRequest, in container: String) throws(EngineFailure) -> String {
        let answer: ExecAnswer = try post("/v1/containers/\(percentEncoded(container))/exec", request)
        return answer.id
    }

    package func remove(container: String) throws(EngineFailure) {
        try post("/v1/containers/\(percentEncoded(container))/remove", RemoveRequest(force: true))
    }

    // Images.
    package func images() throws(EngineFailure) -> [ImageRow] { try get("/v1/images") }

    package func inspect(image: String) throws(EngineFailure) -> JSONValue {
        try getJSON("/v1/images/inspect?name=\(percentEncoded(image))")
    }

    /// Creates an image from a root file system, a tar from the upload's descriptor.
    package func importImage(
        _ request: ImportRequest, from upload: Upload
    ) throws(EngineFailure) -> EngineStream<ProgressEvent> {
        let header = String(decoding: try json(request), as: UTF8.self)
        return try stream("/v1/images/import", headers: [("Berth-Import", header)], upload)
    }

    /// Loads the images from an archive of `docker save`; `name` is the archive's name for a person.
    package func loadImages(
        from upload: Upload, name: String
    ) throws(EngineFailure) -> EngineStream<ProgressEvent> {
        try stream("/v1/images/load?name=\(percentEncoded(name))", upload)
    }

    package func push(_ request: PushRequest) throws(EngineFailure) -> EngineStream<ProgressEvent> {
        try stream(post: "/v1/images/push", request)
    }

    package func pull(_ request: PullRequest) throws(EngineFailure) -> EngineStream<ProgressEvent> {
        try stream(post: "/v1/images/pull", request)
    }

    /// The references with their current digests in their registries.
    package func resolveImages(_ request: ResolveRequest) throws(EngineFailure) -> [String] {
        try post("/v1/images/resolve", request)
    }

    package func tag(_ request: TagRequest) throws(EngineFailure) { try post("/v1/images/tag", request) }

    package func pruneImages(_ request: PruneRequest) throws(EngineFailure) -> PruneReport {
        try post("/v1/images/prune", request)
    }

    /// Lines that say what was untagged and deleted.
    package func removeImages(_ names: [String], force: Bool) throws(EngineFailure) -> [String] {
        try post("/v1/images/remove", NamesRequest(names: names, force: force))
    }

    // Volumes and networks.
    package func volumes(of project: String? = nil) throws(EngineFailure) -> [VolumeRow] {
        try get("/v1/volumes\(project.map { "?project=\(percentEncoded($0))" } ?? "")")
    }

    package func networks(of project: String? = nil) throws(EngineFailure) -> [NetworkRow] {
        try get("/v1/networks\(project.map { "?project=\(percentEncoded($0))" } ?? "")")
    }

    /// The complete answer, for `inspect`.
    package func inspect(_ kind: ObjectKind, _ name: String) throws(EngineFailure) -> JSONValue {
        try getJSON("/v1/\(kind.rawValue)/\(percentEncoded(name))")
    }

    package func create(_ network: NetworkRequest) throws(EngineFailure) -> NetworkRow {
        try post("/v1/networks/create", network)
    }

    /// It is no error if the volume already exists as requested.
    package func create(_ volume: VolumeRequest) throws(EngineFailure) -> VolumeRow {
        try post("/v1/volumes/create", volume)
    }

    package func remove(_ kind: ObjectKind, _ names: [String], force: Bool) throws(EngineFailure) -> [String] {
        try post("/v1/\(kind.rawValue)/remove", NamesRequest(names: names, force: force))
    }

    package func connect(_ container: String, _ attachment: NetworkAttachment) throws(EngineFailure) {
        try post(
            "/v1/networks/\(percentEncoded(attachment.network))/connect",
            ConnectRequest(container: container, attachment: attachment))
    }

    /// `force`: succeed if the container is gone or is not on the network.
    package func disconnect(
        _ container: String, from network: String, force: Bool
    ) throws(EngineFailure) {
        var request = DisconnectRequest(container: container)
        request.force = force
        try post("/v1/networks/\(percentEncoded(network))/disconnect", request)
    }

    package enum ObjectKind: String, Sendable { case volumes, networks }
}
