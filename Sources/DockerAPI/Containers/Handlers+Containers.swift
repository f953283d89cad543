import Engine
import EngineWire
import HTTPService
import JSON
import Monitor
import NIOHTTP1
import OCI
import ProjectModel

/// The routes of containers.
extension Handlers {
    var containerRoutes: [Route] {
        [
            Route(.GET, "/containers/json") { try await self.listContainers($0) },
            Route(.POST, "/containers/create") { try await self.createContainer($0) },
            Route(.POST, "/containers/prune") { try await self.pruneContainers($0) },
            Route(.GET, "/containers/{id}/json") { try await self.inspectContainer($0) },
            Route(.GET, "/containers/{id}/top") { try await self.top($0) },
            Route(.POST, "/containers/{id}/start") { request in
                try await self.start(try await self.id(request)) ? .noContent : Self.unchanged
            },
            Route(.POST, "/containers/{id}/stop") { request in
                let timeout = try Self.timeout(request.query)
                let signal = try Self.stopSignal(request)
                return try await self.engine.stopContainer(
                    try await self.id(request), timeout: timeout, signal: signal) ? .noContent : Self.unchanged
            },
            Route(.POST, "/containers/{id}/restart") { request in
                let timeout = try Self.timeout(request.query)
                let signal = try Self.stopSignal(request)
                try await self.engine.restartContainer(try await self.id(request), timeout: timeout, signal: signal)
                return .noContent
            },
            Route(.POST, "/containers/{id}/kill") { try await self.kill($0) },
            Route(.POST, "/containers/{id}/pause") { request in
                try await self.engine.pauseContainer(try await self.id(request))
                return .noContent
            },
            Route(.POST, "/containers/{id}/unpause") { request in
                try await self.engine.unpauseContainer(try await self.id(request))
                return .noContent
            },
            Route(.POST, "/containers/{id}/rename") { try await self.rename($0) },
            Route(.POST, "/containers/{id}/update") { try await self.update($0) },
            Route(.POST, "/containers/{id}/wait") { try await self.wait($0) },
            Route(.DELETE, "/containers/{id...}") { try await self.delete($0) },
        ]
    }

    private static let unchanged = Response.whole(.notModified, [:], [])

    private func start(_ id: String) async throws -> Bool {
        do { return try await engine.startContainer(id) } catch let failure as EngineFailure
            where failure.code == .portTaken
        {
            // Tools look for the last words.
            let name = try await engine.snapshot(id).record.name
            throw DockerFailure(
                .internalServerError,
                "driver failed programming external connectivity on endpoint \(name) (\(id)): \(failure.message): port is already allocated"
            )
        } catch let failure as EngineFailure where failure.code == .launchFailed {
            throw DockerFailure.invalid(
                "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: "
                    + DockerFailure.launch(failure.message))
        }
    }

    /// The id of the container that the path names.
    private func id(_ request: DockerRequest) async throws -> String {
        try await engine.snapshot(request.parameter("id")).record.id
    }

    /// `t` in seconds. A negative number waits for ever; nil means the container's own grace period.
    private static func timeout(_ query: Query) throws(DockerFailure) -> Duration? {
        guard let seconds = try query.integer("t") else { return nil }
        return seconds < 0 ? .seconds(Int64(Int32.max)) : .seconds(seconds)
    }

    /// `signal`, which API versions from 1.42 on have.
    private static func stopSignal(_ request: DockerRequest) throws(DockerFailure) -> Int32? {
        guard request.version >= APIVersion(major: 1, minor: 42), let text = request.query.word("signal") else {
            return nil
        }
        return try signal(text)
    }

    /// A name with or without `SIG`, or a number.
    private static func signal(_ text: String) throws(DockerFailure) -> Int32 {
        guard let signal = Int32(text) ?? SignalName.number(text.uppercased()), (1...64).contains(signal) else {
            throw .invalid("invalid signal: \(text)")
        }
        return signal
    }

    // MARK: Looking

    private func sizes(_ snapshot: ContainerSnapshot) async -> (own: Int64, all: Int64) {
        let own = await engine.writableSize(of: snapshot.record.id)
        return (own, own + (await engine.imageSize(snapshot.record.imageID) ?? 0))
    }

    private func listContainers(_ request: DockerRequest) async throws -> Response {
        let query = request.query
        let filters = try query.filters(ContainerList.filterNames)
        var ancestors: Set<String> = []
        for name in filters["ancestor"] { ancestors.formUnion(await engine.imagesAbove(name)) }
        let limit = try query.integer("limit").flatMap { $0 > 0 ? $0 : nil }
        let list = ContainerList(filters: filters, all: query.flag("all"), limit: limit, ancestors: ancestors)
        let now = engine.now
        var rows: [JSONValue] = []
        let chosen = try list.chosen(await engine.snapshots())
        let images = await engine.imageIDs(of: Set(chosen.map { ContainerText.image($0.record) }))
        for snapshot in chosen {
            let sizes = query.flag("size") ? await sizes(snapshot) : nil
            rows.append(
                ContainerList.row(snapshot, images: images, now: now, version: request.version, sizes: sizes))
        }
        return .json(.array(rows))
    }

