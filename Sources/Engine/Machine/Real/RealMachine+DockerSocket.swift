import Glibc
import Linux
import Logging
import NameService
import Networking
import Synchronization

/// The socket for Docker's clients outlives the engine in berth-net while containers have it: a file that is mounted into a container
/// stays the one it was, so the next engine has to answer on the same socket.
extension RealMachine {
    /// What an earlier engine left: to be served, whether or not its file is still at `path`. The caller takes it over.
    package func takeDockerListener(at path: String) async -> CInt? {
        do {
            guard let kept = try await names.keptSocket(at: path) else { return nil }
            let socket = OwnedFD(owning: kept.descriptor)
            // One copy is served, the other is there to be kept again.
            let copy = try socket.duplicate()
            if Self.file(path) == Self.file(of: kept) {
                dockerListener.withLock { $0 = kept }
                _ = socket.release()
            } else {
                log.warning(
                    "\(path) is another socket than containers have from an earlier engine: the engine serves both")
                try await names.drop(path)
            }
            return copy.release()
        } catch {
            log.warning("the socket of an earlier engine could not be taken over: \(error)")
            return nil
        }
    }

    /// The file at its path leads to this engine.
    package var hasDockerListener: Bool { dockerListener.withLock { $0 != nil } }

    /// Says on which socket this engine answers Docker's clients.
    package func offerDockerListener(_ listener: borrowing OwnedFD, at path: String) throws {
        guard let file = Self.file(path) else { return }
        let copy = try listener.duplicate().release()
        let socket = KeptSocket(path: path, device: file.device, inode: file.inode, descriptor: copy)
        dockerListener.withLock { $0 = socket }
    }

    /// A container gets it.
    func keepDockerSocket() async {
        guard let socket = dockerListener.withLock({ $0 }) else { return }
        do { try await names.keep(socket) } catch {
            log.warning("the socket for Docker's clients will not survive this engine in containers: \(error)")
        }
    }

    /// Nobody has it any more.
    package func dropDockerListener() async {
        guard let path = dockerListener.withLock({ $0?.path }) else { return }
        _ = try? await names.drop(path)
    }

    private struct File: Equatable {
        let device: UInt64
        let inode: UInt64
    }

    /// nil when there is none.
    private static func file(_ path: String) -> File? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return File(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    private static func file(of socket: KeptSocket) -> File { File(device: socket.device, inode: socket.inode) }
}
