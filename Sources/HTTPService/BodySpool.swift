import Glibc
import Linux
import Synchronization

/// Keeps long request bodies on disk: one file each, unlinked at once, written by a separate thread.
final class BodySpool: Sendable {
    private let folder: String
    private let thread = BlockingPool(name: "spool", limit: 1)

    init(folder: String) { self.folder = folder }

    /// A file without a name, for reading and writing.
    func open() async throws -> SpoolFile {
        try await thread.run { [folder, thread] in
            try makeFolders(folder, mode: 0o700)
            return SpoolFile(try openNamelessFile(in: folder), in: folder, thread: thread)
        }
    }
}

/// A request's body on disk.
package final class SpoolFile: Sendable {
    private let descriptor: OwnedFD
    private let folder: String
    private let thread: BlockingPool

    fileprivate init(_ descriptor: consuming OwnedFD, in folder: String, thread: BlockingPool) {
        self.descriptor = descriptor
        self.folder = folder
        self.thread = thread
    }

    func append(_ bytes: [UInt8]) async throws {
        try await thread.run { [self] in
            do throws(SyscallError) { try descriptor.write(bytes) } catch {
                // Name the folder, so that the error about a full disk shows which disk.
                throw SyscallError(call: error.call, object: folder, code: error.code)
            }
        }
    }

    /// A separate descriptor for the whole body, at its start.
    package func reopened() throws -> OwnedFD {
        let copy = try descriptor.duplicate()
        rewind(copy.raw)
        return copy
    }
}
