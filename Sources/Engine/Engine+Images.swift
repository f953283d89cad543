import EngineWire
import Images
import JSON
import Linux
import OCI

extension Engine {
    private var store: ImageStore {
        get throws {
            guard let real else { throw EngineFailure(code: "unsupported", message: "this machine has no image store") }
            return real.images
        }
    }

    package func images() async throws -> [ImageRow] {
        let tagged = try await store.list().map {
            ImageRow($0.image, reference: $0.reference, updated: $0.updated, digest: $0.repositoryDigest)
        }
        let untagged = try await store.untagged().map { ImageRow($0, reference: nil, updated: nil, digest: nil) }
        return tagged + untagged
    }

    package func inspectImage(_ name: String) async throws -> JSONValue {
        guard let image = try await store.resolve(name) else {
            throw EngineFailure(code: "not_found", message: "no such image: \(name)")
        }
        let tags = try await store.list().filter { $0.image.id == image.id }
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

    /// Makes an image out of the root file system in a tar; the operation ends with its row.
    package func importImage(_ request: ImportRequest, from descriptor: consuming OwnedFD) async throws -> Operation {
        let reference = try Reference(request.reference)
        let platform = try Platform.named(request.platform)
        let archive = HeldDescriptor(descriptor)
        let (store, name) = (try store, reference.familiar)
        return begin(name, "Importing", "Imported") { operation, now in
            let image = try await store.importArchive(
                from: .descriptor(archive.handle.raw), reference: reference, changes: request.changes,
                message: request.message, platform: platform,
                progress: operation.show)
            return [ImageRow(image, reference: reference, updated: now, digest: nil)]
        }
    }

    /// Loads the images of an archive, which a person knows as `name`; the operation ends with their rows.
    package func loadImages(from descriptor: consuming OwnedFD, name: String) async throws -> Operation {
        let archive = HeldDescriptor(descriptor)
        let store = try store
        return begin(name, "Loading", "Loaded") { operation, now in
            try await store.load(from: .descriptor(archive.handle.raw), progress: operation.show).map {
                ImageRow($0.image, reference: $0.references.first, updated: now, digest: nil)
            }
        }
    }

    package func pull(_ request: PullRequest) async throws -> Operation {
        let reference = try Reference(request.reference)
        _ = try Platform.named(request.platform)
        guard let real else { throw EngineFailure(code: "unsupported", message: "this machine has no image store") }
        return begin(reference.familiar, "Pulling", "Pulled") { operation, _ in
            _ = try await real.pull(reference, platform: request.platform, logins: request.logins) { step in
                if case .transfer(let done, let total) = step {
                    operation.emit(.transfer(object: reference.familiar, done: done, total: total))
                }
            }
            return nil
        }
    }

    /// Begins an operation on the image `name`; the rows that `work` gives are told before its end.
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

    /// Each reference with the digest that its registry has for it, in the order of the request; eight at a time.
    package func resolveImages(_ request: ResolveRequest) async throws -> [String] {
        guard let real else { throw EngineFailure(code: "unsupported", message: "this machine has no image store") }
        let references = try request.references.map { try Reference($0) }
        return try await withThrowingTaskGroup(of: (Int, String).self) { group in
            var resolved = request.references
            for (index, reference) in references.enumerated() {
                if index >= 8, let (done, text) = try await group.next() { resolved[done] = text }
                group.addTask {
                    let pinned = try await real.resolve(reference, logins: request.logins)
                    return (index, pinned.canonical)
                }
            }
            for try await (done, text) in group { resolved[done] = text }
            return resolved
        }
    }

    package func tag(_ source: String, as target: String) async throws {
        try await store.tag(source, as: Reference(target))
    }

    package func removeImages(_ names: [String], force: Bool) async throws -> [String] {
        await gate.wait(for: .ready)
        let use = ImageUse(inventory: parts.inventory, machine: parts.machine, operations: parts.operations)
        let used = Set(await use.ids().compactMap { Digest($0) })
        var lines: [String] = []
        for name in names { lines += try await store.remove(name, force: force, inUse: used).map { "\($0)" } }
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
    }
}

/// An archive's descriptor, kept open until the operation that reads it has ended.
private final class HeldDescriptor: Sendable {
    let handle: OwnedFD
    init(_ handle: consuming OwnedFD) { self.handle = handle }
}

extension Operation {
    /// What a load or an import tells, as events.
    @Sendable fileprivate func show(_ step: ImportStep) {
        switch step {
        case .found(let names): for name in names { object(.image, name, "Unpacking") }
        case .unpacking(let name, let done, let total): emit(.transfer(object: name, done: done, total: total))
        case .complete(let name): object(.image, name, "Loaded", done: true)
        }
    }
}
