import Glibc
import JSON
import Linux
import OCI

/// The first argument with which the engine starts itself as an unpack worker.
package let unpackWorkerVerb = "unpack-worker"

/// What is done with an archive from outside, by a process that can do nothing else. The archive is on descriptor 0.
package enum WorkerTask: Codable, Hashable, Sendable {
    /// It is a layer; its files go into the folder.
    case unpack(UnpackLimits)
    /// It holds images; its files go into the folder, each under a number.
    case split(UnpackLimits)
    /// Its compression is taken off; the result is the folder's file `1`.
    case decompress(limit: Int64)
    /// Nothing is kept but the digest of what it is without its compression.
    case digest(limit: Int64)

    /// Does it in this process. Nothing is written outside `folder`.
    func perform(_ archive: CInt, into folder: consuming OwnedFD) throws -> WorkerReport {
        switch self {
        case .unpack(let limits): return .unpacked(try unpackLayer(archive, into: folder, limits: limits))
        case .split(let limits): return .split(try splitArchive(archive, into: folder, limits: limits))
        case .decompress(let limit):
            let stream = try DecompressedStream(archive, hashing: false, limit: limit)
            let file = try folder.openEntry("1", O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
            var size: Int64 = 0
            while let piece = stream.next() {
                try file.write(piece, at: size)
                size += Int64(piece.count)
            }
            if let failure = stream.failure { throw failure }
            return .decompressed
        case .digest(let limit):
            guard let digest = try DecompressedStream(archive, limit: limit).finish() else {
                throw ImageError.failed("the layer was not hashed")
            }
            return .digest(digest)
        }
    }

    /// What it takes to do it.
    fileprivate var confinement: Confinement {
        var capabilities: [String] = []
        var calls: Confinement.Calls = [.openFiles, .changeFiles]
        switch self {
        case .unpack:
            // Owners, modes and attributes of all kinds but `trusted`, device nodes, and files that their owner may not open.
            capabilities = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_MKNOD", "CAP_SETFCAP"]
        case .split, .decompress: break
        case .digest: calls = [.openFiles]
        }
        return Confinement(
            descriptors: [0, 1, 2], capabilities: CapabilitySet(capabilities), calls: calls, memory: 2 << 30)
    }
}

/// A worker's life: does what its argument says with the archive on descriptor 0 and the folder on descriptor 3, locked into
/// that folder, and reports on descriptor 1. Called first thing in `main`, while the process has one thread.
/// - Returns: the exit status; 0 also for an archive that was refused, which the report tells.
package func runUnpackWorker() -> Int32 {
    let folder = OwnedFD(owning: 3)
    let output = OwnedFD(owning: 1)
    let report: WorkerReport
    do {
        let task = try decodeJSON(WorkerTask.self, from: CommandLine.arguments.dropFirst(2).joined().utf8)
        TarReader.prepare()
        try task.confinement.enter(folder)
        report = try task.perform(0, into: openFile("/", O_RDONLY | O_DIRECTORY))
    } catch {
        report = .failure(error)
    }
    do {
        try output.write(encodeJSON(report))
        return 0
    } catch {
        return 1
    }
}

/// What a worker has to say.
enum WorkerReport: Codable, Sendable {
    case unpacked(UnpackedLayer)
    case split([String: ArchiveEntry])
    case decompressed
    case digest(Digest)
    case invalidArchive(String)
    case tooLarge(String)
    case noSpace
    case failed(String)

    static func failure(_ error: any Error) -> WorkerReport {
        switch error {
        case ImageError.invalidArchive(let reason): .invalidArchive(reason)
        case ImageError.tooLarge(let reason): .tooLarge(reason)
        case let error as SyscallError where error.code == .noSpace: .noSpace
        default: .failed("\(error)")
        }
    }

    /// - Throws: what the worker says went wrong.
    func success(for path: String) throws(ImageError) -> WorkerReport {
        switch self {
        case .unpacked, .split, .decompressed, .digest: return self
        case .invalidArchive(let reason): throw .invalidArchive(reason)
        case .tooLarge(let reason): throw .tooLarge(reason)
        case .noSpace: throw .noSpace(path)
        case .failed(let reason): throw .failed(reason)
        }
    }
}

/// Has a worker process do `task`. Sleeps until it has ended.
func performInWorker(
    _ task: WorkerTask, _ program: String, _ archive: CInt, into folder: borrowing OwnedFD, at path: String
) throws -> WorkerReport {
    let text = String(decoding: try encodeJSON(task), as: UTF8.self)
    let outcome = try ConfinedWorker.run(
        program, arguments: [program, unpackWorkerVerb, text], environment: ["SWIFT_BACKTRACE=enable=no"],
        descriptors: [0: archive, 3: folder.raw], outputLimit: reportLimit)
    if let mishap = outcome.mishap {
        throw ImageError.failed("the process that unpacked the layer \(mishap); the archive may be an attack")
    }
    return try decodeJSON(WorkerReport.self, from: outcome.output, limits: JSONLimits(bytes: reportLimit))
        .success(for: path)
}

/// Bytes of a worker's report, which names what only the layers below know.
private let reportLimit = 1 << 30
