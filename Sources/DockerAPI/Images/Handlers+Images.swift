import Engine
import EngineWire
import HTTPService
import JSON
import NIOHTTP1
import OCI

/// The routes of images.
extension Handlers {
    var imageRoutes: [Route] {
        [
            Route(.GET, "/images/json") { try await self.listImages($0) },
            Route(.POST, "/images/create") { request in
                try await self.keepingReplaced { try await self.createImage(request) }
            },
            Route(.POST, "/images/load") { request in
                try await self.keepingReplaced { try await self.loadImages(request) }
            },
            Route(.POST, "/images/prune") { try await self.pruneImages($0) },
            Route(.GET, "/images/get") { request in
                let names = request.query.all("names").flatMap { $0.split(separator: ",").map(String.init) }
                guard !names.isEmpty else { throw DockerFailure.invalid("names of images are needed") }
                return try await self.saveImages(names)
            },
            Route(.GET, "/images/{name...}/get") { try await self.saveImages([$0.parameter("name")]) },
            Route(.GET, "/images/{name...}/json") { request in
                let name = request.parameter("name")
                // docker-compose 1 reads a field that went with version 1.45, whatever version it speaks.
                let isOld = request.header("user-agent")?.hasPrefix("docker-compose/1.") == true
                let version = isOld ? min(request.version, APIVersion(major: 1, minor: 44)) : request.version
                return .json(Self.inspected(try await self.image(name), version))
            },
            Route(.GET, "/images/{name...}/history") { request in
                .json(Self.history(try await self.image(request.parameter("name"))))
            },
            Route(.POST, "/images/{name...}/push") { try await self.pushImage($0) },
            Route(.GET, "/distribution/{name...}/json") { try await self.distribution($0) },
            Route(.POST, "/images/{name...}/tag") { request in
                try await self.keepingReplaced { try await self.tagImage(request) }
            },
            Route(.DELETE, "/images/{name...}") { try await self.deleteImage($0) },
        ]
    }

    private func image(_ name: String) async throws -> ImageDetails {
        do { return try await engine.imageDetails(name) } catch let failure as EngineFailure
            where failure.code == .notFound
        {
            throw DockerFailure.notFound("No such image: \(Self.isID(name) ? name : Self.withTag(name))")
        }
    }

    /// The name may be the start of an id.
    private static func isID(_ name: String) -> Bool {
        name.hasPrefix("sha256:") || name.utf8.count >= 12 && name.allSatisfy { $0.isHexDigit && !$0.isUppercase }
    }

    // MARK: Looking

    private static let filterNames: Set<String> = [
        "dangling", "label", "label!", "before", "since", "reference", "until",
    ]

    private func listImages(_ request: DockerRequest) async throws -> Response {
        var filters = try request.query.filters(Self.filterNames)
        // Clients from before there were filters.
        if let name = request.query.word("filter") { filters = try filters.adding("reference", name) }
        let dangling = try filters.flag("dangling")
        let until = try Self.until(filters, now: engine.now)
        var before: Int64?
        var since: Int64?
        if let name = filters["before"].first { before = try await image(name).createdInNanoseconds }
        if let name = filters["since"].first { since = try await image(name).createdInNanoseconds }
        var counts: [String: Int] = [:]
        for snapshot in await engine.snapshots() { counts[snapshot.record.imageID, default: 0] += 1 }
        let rows = try await engine.imageDetails().compactMap { image -> JSONValue? in
            var image = image
            if let dangling, image.names.isEmpty != dangling { return nil }
            if let before, image.createdInNanoseconds >= before { return nil }
            if let since, image.createdInNanoseconds <= since { return nil }
            if let until, image.createdInNanoseconds >= until { return nil }
            guard filters.allows(labels: image.config.config?.labels ?? [:]) else { return nil }
            if filters.has("reference") {
                image.names = image.names.filter { name in
                    filters.allows("reference") { ReferencePattern.matches(name, $0) }
                }
                if image.names.isEmpty { return nil }
            }
            return Self.row(image, containers: counts[image.id] ?? 0, request.version)
        }
        return .json(.array(rows))
    }

    static func row(_ image: ImageDetails, containers: Int, _ version: APIVersion) -> JSONValue {
        let value = JSONValue.members([
            "Id": image.id, "ParentId": "", "RepoTags": image.names, "RepoDigests": image.repositoryDigests,
            "Created": image.created, "Size": image.size, "SharedSize": -1,
            "Labels": image.config.config?.labels ?? [:], "Containers": containers,
        ])
        return version < APIVersion(major: 1, minor: 44) ? value.adding(["VirtualSize": image.size]) : value
    }

