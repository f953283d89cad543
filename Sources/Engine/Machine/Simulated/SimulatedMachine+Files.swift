import EngineWire
import Glibc
import Images
import Linux
import OCI
import Synchronization

/// Files without content: an archive has a path in each line.
extension SimulatedMachine {
    private func files(of container: ContainerRecord) throws -> Set<String> {
        try state.withLock { state in
            guard state.world.containers[container.id] != nil else {
                throw FileFailure(.notFound, "there is no container \(container.name)")
            }
            return state.world.files[container.id] ?? []
        }
    }

    package func fileStatus(
        _ path: String, of container: ContainerRecord, _ volumes: [String: String]
    ) async throws -> FileStatus {
        let clean = "/" + path.pathParts.joined(separator: "/")
        let files = try files(of: container)
        let isFolder = clean == "/" || files.contains { $0.hasPrefix("\(clean)/") }
        guard isFolder || files.contains(clean) else { throw FileFailure(.notFound, "no such file or folder: \(path)") }
        return FileStatus(
            name: path.pathParts.last ?? "/", size: 0, mode: (isFolder ? S_IFDIR : S_IFREG) | 0o644, modified: now())
    }

    package func copyOut(
        _ path: String, as name: String, of container: ContainerRecord, _ volumes: [String: String], to sink: CInt
    ) async throws {
        let sink = OwnedFD(owning: sink)
        _ = try await fileStatus(path, of: container, volumes)
        let clean = "/" + path.pathParts.joined(separator: "/")
        let found = try files(of: container).filter { $0 == clean || $0.hasPrefix(clean == "/" ? "/" : "\(clean)/") }
        try sink.write(found.sorted().map { "\(name)\($0.dropFirst(clean == "/" ? 0 : clean.count))\n" }.joined().utf8)
    }

    package func copyIn(
        _ source: CInt, to path: String, of container: ContainerRecord, _ volumes: [String: String],
        _ placement: Placement
    ) async throws {
        let source = OwnedFD(owning: source)
        guard try await fileStatus(path, of: container, volumes).isFolder else {
            throw FileFailure(.noFolder, "not a folder: \(path)")
        }
        let names = String(decoding: try source.readToEnd(), as: UTF8.self).split(separator: "\n")
        try await act("copy into \(container.name)", chance: \.createFails) { state in
            for name in names {
                let parts = path.pathParts + String(name).pathParts
                state.world.files[container.id, default: []].insert("/" + parts.joined(separator: "/"))
            }
        }
    }

    package func export(_ container: ContainerRecord, to sink: CInt) async throws {
        try await copyOut("/", as: "", of: container, [:], to: sink)
    }

    package func changedFiles(of container: ContainerRecord) async throws -> [ChangedFile] {
        try files(of: container).sorted().map { ChangedFile(.added, $0) }
    }

    package func commit(_ container: ContainerRecord, _ request: CommitRequest) async throws -> Image {
        let id = "sha256:\(newID())"
        try await act("commit \(container.name)", chance: \.createFails) { state in
            state.images[request.reference ?? id] = MachineImage(id: id, config: container.execution)
        }
        guard let image = try await storedImage(id) else { throw ImageError.notFound(id) }
        return image
    }
}
