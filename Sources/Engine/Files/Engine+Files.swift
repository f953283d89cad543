import EngineWire
import Glibc
import Images
import Linux
import Monitor
import ProjectModel
import Synchronization

/// Work on the files of containers. Each function closes the descriptor that it gets, in any case.
extension Engine {
    package func fileStatus(_ path: String, of name: String) async throws -> FileStatus {
        try await withFiles(of: name) { machine, record, volumes in
            try await machine.fileStatus(path, of: record, volumes)
        }
    }

    package func file(_ path: String, of name: String) async throws -> FileRow {
        let status = try await fileStatus(path, of: name)
        return FileRow(
            name: status.name, size: status.size, mode: status.mode, modified: status.modified,
            linkTarget: status.linkTarget, isFolder: status.isFolder)
    }

    /// Writes what is at `path` as a tar whose entries are below `entry`. An empty `entry` packs only the content of a
    /// folder; nil uses the last part of the path.
    package func copyOut(_ path: String, as entry: String?, of name: String, to sink: CInt) async throws {
        let sink = Passing(sink)
        let own = path.pathParts.last { $0 != "." && $0 != ".." } ?? ""
        try await withFiles(of: name) { machine, record, volumes in
            try await machine.copyOut(path, as: entry ?? own, of: record, volumes, to: sink.take())
        }
    }

    /// Reads a tar, plain or compressed, and writes its files into the folder at `path`. With `keepsKinds` a folder
    /// never replaces a file, and a file never replaces a folder.
    package func copyIn(
        _ source: CInt, to path: String, in name: String, keepsKinds: Bool
    ) async throws {
        let source = Passing(source)
        var placement = Placement()
        placement.keepsKinds = keepsKinds
        let chosen = placement
        try await withFiles(of: name) { machine, record, volumes in
            guard !record.template.readOnly || Self.isOnVolume(path, record) else {
                throw FileFailure(.readOnly, "the root file system of \(record.name) is read-only")
            }
            try await machine.copyIn(source.take(), to: path, of: record, volumes, chosen)
        }
    }

    /// Writes the whole file system as a tar, without mounts.
    package func export(_ name: String, to sink: CInt) async throws {
        let sink = Passing(sink)
        try await withFiles(of: name) { machine, record, _ in try await machine.export(record, to: sink.take()) }
    }

    /// Paths that differ from the image.
    package func changedFiles(of name: String) async throws -> [ChangedFile] {
        await gate.wait(for: .known)
        return try await parts.machine.changedFiles(of: find(name))
    }

    /// Creates an image from the current state of a container.
    package func commit(_ name: String, _ request: CommitRequest) async throws -> CommittedImage {
        await gate.wait(for: .ready)
        let record = try await find(name)
        if let reference = request.reference { _ = try Reference(reference) }
        var pauses = request.pauses && record.life.phase == .running
        if pauses { pauses = try await holdStill(record.id) }
        do {
            let image = try await parts.machine.commit(record, request)
            if pauses { try? await parts.machine.resume(record.id) }
            return CommittedImage(id: "\(image.id)")
        } catch {
            if pauses { try? await parts.machine.resume(record.id) }
            throw error
        }
    }

    /// Pauses a container; false if it has just ended, so that its files no longer change.
    private func holdStill(_ id: String) async throws -> Bool {
        do {
            try await parts.machine.pause(id)
            return true
        } catch let failure as EngineFailure where [.conflict, .monitorLost].contains(failure.code) {
            return false
        }
    }

    /// Writes images with their names as an archive.
    package func saveImages(_ names: [String], to sink: CInt) async throws {
        let sink = Passing(sink)
        try await parts.machine.saveImages(names, to: sink.take())
    }