    static func inspected(_ image: ImageDetails, _ version: APIVersion) -> JSONValue {
        let config = image.config.config
        let ports = (config?.exposedPorts ?? [:]).keys.sorted()
        let volumes = (config?.volumes ?? [:]).keys.sorted()
        var running = JSONValue.members([
            "User": config?.user ?? "", "Env": config?.env ?? [], "Cmd": config?.cmd,
            "Volumes": volumes.isEmpty ? JSONValue.null : InspectedContainer.set(volumes),
            "WorkingDir": config?.workingDir ?? "", "Entrypoint": config?.entrypoint, "OnBuild": config?.onBuild,
            "Labels": config?.labels,
        ])
        if !ports.isEmpty { running = running.adding(["ExposedPorts": InspectedContainer.set(ports)]) }
        // These fields only make sense for containers. Version 1.50 leaves them out.
        if version < APIVersion(major: 1, minor: 50) {
            running = running.adding([
                "Hostname": "", "Domainname": "", "AttachStdin": false, "AttachStdout": false, "AttachStderr": false,
                "Tty": false, "OpenStdin": false, "StdinOnce": false, "Image": "",
            ])
        }
        running = running.adding([
            "StopSignal": config?.stopSignal, "Shell": config?.shell,
            "Healthcheck": config?.healthcheck.flatMap { try? JSONValue(encoding: $0) },
        ])
        let value = JSONValue.members([
            "Id": image.id, "RepoTags": image.names, "RepoDigests": image.repositoryDigests, "Parent": "",
            "Comment": image.config.history?.last?.comment ?? "",
            "Created": image.config.created ?? Instant.never, "DockerVersion": "",
            "Author": image.config.author ?? "", "Config": running, "Architecture": image.config.architecture,
            "Os": image.config.os, "Size": image.size,
            "GraphDriver": JSONValue.members(["Data": JSONValue.emptyObject, "Name": "overlay2"]),
            "RootFS": JSONValue.members([
                "Type": "layers", "Layers": image.config.rootfs.diffIDs.map { "\($0)" },
            ]),
            "Metadata": JSONValue.members([
                "LastTagTime": image.updated.map { Instant.text($0 * 1_000_000_000) } ?? Instant.never
            ]),
        ])
        var variant = value.adding(["Variant": image.config.variant])
        // The container that a classic build made the image from; old clients read its volumes.
        if version < APIVersion(major: 1, minor: 45) {
            variant = variant.adding(["Container": "", "ContainerConfig": running])
        }
        return version < APIVersion(major: 1, minor: 44) ? variant.adding(["VirtualSize": image.size]) : variant
    }

    /// Newest first; steps without a layer have no size.
    private static func history(_ image: ImageDetails) -> JSONValue {
        var sizes = image.layerSizes[...]
        var rows: [JSONValue] = []
        let steps = image.config.history ?? []
        for (index, step) in steps.enumerated() {
            let size = step.emptyLayer == true ? 0 : sizes.popFirst() ?? 0
            let created = step.created.flatMap { Timestamp.parse($0) } ?? 0
            let isLast = index == steps.count - 1
            rows.append(
                .members([
                    "Id": isLast ? image.id : "<missing>", "Created": created / 1_000_000_000,
                    "CreatedBy": step.createdBy ?? "",
                    "Tags": isLast && !image.names.isEmpty ? image.names.json : .null,
                    "Size": size, "Comment": step.comment ?? "",
                ]))
        }
        if rows.isEmpty {
            rows.append(
                .members([
                    "Id": image.id, "Created": image.created, "CreatedBy": "",
                    "Tags": image.names.isEmpty ? JSONValue.null : image.names.json,
                    "Size": image.layerSizes.reduce(0, +), "Comment": "",
                ]))
        }
        return .array(rows.reversed())
    }

    // MARK: Changing

    private func tagImage(_ request: DockerRequest) async throws -> Response {
        let source = try await image(request.parameter("name"))
        guard let repository = request.query.word("repo") else {
            throw DockerFailure.invalid("invalid reference format: repository name is missing")
        }
        let target = "\(repository):\(request.query.word("tag") ?? "latest")"
        let isTagged = repository.split(separator: "/").last?.contains(":") == true
        let name = isTagged && request.query.word("tag") == nil ? repository : target
        do { try await engine.tag(source.id, as: name) } catch {
            throw DockerFailure.invalid(
                "Error parsing reference: \"\(name)\" is not a valid repository/tag: \(EngineFailure(describing: error).message)"
            )
        }
        return .whole(.created, [:], [])
    }

    private func deleteImage(_ request: DockerRequest) async throws -> Response {
        let name = request.parameter("name")
        let image = try await image(name)
        let force = request.query.flag("force")
        let isByName = !image.id.contains(name)
        let isLast = image.names.count <= 1 || !isByName
        let users = await engine.snapshots().filter { $0.record.imageID == image.id }
        if isLast, let running = users.first(where: \.isUp), !(force && isByName) {
            let short = image.id.dropFirst("sha256:".count).prefix(12)
            throw DockerFailure.conflict(
                isByName
                    ? "conflict: unable to remove repository reference \"\(name)\" (must force) - container \(running.record.id.prefix(12)) is using its referenced image \(short)"
                    : "conflict: unable to delete \(short) (cannot be forced) - image is being used by running container \(running.record.id.prefix(12))"
            )
        }
        if isLast, !force, let user = users.first {
            let short = image.id.dropFirst("sha256:".count).prefix(12)
            throw DockerFailure.conflict(
                "conflict: unable to remove repository reference \"\(name)\" (must force) - container \(user.record.id.prefix(12)) is using its referenced image \(short)"
            )
        }
        if !isByName, image.names.count > 1, !force {
            let short = image.id.dropFirst("sha256:".count).prefix(12)
            throw DockerFailure.conflict(
                "conflict: unable to delete \(short) (must be forced) - image is referenced in multiple repositories")
        }
        let removed = try await engine.deleteImage(name, force: force)
        return .json(
            .array(removed.map { .members([$0.action == "untag" ? "Untagged" : "Deleted": $0.name]) }))
    }

