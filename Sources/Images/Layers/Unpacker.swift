import Glibc
import Linux
import OCI

/// Who unpacks archives.
package enum UnpackWorker: Sendable {
    /// A thread of this process.
    case inProcess
    /// A process of its own without network, which sees nothing but the folder it fills: `program` is started with
    /// `unpackWorkerVerb` and has to call `runUnpackWorker`.
    case process(program: String)
}

/// Unpacks layers into folders that are not snapshots yet.
struct Unpacker: Sendable {
    let worker: UnpackWorker
    let limits: UnpackLimits

    /// A layer that is unpacked but not committed: whoever has it commits or removes `path`.
    struct Pending: Sendable {
        let path: String
        let layer: UnpackedLayer
    }

    /// Unpacks the layer in the file at `blob`; leaves nothing when it fails.
    func unpack(_ blob: String, in snapshots: SnapshotFolder, on pool: BlockingPool) async throws -> Pending {
        let pending = try await pool.run { try explainingFullDisk(snapshots.root) { try snapshots.makePending() } }
        do {
            let layer = try await pool.run { [worker, limits] in
                try explainingFullDisk(snapshots.root) {
                    let root = try openFile("\(pending)/fs", O_RDONLY | O_DIRECTORY)
                    let file = try openFile(blob, O_RDONLY)
                    switch worker {
                    case .inProcess: return try unpackLayer(file.raw, into: root, limits: limits)
                    case .process(let program):
                        return try unpackInWorker(program, file, into: root, at: snapshots.root, limits: limits)
                    }
                }
            }
            return Pending(path: pending, layer: layer)
        } catch {
            try? await pool.run { try removeTree(pending) }  // at the latest the next start removes it
            throw error
        }
    }
}
