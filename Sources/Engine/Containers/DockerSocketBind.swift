import Linux

/// Resolves binds of Docker's socket: they mean the engine's own Docker socket, unless another program serves that
/// path.
struct DockerSocketBind: Sendable {
    private static let places: Set<String> = ["/var/run/docker.sock", "/run/docker.sock"]

    /// The engine's own socket; nil when it has none.
    let own: String?

    /// The path to mount for `path`.
    func source(of path: String) -> String {
        guard let own, Self.places.contains(path), own != path,
            (try? UnixSocket.connect(path, waits: false)) == nil
        else { return path }
        return own
    }

    /// The container mounts the engine's own socket, by any path.
    func isUsed(by record: ContainerRecord) -> Bool {
        guard let own else { return false }
        return record.mounts.contains { mount in
            guard case .bind(let path, _, _, _, _) = mount.source else { return false }
            return path == own || Self.places.contains(path)
        }
    }

    /// The paths in `paths` that do not exist and have no replacement.
    func missing(_ paths: Set<String>) -> Set<String> { paths.filter { source(of: $0) == $0 } }

    /// The record with such binds replaced.
    func applied(to record: ContainerRecord) -> ContainerRecord {
        var record = record
        for index in record.mounts.indices {
            guard
                case .bind(let path, let makes, let propagation, let isRecursive, let isWritable) = record.mounts[index]
                    .source
            else { continue }
            record.mounts[index].source = .bind(
                path: source(of: path), createHostPath: makes, propagation: propagation, isRecursive: isRecursive,
                isWritableBelow: isWritable)
        }
        return record
    }
}