    private func inspectContainer(_ request: DockerRequest) async throws -> Response {
        let snapshot = try await engine.snapshot(request.parameter("id"))
        let inspected = InspectedContainer(
            snapshot: snapshot, execs: engine.openExecs(in: snapshot.record.id), version: request.version,
            hidesSecrets: hidesSecrets)
        return .json(inspected.json(sizes: request.query.flag("size") ? await sizes(snapshot) : nil))
    }

    private func top(_ request: DockerRequest) async throws -> Response {
        let snapshot = try await engine.snapshot(request.parameter("id"))
        switch snapshot.record.life.phase {
        case .running, .paused: break
        case .restarting:
            throw DockerFailure.conflict(
                "Container \(snapshot.record.id) is restarting, wait until the container is running")
        default: throw DockerFailure.conflict("container \(snapshot.record.id) is not running")
        }
        let rows = try await engine.processes(of: snapshot.record.id)
        return .json(try ProcessListing(request.query.word("ps_args") ?? "-ef").json(rows, now: engine.now))
    }

    // MARK: Making

    private func createContainer(_ request: DockerRequest) async throws -> Response {
        let body = try CreateBody(try request.json(), platform: request.query.word("platform"))
        var name = request.query.word("name")
        if let given = name, given.hasPrefix("/") { name = String(given.dropFirst()) }
        if let name {
            guard Self.isName(name) else {
                throw DockerFailure.invalid(
                    "Invalid container name (\(name)), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
            }
        }
        try await checkLinks(of: body.template)
        var template = body.template
        // An inspection shows the id, which the other container keeps when it is renamed.
        template.pid = try await withID(template.pid)
        template.ipc = try await withID(template.ipc)
        if case .container(let other) = template.networkMode { _ = try await withID("container:\(other)") }
        let reference = template.image ?? ""
        guard try await engine.hasImage(reference) else {
            throw DockerFailure.notFound("No such image: \(Self.withTag(reference))")
        }
        var wanted = ContainerRequest(key: engine.newKey(), name: name, template: template, starts: false)
        wanted.pull = .never
        let id: String?
        do { id = try await make(wanted) } catch let failure as EngineFailure where failure.code == .notFound {
            // After 404 clients would assume that the image is missing, and pull it.
            throw DockerFailure.invalid(DockerFailure(describing: failure).message)
        }
        guard let id else { throw DockerFailure(.internalServerError, "the container was not made") }
        let warnings = try body.warnings + LoggingPlan(body.template.logging).warnings
        return .json(.members(["Id": id, "Warnings": warnings]), status: .created)
    }

    /// On a user's network the other container may come later. On the default bridge it has to exist already.
    private func checkLinks(of template: ContainerTemplate) async throws {
        guard template.networks.first?.network == "bridge" else { return }
        for link in template.externalLinks {
            do { _ = try await engine.snapshot(link.target) } catch let failure as EngineFailure
                where failure.code == .notFound
            {
                // At 404 clients take the image for missing, and fetch it.
                throw DockerFailure.invalid(
                    "could not get container for \(link.target): No such container: \(link.target)")
            }
        }
    }

    /// `container:NAME` with the id of that container.
    private func withID(_ mode: String?) async throws -> String? {
        guard let mode, mode.hasPrefix("container:") else { return mode }
        do {
            return "container:\(try await engine.snapshot(String(mode.dropFirst("container:".count))).record.id)"
        } catch let failure as EngineFailure where failure.code == .notFound {
            // At 404 clients take the image for missing, and fetch it.
            throw DockerFailure.invalid("No such container: \(mode.dropFirst("container:".count))")
        }
    }

    private func make(_ wanted: ContainerRequest) async throws -> String? {
        let operation = try await engine.create(wanted)
        var id: String?
        for await event in operation.events() {
            if case .created(let container) = event { id = container.id }
        }
        if let failure = operation.outcome?.errors.first { throw failure }
        return id
    }

    static func isName(_ name: String) -> Bool {
        name.utf8.count > 1
            && name.utf8.enumerated().allSatisfy { index, byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || index > 0 && "_.-".utf8.contains(byte)
            }
    }

    /// An image name with its tag, which is `latest` if it has none.
    static func withTag(_ reference: String) -> String {
        let last = reference.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        return last.contains(":") || reference.contains("@") || reference.isEmpty ? reference : "\(reference):latest"
    }

    // MARK: Doing

    private func kill(_ request: DockerRequest) async throws -> Response {
        let signal = try Self.signal(request.query.word("signal") ?? "SIGKILL")
        let snapshot: ContainerSnapshot
        do { snapshot = try await engine.snapshot(request.parameter("id")) } catch let failure as EngineFailure
            where failure.code == .notFound
        {
            throw DockerFailure.notFound("cannot kill container: \(request.parameter("id")): \(failure.message)")
        }
        guard snapshot.isUp || snapshot.record.life.phase == .restarting else {
            throw DockerFailure.conflict(
                "cannot kill container: \(request.parameter("id")): container \(snapshot.record.id) is not running")
        }
        try await engine.killContainer(snapshot.record.id, signal: signal)
        return .noContent
    }

    private func rename(_ request: DockerRequest) async throws -> Response {
        var name = request.query.text("name") ?? ""
        if name.hasPrefix("/") { name = String(name.dropFirst()) }
        guard !name.isEmpty else {
            throw DockerFailure.invalid("Neither old nor new names may be empty")
        }
        let id = try await id(request)
        guard Self.isName(name) else {
            throw DockerFailure.invalid(
                "Invalid container name (\(name)), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
        }
        try await engine.renameContainer(id, to: name)
        return .noContent
    }

    private func update(_ request: DockerRequest) async throws -> Response {
        let body = Body(try request.json())
        let snapshot = try await engine.snapshot(request.parameter("id"))
        let resources = try CreateBody.resources(body, changing: snapshot.record.template.resources)
        let policy = body["RestartPolicy"]
        let restart = try policy["Name"].text() == nil ? nil : CreateBody.restartPolicy(policy)
        if restart != nil, restart != .no, snapshot.record.isTransient {
            throw DockerFailure.conflict(
                "Restart policy cannot be updated because AutoRemove is enabled for the container")
        }
        try await engine.updateContainer(snapshot.record.id) { template in
            template.resources = resources
            if let restart { template.restart = restart }
        }
        return .json(.members(["Warnings": JSONValue.null]))
    }

    private func wait(_ request: DockerRequest) async throws -> Response {
        let text = request.query.word("condition") ?? "not-running"
        guard let condition = Engine.WaitCondition(rawValue: text) else {
            throw DockerFailure.invalid("invalid condition: \"\(text)\"")
        }
        let snapshot = try await engine.snapshot(request.parameter("id"))
        let ended = try await engine.waiting(for: snapshot.record.id, until: condition)
        // Send the header at once, because the client waits for it before it starts the container.
        let answer = Once {
            await ended().map { JSONValue.members(["StatusCode": $0]).line }
        }
        return .chunks(["content-type": "application/json"], AsyncStream { await answer.next() })
    }

    private func delete(_ request: DockerRequest) async throws -> Response {
        let query = request.query
        if query.flag("link") { return try await deleteLink(request.parameter("id")) }
        let snapshot = try await engine.snapshot(request.parameter("id"))
        do {
            try await engine.deleteContainer(
                snapshot.record.id, force: query.flag("force"), volumes: query.flag("v"))
        } catch let failure as EngineFailure where failure.code == .notFound {
            throw DockerFailure.notFound("No such container: \(request.parameter("id"))")
        }
        return .noContent
    }

    /// `docker rm --link /web/db` removes the name `db` from container `web`.
    private func deleteLink(_ path: String) async throws -> Response {
        let parts = path.split(separator: "/").map(String.init)
        guard parts.count == 2 else {
            throw DockerFailure.invalid("Cannot remove the default link name of the container")
        }
        let alias = parts[1]
        let record = try await engine.snapshot(parts[0]).record
        guard record.template.externalLinks.contains(where: { $0.alias == alias }) else {
            throw DockerFailure.notFound("No such link: /\(record.name)/\(alias)")
        }
        try await engine.updateContainer(record.id) { template in
            template.externalLinks.removeAll { $0.alias == alias }
        }
        return .noContent
    }

    private func pruneContainers(_ request: DockerRequest) async throws -> Response {
        let filters = try request.query.filters(["label", "label!", "until"])
        let until = try Self.until(filters, now: engine.now)
        let result = try await engine.pruneContainers { record in
            if let until, record.createdAt >= until { return false }
            return filters.allows(labels: record.labels)
        }
        return .json(.members(["ContainersDeleted": result.ids, "SpaceReclaimed": result.bytes]))
    }

    /// A prune removes only objects that were created before this instant.
    static func until(_ filters: Filters, now: Int64) throws(DockerFailure) -> Int64? {
        guard let text = filters["until"].first else { return nil }
        guard filters["until"].count == 1 else { throw .invalid("more than one until filter specified") }
        guard let instant = Instant.parse(text, now: now) else { throw .invalid("invalid value for until: \(text)") }
        return instant
    }
}

/// A stream with a single piece.
private actor Once {
    private var make: (@Sendable () async -> [UInt8]?)?

    init(_ make: @escaping @Sendable () async -> [UInt8]?) { self.make = make }

    func next() async -> [UInt8]? {
        defer { make = nil }
        return await make?()
    }
}