    private func pruneImages(_ request: DockerRequest) async throws -> Response {
        let filters = try request.query.filters(["dangling", "label", "label!", "until"])
        let until = try Self.until(filters, now: engine.now).map { Double($0) / 1e9 }
        let report = try await engine.pruneImages(
            PruneRequest(
                all: try filters.flag("dangling") == false, until: until, labels: filters["label"],
                withoutLabels: filters["label!"]))
        let rows = report.lines.compactMap { line -> JSONValue? in
            let parts = line.split(separator: ": ", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { return nil }
            return .members([parts[0] == "untagged" ? "Untagged" : "Deleted": parts[1]])
        }
        return .json(
            .members([
                "ImagesDeleted": rows.isEmpty ? JSONValue.null : .array(rows), "SpaceReclaimed": report.reclaimed,
            ]))
    }

    private func saveImages(_ names: [String]) async throws -> Response {
        for name in names { _ = try await image(name) }
        return try await download("application/x-tar") { try await self.engine.saveImages(names, to: $0) }
    }

    private func loadImages(_ request: DockerRequest) async throws -> Response {
        guard let file = request.request.file else { throw DockerFailure.invalid("no archive was sent") }
        let isQuiet = request.query.flag("quiet")
        let operation = try await engine.loadImages(from: file.reopened(), name: "archive")
        return .values(ImageProgress.loading(operation, isQuiet: isQuiet))
    }

    /// Pulls an image, or imports the root file system in the body.
    private func createImage(_ request: DockerRequest) async throws -> Response {
        let query = request.query
        if let source = query.word("fromSrc") { return try await importImage(request, source) }
        guard let name = query.word("fromImage") else {
            throw DockerFailure.invalid("fromImage or fromSrc is needed")
        }
        var reference = name
        if let tag = query.word("tag") {
            reference = tag.hasPrefix("sha256:") ? "\(name)@\(tag)" : "\(name):\(tag)"
        } else {
            reference = Self.withTag(name)
        }
        let pull = PullRequest(
            reference: reference, platform: query.word("platform"),
            logins: RegistryAuth.logins(request.header("x-registry-auth"), for: name))
        let events = try await engine.pullLayers(pull)
        // An image that cannot be had is an error of the request, as long as no layer was shown. The loop leaves the other events in
        // the stream.
        var first: PullEvent?
        for await event in events {
            first = event
            break
        }
        if case .failed(let failure)? = first { throw Self.pullFailure(failure, of: reference) }
        return .values(ImageProgress.pulling(reference, first, events))
    }

    /// In dockerd's words: docker compose and test libraries look for them.
    private static func pullFailure(_ failure: EngineFailure, of reference: String) -> DockerFailure {
        switch failure.code {
        case .notFound: return .notFound("manifest for \(reference) not found: manifest unknown: manifest unknown")
        case .noRights:
            let last = reference.split(separator: "/").last ?? ""
            let mark = reference.firstIndex(of: "@") ?? (last.contains(":") ? reference.lastIndex(of: ":") : nil)
            let name = mark.map { String(reference[..<$0]) } ?? reference
            return .notFound(
                "pull access denied for \(name), repository does not exist or may require 'docker login': denied: requested access to the resource is denied"
            )
        default: return DockerFailure(describing: failure)
        }
    }

    private func importImage(_ request: DockerRequest, _ source: String) async throws -> Response {
        guard source == "-" else {
            throw DockerFailure.unsupported("fromSrc=\(source): send the archive itself, with fromSrc=-")
        }
        guard let file = request.request.file else { throw DockerFailure.invalid("no archive was sent") }
        let query = request.query
        let repository = query.word("repo") ?? "imported"
        let reference = query.word("tag").map { "\(repository):\($0)" } ?? Self.withTag(repository)
        let wanted = ImportRequest(
            reference: reference, changes: query.all("changes"), message: query.word("message"),
            platform: query.word("platform"))
        let operation = try await engine.importImage(wanted, from: file.reopened())
        return .values(ImageProgress.importing(operation))
    }
}

extension Filters {
    func adding(_ name: String, _ value: String) throws(DockerFailure) -> Filters {
        var object = JSONObject()
        for known in names { object[known] = self[known].json }
        object[name] = (self[name] + [value]).json
        return try Filters(JSONValue.object(object).text())
    }
}