    /// Runs `body` on the files of a container. If the container is stopped, its volumes are available to `body`, and
    /// it cannot start meanwhile.
    private func withFiles<Result: Sendable>(
        of name: String,
        _ body: @escaping @Sendable (any Machine, ContainerRecord, [String: String]) async throws -> Result
    ) async throws -> Result {
        await gate.wait(for: .known)
        let record = try await find(name)
        let machine = parts.machine
        do {
            if record.isUp { return try await body(machine, record, [:]) }
            return try await parts.runner.locks.with(record.id) { [inventory = parts.inventory] in
                guard let record = await inventory.container(record.id) else {
                    throw FileFailure(.notFound, "container \(record.name) is gone")
                }
                guard !record.isUp else { return try await body(machine, record, [:]) }
                var folders: [String: String] = [:]
                var volumes: [VolumeRecord] = []
                for name in record.volumeNames {
                    guard let volume = await inventory.volume(name) else { continue }
                    folders[name] = try await machine.mountVolume(volume, for: record.id)
                    volumes.append(volume)
                }
                do {
                    let result = try await body(machine, record, folders)
                    for volume in volumes { await machine.unmountVolume(volume, for: record.id) }
                    return result
                } catch {
                    for volume in volumes { await machine.unmountVolume(volume, for: record.id) }
                    throw error
                }
            }
        } catch let failure as FileFailure {
            throw EngineFailure(failure, of: record)
        }
    }

    private static func isOnVolume(_ path: String, _ record: ContainerRecord) -> Bool {
        let clean = "/" + path.pathParts.joined(separator: "/")
        return record.mounts.contains { !$0.readOnly && (clean == $0.target || clean.hasPrefix("\($0.target)/")) }
    }
}

/// Holds a descriptor until somebody takes it, and otherwise closes it.
private final class Passing: Sendable {
    // The mutex guards it; -1 once somebody took it.
    private let descriptor: Mutex<CInt>

    init(_ descriptor: CInt) { self.descriptor = Mutex(descriptor) }

    deinit {
        let left = take()
        if left >= 0 { close(left) }
    }

    func take() -> CInt {
        descriptor.withLock { descriptor in
            defer { descriptor = -1 }
            return descriptor
        }
    }
}

extension EngineFailure {
    /// A failure of work on the files of `record`.
    init(_ failure: FileFailure, of record: ContainerRecord) {
        let code: Code =
            switch failure.reason {
            case .notFound: .notFound
            case .noFolder, .kindDiffers, .invalidArchive: .invalid
            case .readOnly: .refused
            case .noSpace: .noSpace
            case .failed, .readerGone: .failed
            }
        self.init(code: code, message: "\(record.name): \(failure.message)")
    }
}

// MARK: Streams of berth's own

extension Engine {
    /// Copies a tar out of a container or into it. Returns a connected socket of `StreamFrame`s, which the caller then
    /// owns.
    package func archive(_ request: ArchiveRequest, of name: String) async throws -> CInt {
        try serve { engine, stream in
            switch request.direction {
            case .out(let entry):
                let (sink, wait) = try stream.output()
                do { try await engine.copyOut(request.path, as: entry, of: name, to: sink) } catch {
                    await wait()
                    throw error
                }
                await wait()
            case .export:
                let (sink, wait) = try stream.output()
                do { try await engine.export(name, to: sink) } catch {
                    await wait()
                    throw error
                }
                await wait()
            case .into(let keepsKinds):
                try await engine.copyIn(stream.input(), to: request.path, in: name, keepsKinds: keepsKinds)
            }
        }
    }

    /// Sends an archive of images in the same way.
    package func imageArchive(_ names: [String]) async throws -> CInt {
        try serve { engine, stream in
            let (sink, wait) = try stream.output()
            do { try await engine.saveImages(names, to: sink) } catch {
                await wait()
                throw error
            }
            await wait()
        }
    }

    private func serve(_ body: @escaping @Sendable (Engine, ArchiveStream) async throws -> Void) throws -> CInt {
        let (stream, client) = try ArchiveStream.pair()
        Task {
            do {
                try await body(self, stream)
                stream.finish(nil)
            } catch {
                stream.finish(EngineFailure(describing: error))
            }
        }
        return client
    }
}
