import Glibc
import JSON
import Linux

/// The first argument with which the engine starts itself as an unpack worker.
package let unpackWorkerVerb = "unpack-worker"

/// A worker's life: unpacks the archive on descriptor 0 into the folder on descriptor 3, locked into that folder, and
/// reports on descriptor 1. Called first thing in `main`, while the process has one thread.
/// - Returns: the exit status; 0 also for an archive that was refused, which the report tells.
package func runUnpackWorker() -> Int32 {
    let folder = OwnedFD(owning: 3)
    let output = OwnedFD(owning: 1)
    let report: WorkerReport
    do {
        let limits = try decodeJSON(UnpackLimits.self, from: CommandLine.arguments.dropFirst(2).joined().utf8)
        TarReader.prepare()
        try unpackConfinement.enter(folder)
        report = .unpacked(try unpackLayer(0, into: openFile("/", O_RDONLY | O_DIRECTORY), limits: limits))
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

    func layer(for path: String) throws(ImageError) -> UnpackedLayer {
        switch self {
        case .unpacked(let layer): return layer
        case .invalidArchive(let reason): throw .invalidArchive(reason)
        case .tooLarge(let reason): throw .tooLarge(reason)
        case .noSpace: throw .noSpace(path)
        case .failed(let reason): throw .failed(reason)
        }
    }
}

/// Unpacks with a worker process. Sleeps until it has ended.
func unpackInWorker(
    _ program: String, _ blob: borrowing OwnedFD, into folder: borrowing OwnedFD, at path: String,
    limits: UnpackLimits
) throws -> UnpackedLayer {
    let text = String(decoding: try encodeJSON(limits), as: UTF8.self)
    let outcome = try ConfinedWorker.run(
        program, arguments: [program, unpackWorkerVerb, text], environment: ["SWIFT_BACKTRACE=enable=no"],
        descriptors: [0: blob.raw, 3: folder.raw], outputLimit: reportLimit)
    if let mishap = outcome.mishap {
        throw ImageError.failed("the process that unpacked the layer \(mishap); the archive may be an attack")
    }
    return try decodeJSON(WorkerReport.self, from: outcome.output, limits: JSONLimits(bytes: reportLimit))
        .layer(for: path)
}

/// Bytes of a worker's report, which names what only the layers below know.
private let reportLimit = 1 << 30

/// What unpacking a layer takes: owners, modes and attributes of all kinds but `trusted`, device nodes, and files that their
/// owner may not open.
private let unpackConfinement = Confinement(
    descriptors: [0, 1, 2, 3],
    capabilities: CapabilitySet([
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_MKNOD", "CAP_SETFCAP",
    ]), calls: [.openFiles, .changeFiles], memory: 2 << 30)
