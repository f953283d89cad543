import EngineWire
import Images
import JSON
import Linux
import OCI

extension Engine {
    package func images() async throws -> [ImageRow] {
        let stored = try await parts.machine.storedImages()
        let named = stored.named.map {
            ImageRow($0.image, reference: $0.reference, updated: $0.updated, digest: $0.repositoryDigest)
        }
        return named + stored.nameless.map { ImageRow($0, reference: nil, updated: nil, digest: nil) }
    }

    package func inspectImage(_ name: String) async throws -> JSONValue {
        guard let image = try await parts.machine.storedImage(name) else {
            throw EngineFailure(code: .notFound, message: "no such image: \(name)")
        }
        let tags = try await parts.machine.storedImages().named.filter { $0.image.id == image.id }
        return [
            "Id": .string("\(image.id)"), "RepoTags": .array(tags.map { .string($0.reference.familiar) }),
            "RepoDigests": .array(
                tags.compactMap { tag in
                    tag.repositoryDigest.map { .string("\(tag.reference.familiarName)@\($0)") }
                }), "Created": image.config.created.map(JSONValue.string) ?? .null,
            "Author": .string(image.config.author ?? ""),
            "Architecture": .string(image.config.architecture), "Os": .string(image.config.os),
            "Size": .integer(image.size), "Config": try JSONValue(encoding: image.config.config ?? .init()),
            "RootFS": ["Type": "layers", "Layers": .array(image.config.rootfs.diffIDs.map { .string("\($0)") })],
        ]
    }

    /// Creates an image from the root file system in a tar; the operation ends with its row.
    package func importImage(_ request: ImportRequest, from descriptor: consuming OwnedFD) async throws -> Operation {
        let reference = try Reference(request.reference)
        _ = try Platform.named(request.platform)
        let archive = HeldDescriptor(descriptor)
        let (machine, name) = (parts.machine, reference.familiar)
        return begin(name, "Importing", "Imported") { operation, now in
            let image = try await machine.importImage(
                request, from: archive.handle, progress: operation.show)
            self.tellImage("import", "\(image.id)")
            return [ImageRow(image, reference: reference, updated: now, digest: nil)]
        }
    }

    /// Loads the images of an archive; `name` is the archive's name in progress texts. The operation ends with the rows
    /// of the images.
    package func loadImages(from descriptor: consuming OwnedFD, name: String) async throws -> Operation {
        let archive = HeldDescriptor(descriptor)
        let machine = parts.machine
        return begin(name, "Loading", "Loaded") { operation, now in
            let loaded = try await machine.loadImages(from: archive.handle, progress: operation.show)
            for each in loaded { self.tellImage("load", "\(each.image.id)") }
            return loaded.map { ImageRow($0.image, reference: $0.references.first, updated: now, digest: nil) }
        }
    }

    package func pull(_ request: PullRequest) async throws -> Operation {
        let reference = try Reference(request.reference)
        _ = try Platform.named(request.platform)
        let machine = parts.machine
        return begin(reference.familiar, "Pulling", "Pulled") { [self] operation, _ in
            _ = try await machine.pull(
                reference.familiar, platform: request.platform, logins: request.logins
            ) { step in
                if case .transfer(let done, let total) = step {
                    operation.emit(.transfer(object: reference.familiar, done: done, total: total))
                }
            }
            tellImage("pull", reference.familiar)
            return nil
        }
    }

    /// Begins an operation on the image `name`. The operation reports the rows of `work` before it ends.
    private func begin(
        _ name: String, _ status: String, _ done: String,
        _ work: @escaping @Sendable (_ operation: Operation, _ now: Int64) async throws -> [ImageRow]?
    ) -> Operation {
        let operation = Operation(id: String(parts.machine.newID().prefix(16)), key: parts.machine.newID(), project: "")
        let now = parts.machine.now() / 1_000_000_000
        parts.operations.add(operation)
        Task {
            operation.object(.image, name, status)
            let outcome = await operation.interruptible {
                do {
                    if let rows = try await work(operation, now) { operation.emit(.images(rows)) }
                    operation.object(.image, name, done, done: true)
                    return OperationOutcome(status: .succeeded, changes: 1)
                } catch is CancellationError {
                    operation.object(.image, name, "Interrupted", done: true, failed: true)
                    return OperationOutcome(status: .cancelled)
                } catch {
                    let failure = EngineFailure(describing: error)
                    operation.object(.image, name, "Error", done: true, failed: true, reason: failure.message)
                    return OperationOutcome(status: .failed, errors: [failure])
                }
            }
            operation.finish(outcome)
            await parts.operations.remove(operation)
        }
        return operation
    }

    /// Each reference with its digest at its registry, in the order of the request; asks for eight at a time.
    package func resolveImages(_ request: ResolveRequest) async throws -> [String] {
        let machine = parts.machine
        let references = try request.references.map { try Reference($0) }
        return try await withThrowingTaskGroup(of: (Int, String).self) { group in
            var resolved = request.references
            for (index, reference) in references.enumerated() {
                if index >= 8, let (done, text) = try await group.next() { resolved[done] = text }
                group.addTask {
                    let pinned = try await machine.resolve(reference, logins: request.logins)
                    return (index, pinned.canonical)
                }
            }
            for try await (done, text) in group { resolved[done] = text }
            return resolved
        }
    }

    package func tag(_ source: String, as target: String) async throws {
        let reference = try Reference(target)
        try await parts.machine.tagImage(source, as: reference)
        tellImage("tag", reference.familiar)
    }

    package func removeImages(_ names: [String], force: Bool) async throws -> [String] {
        await gate.wait(for: .ready)
        let use = ImageUse(inventory: parts.inventory, machine: parts.machine, operations: parts.operations)
        let used = Set(await use.ids().compactMap { Digest($0) })
        var lines: [String] = []
        for name in names {
            lines += try await parts.machine.removeImage(name, force: force, inUse: used).map { "\($0)" }
        }
        return lines
    }
}

extension ImageRow {
    init(_ image: Image, reference: Reference?, updated: Int64?, digest: Digest?) {
        self.init(
            id: "\(image.id)", reference: reference?.familiar, digest: digest.map { "\($0)" }, size: image.size,
            platform: image.platform.text,
            createdAt: image.config.created.flatMap { Timestamp.parse($0) }.map { Double($0) / 1e9 },
            taggedAt: updated.map { Double($0) })
        labels = image.config.config?.labels
    }
}

extension Operation {
    /// Reports the progress of a load or an import as events.
    @Sendable fileprivate func show(_ step: ImportStep) {
        switch step {
        case .found(let names): for name in names { object(.image, name, "Unpacking") }
        case .unpacking(let name, let done, let total): emit(.transfer(object: name, done: done, total: total))
        case .complete(let name): object(.image, name, "Loaded", done: true)
        }
    }
}
