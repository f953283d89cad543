import Linux

/// What a bind of Docker's socket means: the engine's own for Docker's clients, unless another program serves that path.
struct DockerSocketBind: Sendable {
    private static let places: Set<String> = ["/var/run/docker.sock", "/run/docker.sock"]

    /// The engine's own; nil when it has none.
    let own: String?

    /// The path that is mounted in place of `path`.
    func source(of path: String) -> String {
        guard let own, Self.places.contains(path), own != path,
            (try? UnixSocket.connect(path, waits: false)) == nil
        else { return path }
        return own
    }

    /// A container has the engine's own, by whichever path.
    func isUsed(by record: ContainerRecord) -> Bool {
        guard let own else { return false }
        return record.mounts.contains { mount in
            guard case .bind(let path, _, _, _, _) = mount.source else { return false }
            return path == own || Self.places.contains(path)
        }
    }

    /// Of `paths` those that are not there and have nothing in their place.
    func missing(_ paths: Set<String>) -> Set<String> { paths.filter { source(of: $0) == $0 } }

    /// The record with its binds led to where they mean.
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
