import Glibc
import Linux
import Synchronization

/// Packs a folder on a thread, while the caller reads the output.
final class PackingThread: Sendable {
    private let outcome = Mutex<Result<PackedLayer, any Error>?>(nil)
    private let end: OpenFolder

    /// Packs the folder at `upper` into `output`, which is closed after the last byte. `list` is a file with its
    /// `PackingList` as JSON.
    init(_ worker: UnpackWorker, _ upper: String, _ list: String, _ output: consuming OwnedFD) throws {
        var pipe = try DescriptorPair.pipe()
        end = OpenFolder(pipe.takeFirst())
        let ends = Ends(bell: OpenFolder(pipe.takeSecond()), output: OpenFolder(output))
        try startThread { [self] in
            let result = Result { try Self.pack(worker, upper, list, ends.output.handle) }
            outcome.withLock { $0 = result }
        }
    }

    /// Descriptors that the thread closes at its end.
    private final class Ends: Sendable {
        let bell: OpenFolder
        let output: OpenFolder

        init(bell: OpenFolder, output: OpenFolder) {
            self.bell = bell
            self.output = output
        }
    }

    /// Waits until it has ended.
    func result() throws -> PackedLayer {
        _ = try end.handle.readToEnd(limit: 1)
        guard let outcome = outcome.withLock({ $0 }) else { throw ImageError.failed("the layer was not packed") }
        return try outcome.get()
    }

    private static func pack(
        _ worker: UnpackWorker, _ upper: String, _ list: String, _ output: borrowing OwnedFD
    ) throws -> PackedLayer {
        let folder = try openFile(upper, O_RDONLY | O_DIRECTORY)
        let opaque = try openFile(list, O_RDONLY)
        let report: WorkerReport
        switch worker {
        case .inProcess: report = try WorkerTask.pack(list: opaque.raw).perform(output.raw, into: folder)
        case .process(let program):
            report = try performInWorker(
                .pack(list: 4), program, output.raw, into: folder, at: upper, further: [4: opaque.raw])
        }
        guard case .packed(let packed) = report else {
            throw ImageError.failed("the process that packs layers gave an unexpected answer")
        }
        return packed
    }
}

/// What a packer must know about the folder; paths are relative to it.
struct PackingList: Codable, Sendable {
    /// Folders that hide what is below them.
    var opaque: [String]
    /// Paths to leave out.
    var omitted: [String] = []
}
