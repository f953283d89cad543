import Glibc
import JSON
import Linux
import OCI

/// The first argument with which the engine starts itself as an unpack worker.
package let unpackWorkerVerb = "unpack-worker"

/// A task with an archive from outside, for a process that can do nothing else. The archive is on descriptor 0.
package enum WorkerTask: Codable, Hashable, Sendable {
    /// The archive is a layer: unpack its files into the folder.
    case unpack(UnpackLimits)
    /// The archive is a build context: unpack its files into the folder, with this process as their owner and without
    /// devices.
    case context(UnpackLimits)
    /// The archive contains images: copy its files into the folder, each under a number.
    case split(UnpackLimits)
    /// Decompress the archive into the folder's file `1`.
    case decompress(limit: Int64)
    /// Only compute the digest of the decompressed archive.
    case digest(limit: Int64)
    /// Write the folder as a layer to descriptor 0; the file `list` has the paths of its opaque folders as JSON.
    case pack(list: CInt)
    /// Perform a task on the files of a container; the folder is their root.
    case files(FileTask)
    /// Copy the archive's files into a container: descriptor 3 is not a folder but a mount namespace, and its root is
    /// the folder.
    case sync(FileSync)

    /// Performs the task in this process. Writes nothing outside of `folder`.
    func perform(_ archive: CInt, into folder: consuming OwnedFD) throws -> WorkerReport {
        switch self {
        case .unpack(let limits): return .unpacked(try unpackLayer(archive, into: folder, limits: limits))
        case .context(let limits):
            try unpackContext(archive, into: folder, limits: limits)
            return .placed
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
        case .pack(let list):
            let text = OwnedFD(owning: try syscall("dup", on: "the list") { dup(list) })
            let list = try decodeJSON(PackingList.self, from: text.readToEnd(limit: reportLimit))
            return .packed(
                try packLayer(folder, opaque: Set(list.opaque), without: Set(list.omitted), to: archive))
        case .files(let task): return .files(task.perform(archive, in: folder))
        case .sync(let wish): return .synced(try syncFiles(archive, into: folder, wish))
        }
    }

    /// What the task needs to be allowed.
    fileprivate var confinement: Confinement {
        var capabilities: [String] = []
        var descriptors: [CInt] = [0, 1, 2]
        var calls: Confinement.Calls = [.openFiles, .changeFiles]
        switch self {
        case .unpack:
            // Owners, modes and attributes except `trusted`, device nodes, and files that their owner may not open.
            capabilities = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_MKNOD", "CAP_SETFCAP"]
        case .context:
            // For folders that their owner may not write to.
            capabilities = ["CAP_DAC_OVERRIDE"]
        case .split, .decompress: break
        case .digest: calls = [.openFiles]
        case .pack(let list):
            // For files that their owner may not read.
            capabilities = ["CAP_DAC_READ_SEARCH"]
            calls = [.openFiles]
            descriptors.append(list)
        case .files(let task):
            capabilities = task.capabilities
            if !task.isWriting { calls = [.openFiles] }
        case .sync:
            // Owners and modes, and folders that their owner may not write to.
            capabilities = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID"]
        }
        return Confinement(
            descriptors: descriptors, capabilities: CapabilitySet(capabilities), calls: calls, memory: 2 << 30)
    }
}

/// The main function of a worker: performs the task in its argument, with the archive on descriptor 0 and the folder on
/// descriptor 3, confined to that folder, and reports on descriptor 1. `main` calls it first, while the process has one
/// thread.
/// - Returns: The exit status; 0 also for a refused archive, because the report says so.
package func runUnpackWorker() -> Int32 {
    let folder = OwnedFD(owning: 3)
    let output = OwnedFD(owning: 1)
    signal(SIGPIPE, SIG_IGN)  // nobody may want the output any more; then an error says so
    let report: WorkerReport
    do {
        let task = try decodeJSON(WorkerTask.self, from: CommandLine.arguments.dropFirst(2).joined().utf8)
        TarReader.prepare()
        if case .files = task {
            try task.confinement.enter(view: folder)
        } else if case .sync = task {
            try task.confinement.enter(mountNamespace: folder)
        } else {
            try task.confinement.enter(folder)
        }
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

/// The result of a worker.
enum WorkerReport: Codable, Sendable {
    case unpacked(UnpackedLayer)
    case placed
    case split([String: ArchiveEntry])
    case decompressed
    case digest(Digest)
    case packed(PackedLayer)
    case files(FileReport)
    case synced([String])
    case invalidArchive(String)
    case tooLarge(String)
    case noSpace
    case failed(String)

    static func failure(_ error: any Error) -> WorkerReport {
        switch error {
        case ImageError.invalidArchive(let reason): .invalidArchive(reason)
        case ImageError.tooLarge(let reason): .tooLarge(reason)
        case let error as SyscallError where error.isFullDisk: .noSpace
        default: .failed("\(error)")
        }
    }

    /// - Throws: the failure that the worker reports.
    func success(for path: String) throws(ImageError) -> WorkerReport {
        switch self {
        case .unpacked, .placed, .split, .decompressed, .digest, .packed, .files, .synced: return self
        case .invalidArchive(let reason): throw .invalidArchive(reason)
        case .tooLarge(let reason): throw .tooLarge(reason)
        case .noSpace: throw .noSpace(path)
        case .failed(let reason): throw .failed(reason)
        }
    }
}

extension WorkerTask {
    fileprivate var deed: String {
        switch self {
        case .pack: "packed the layer"
        case .files: "worked on the container's files"
        case .sync: "wrote into the container"
        case .context: "unpacked the build context"
        case .unpack, .split, .decompress, .digest: "unpacked the layer"
        }
    }
    fileprivate var suspect: String {
        switch self {
        case .pack, .files(.copyOut), .files(.status): "what it holds"
        default: "the archive"
        }
    }
}

/// Performs `task` in a worker process. Blocks until it has ended, or `leash` is cut.
func performInWorker(
    _ task: WorkerTask, _ program: String, _ archive: CInt, into folder: borrowing OwnedFD, at path: String,
    further: [CInt: CInt] = [:], leash: WorkerLeash = WorkerLeash()
) throws -> WorkerReport {
    let text = String(decoding: try encodeJSON(task), as: UTF8.self)
    let outcome = try ConfinedWorker.run(
        program, arguments: [program, unpackWorkerVerb, text], environment: ["SWIFT_BACKTRACE=enable=no"],
        descriptors: further.merging([0: archive, 3: folder.raw]) { $1 }, outputLimit: reportLimit, leash: leash)
    if leash.isCut { throw CancellationError() }
    if let mishap = outcome.mishap {
        throw ImageError.failed(
            "the process that \(task.deed) \(mishap); \(task.suspect) may be an attack")
    }
    return try decodeJSON(WorkerReport.self, from: outcome.output, limits: JSONLimits(bytes: reportLimit))
        .success(for: path)
}

/// The maximum size of a worker's report in bytes; it lists everything that depends on the layers below.
private let reportLimit = 1 << 30
