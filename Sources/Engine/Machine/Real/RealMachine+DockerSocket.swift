import Glibc
import Linux
import Logging
import NameService
import Networking
import Synchronization

/// Keeps the socket for Docker's clients open in berth-net while containers have it, even after the engine has ended. A
/// mounted socket file always leads to the same socket, so the next engine must answer on it.
extension RealMachine {
    /// The socket that an earlier engine left, whether or not its file is still at `path`. The caller owns it.
    package func takeDockerListener(at path: String) async -> CInt? {
        do {
            guard let kept = try await names.keptSocket(at: path) else { return nil }
            let socket = OwnedFD(owning: kept.descriptor)
            // Serve one copy, and keep the other one to hand it on later.
            let copy = try socket.duplicate()
            if Self.file(path) == Self.file(of: kept) {
                dockerListener.withLock { $0 = kept }
                _ = socket.release()
            } else {
                log.warning(
                    "containers have another socket from an earlier engine than \(path): the engine serves both")
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

    /// Sets the socket on which this engine answers Docker's clients.
    package func offerDockerListener(_ listener: borrowing OwnedFD, at path: String) throws {
        guard let file = Self.file(path) else { return }
        let copy = try listener.duplicate().release()
        let socket = KeptSocket(path: path, device: file.device, inode: file.inode, descriptor: copy)
        dockerListener.withLock { $0 = socket }
    }

    /// Call this when a container gets the socket.
    func keepDockerSocket() async {
        guard let socket = dockerListener.withLock({ $0 }) else { return }
        do { try await names.keep(socket) } catch {
            log.warning("containers lose the socket for Docker's clients when this engine ends: \(error)")
        }
    }

    /// Call this when no container has it any more.
    package func dropDockerListener() async {
        guard let path = dockerListener.withLock({ $0?.path }) else { return }
        _ = try? await names.drop(path)
    }

    private struct File: Equatable {
        let device: UInt64
        let inode: UInt64
    }

    /// nil when there is no such file.
    private static func file(_ path: String) -> File? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return File(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    private static func file(of socket: KeptSocket) -> File { File(device: socket.device, inode: socket.inode) }
}
