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
        try confineProcess(to: folder, memory: 2 << 30)
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
    let (process, answer) = try startWorker(program, blob, folder, limits)
    let text = Result { try OpenFolder(OwnedFD(owning: answer)).handle.readToEnd(limit: 1 << 30) }
    var status: CInt = 0
    while waitpid(process, &status, 0) < 0 && Errno.current == .interrupted {}
    guard status == 0 else {
        let end = status & 0x7F == 0 ? "exited with \(status >> 8 & 0xFF)" : "was killed by signal \(status & 0x7F)"
        throw ImageError.failed("the process that unpacked the layer \(end); the archive may be an attack")
    }
    return try decodeJSON(WorkerReport.self, from: text.get(), limits: JSONLimits(bytes: 1 << 30)).layer(for: path)
}

/// Starts a worker; gives its process ID and the descriptor on which its report comes.
private func startWorker(
    _ program: String, _ blob: borrowing OwnedFD, _ folder: borrowing OwnedFD, _ limits: UnpackLimits
) throws -> (pid_t, CInt) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    var pipe = try DescriptorPair.pipe()
    let source = pipe.takeFirst()
    let sink = pipe.takeSecond()
    // Above the numbers they are moved to, or one would close another.
    let (input, target, output) = (try blob.above(3), try folder.above(3), try sink.above(3))
    posix_spawn_file_actions_adddup2(&actions, input.handle.raw, 0)
    posix_spawn_file_actions_adddup2(&actions, output.handle.raw, 1)
    posix_spawn_file_actions_adddup2(&actions, target.handle.raw, 3)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let text = String(decoding: try encodeJSON(limits), as: UTF8.self)
    var words: [UnsafeMutablePointer<CChar>?] = [strdup(program), strdup(unpackWorkerVerb), strdup(text), nil]
    var environment: [UnsafeMutablePointer<CChar>?] = [strdup("SWIFT_BACKTRACE=enable=no"), nil]
    defer { for word in words + environment { free(word) } }
    var process = pid_t()
    let code = posix_spawn(&process, program, &actions, &attributes, &words, &environment)
    guard code == 0 else { throw SyscallError(call: "posix_spawn", object: program, code: Errno(rawValue: code)) }
    return (process, source.release())
}

extension OwnedFD {
    /// A duplicate with a number above `number`, closed on exec.
    fileprivate func above(_ number: CInt) throws(SyscallError) -> OpenFolder {
        OpenFolder(
            OwnedFD(
                owning: try syscall("fcntl(F_DUPFD_CLOEXEC)", on: "fd \(raw)") {
                    fcntl(raw, F_DUPFD_CLOEXEC, number + 1)
                }))
    }
}
