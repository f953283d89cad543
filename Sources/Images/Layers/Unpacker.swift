import Glibc
import Linux
import OCI

/// Where to unpack archives.
package enum UnpackWorker: Sendable {
    /// On a thread of this process.
    case inProcess
    /// In a process of its own that can do nothing else and sees only the folder that it fills: `program` is started
    /// with `unpackWorkerVerb` and must call `runUnpackWorker`.
    case process(program: String)
}

/// The processed and the total number of bytes of an archive; may be called from any thread.
package typealias ByteProgress = @Sendable (_ done: Int64, _ total: Int64) -> Void

/// Performs tasks with archives from outside.
struct Unpacker: Sendable {
    let worker: UnpackWorker
    let limits: UnpackLimits

    /// A layer that is unpacked but not committed; its owner must commit or remove `path`.
    struct Pending: Sendable {
        let path: String
        let layer: UnpackedLayer
    }

    /// Unpacks the layer in the file at `blob`; leaves nothing behind when it fails.
    func unpack(
        _ blob: String, in snapshots: SnapshotFolder, on pool: BlockingPool, progress: ByteProgress? = nil
    ) async throws -> Pending {
        let pending = try await pool.run { try explainingFullDisk(snapshots.root) { try snapshots.makePending() } }
        do {
            let file = try await pool.run { OpenFolder(try openFile(blob, O_RDONLY)) }
            let report = try await perform(
                .unpack(limits), file, into: "\(pending)/fs", at: snapshots.root, on: pool, progress: progress)
            guard case .unpacked(let layer) = report else { throw Self.wrongReport }
            return Pending(path: pending, layer: layer)
        } catch {
            try? await pool.run { try removeTree(pending) }  // otherwise the next start removes it
            throw error
        }
    }

    /// Copies the files of an archive of images into the new folder at `path`.
    func split(_ archive: OpenFolder, into path: String, on pool: BlockingPool) async throws -> [String: ArchiveEntry] {
        try await pool.run { try makeFolders(path, mode: 0o700) }
        let report = try await perform(.split(limits), archive, into: path, at: path, on: pool)
        guard case .split(let entries) = report else { throw Self.wrongReport }
        return entries
    }

    /// Decompresses the archive into the file `1` of the new folder at `path`.
    func decompress(_ archive: OpenFolder, into path: String, on pool: BlockingPool) async throws {
        try await pool.run { try makeFolders(path, mode: 0o700) }
        _ = try await perform(.decompress(limit: limits.bytes), archive, into: path, at: path, on: pool)
    }

    /// The digest of the decompressed file at `blob`; `place` is a folder that the worker sees but does not change.
    func bareDigest(of blob: String, seeing place: String, on pool: BlockingPool) async throws -> Digest {
        let file = try await pool.run { OpenFolder(try openFile(blob, O_RDONLY)) }
        let report = try await perform(.digest(limit: limits.bytes), file, into: place, at: place, on: pool)
        guard case .digest(let digest) = report else { throw Self.wrongReport }
        return digest
    }

    private func perform(
        _ task: WorkerTask, _ archive: OpenFolder, into folder: String, at path: String, on pool: BlockingPool,
        progress: ByteProgress? = nil
    ) async throws -> WorkerReport {
        let watch = progress.map { watchReading(archive, $0) }
        defer { watch?.cancel() }
        // When the caller is cancelled, it does not wait for work in progress: a layer may take minutes.
        let leash = WorkerLeash()
        return try await withTaskCancellationHandler {
            try await pool.run { [worker] in
                try explainingFullDisk(path) {
                    let root = try openFile(folder, O_RDONLY | O_DIRECTORY)
                    switch worker {
                    case .inProcess: return try task.perform(archive.handle.raw, into: root)
                    case .process(let program):
                        return try performInWorker(
                            task, program, archive.handle.raw, into: root, at: path, leash: leash)
                    }
                }
            }
        } onCancel: {
            leash.cut()
        }
    }

    private static var wrongReport: ImageError {
        .failed("the process that unpacks archives gave an unexpected answer")
    }
}

/// Reports how far a file was read, until cancelled. Every process that reads the file shares its offset.
private func watchReading(_ file: OpenFolder, _ report: @escaping ByteProgress) -> Task<Void, Never> {
    Task {
        guard let size = regularFileSize(file.handle.raw) else { return }
        while true {
            do { try await Task.sleep(for: .milliseconds(200)) } catch { return }
            report(Int64(lseek(file.handle.raw, 0, SEEK_CUR)), Int64(size))
        }
    }
}
