import CLinux
import EngineWire
import Glibc
import Images
import Linux
import Monitor
import OCI
import ProjectModel

extension RealMachine {
    package func fileStatus(
        _ path: String, of container: ContainerRecord, _ volumes: [String: String]
    ) async throws -> FileStatus {
        let view = try await view(of: container, volumes, readOnly: true)
        let nothing = HeldDescriptor(try openFile("/dev/null", O_RDONLY))
        guard let status = try await perform(.status(path: path), view, nothing.handle.raw) else {
            throw FileFailure(.failed, "\(path) is unknown")
        }
        return status
    }

    package func copyOut(
        _ path: String, as name: String, of container: ContainerRecord, _ volumes: [String: String], to sink: CInt
    ) async throws {
        let sink = HeldDescriptor(OwnedFD(owning: sink))
        let view = try await view(of: container, volumes, readOnly: true)
        _ = try await perform(.copyOut(path: path, name: name), view, sink.handle.raw)
        withExtendedLifetime(sink) {}
    }

    package func copyIn(
        _ source: CInt, to path: String, of container: ContainerRecord, _ volumes: [String: String],
        _ placement: Placement
    ) async throws {
        let source = HeldDescriptor(OwnedFD(owning: source))
        let view = try await view(of: container, volumes, readOnly: false)
        _ = try await perform(.copyIn(path: path, placement), view, source.handle.raw)
        withExtendedLifetime(source) {}
    }

    package func export(_ container: ContainerRecord, to sink: CInt) async throws {
        let sink = HeldDescriptor(OwnedFD(owning: sink))
        let view = try await view(of: container, nil, readOnly: true)
        _ = try await perform(.export, view, sink.handle.raw)
        withExtendedLifetime(sink) {}
    }

    package func changedFiles(of container: ContainerRecord) async throws -> [ChangedFile] {
        let lower = try await images.snapshot(for: storedImage(container)).lower
        let upper = "\(paths.container(container.id))/upper"
        let points = container.mountPoints(paths)
        return try await fileThreads.run {
            try layerChanges(in: upper, above: lower, mountPoints: points).map { change in
                let kind: ChangedFile.Kind =
                    switch change.kind {
                    case .changed: .changed
                    case .added: .added
                    case .deleted: .deleted
                    }
                return ChangedFile(kind, "/\(change.path)")
            }
        }
    }

    package func commit(_ container: ContainerRecord, _ request: CommitRequest) async throws -> Image {
        try await images.commit(
            upper: "\(paths.container(container.id))/upper", above: storedImage(container),
            mountPoints: container.mountPoints(paths), as: container.execution, changes: request.changes,
            author: request.author, message: request.message,
            command: container.arguments.joined(separator: " "), reference: request.reference.map { try Reference($0) })
    }

    private func perform(_ task: FileTask, _ view: HeldDescriptor, _ archive: CInt) async throws -> FileStatus? {
        let leash = WorkerLeash()
        let files = ContainerFiles(images.worker)
        return try await withTaskCancellationHandler {
            try await fileThreads.run { try files.perform(task, view.handle, archive, leash: leash) }
        } onCancel: {
            leash.cut()
        }
    }

    // MARK: Views

    /// The files as the container sees them: through its process if it runs, otherwise assembled for this call. With
    /// nil `volumes`, mounts are left out.
    private func view(
        of container: ContainerRecord, _ volumes: [String: String]?, readOnly: Bool
    ) async throws -> HeldDescriptor {
        if let process = runningProcess(of: container) {
            do {
                return try await runOnPrivateThread(mounts: false) {
                    let handle = try ProcessHandle(
                        pid: process.pid, startTicks: process.startTicks, bootID: process.bootID)
                    try enterMounts(of: process.pid)
                    let view = try openView("/", recursive: volumes != nil, readOnly: readOnly)
                    withExtendedLifetime(handle) {}
                    return HeldDescriptor(view)
                }
            } catch let error as SyscallError where [.noSuchProcess, .notFound].contains(error.code) {
                // It has just ended.
            }
        }
        let image = try await storedImage(container)
        let layers = try await images.snapshot(for: image).mounted
        let folder = paths.container(container.id)
        let root = "\(paths.bundle(container.id))/rootfs"
        return try await runOnPrivateThread(mounts: true) {
            try makeFolders(root)
            try mountLayers(layers, upper: "\(folder)/upper", work: "\(folder)/work", at: root)
            if let volumes { try Self.mount(container.mounts, volumes, in: root) }
            return HeldDescriptor(try openView(root, recursive: true, readOnly: readOnly))
        }
    }

    /// The process of a container that runs or waits at its gate. The record has it once the container runs; before
    /// that, the connection to its monitor has it.
    private func runningProcess(of container: ContainerRecord) -> ProcessIdentity? {
        if let process = container.life.process { return process }
        guard case .created(let identity)? = hub.connection(container.id)?.known(.created) else { return nil }
        return identity
    }

    /// Mounts volumes and folders of the host at their places, as they will be when the container runs.
    private static func mount(
        _ mounts: [ContainerRecord.Mount], _ volumes: [String: String], in root: String
    ) throws {
        for mount in mounts.sorted(by: { $0.target.pathParts.count < $1.target.pathParts.count }) {
            let source: String
            switch mount.source {
            case .volume(let name, _, _, let subpath):
                guard let folder = volumes[name] else { continue }
                source = subpath.map { "\(folder)/\($0)" } ?? folder
            case .bind(let path, _, _, _, _): source = path
            case .tmpfs, .image: continue  // a stopped container has no such content
            }
            guard fileExists(source) else { continue }
            let top = try openFile(root, O_RDONLY | O_DIRECTORY)
            let place = try Self.place(mount.target, isFolder: isFolder(source), in: top)
            let path = "/proc/self/fd/\(place.raw)"
            try mountFileSystem(source, at: path, type: nil, flags: UInt(MS_BIND | MS_REC), options: nil)
            guard mount.readOnly else { continue }
            let mounted = try top.openInRoot(mount.target, CInt(BERTH_O_PATH))
            try mountFileSystem(
                "none", at: "/proc/self/fd/\(mounted.raw)", type: nil, flags: UInt(MS_BIND | MS_REMOUNT | MS_RDONLY),
                options: nil)
        }
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The place for a mount; created if missing, as a start does.
    private static func place(
        _ target: String, isFolder: Bool, in root: borrowing OwnedFD
    ) throws(SyscallError) -> OwnedFD {
        let parts = target.pathParts
        for count in 1...max(1, parts.count) {
            let path = parts.prefix(count).joined(separator: "/")
            do throws(SyscallError) {
                let found = try root.openInRoot(path.isEmpty ? "." : path, CInt(BERTH_O_PATH))
                if count >= parts.count { return found }
            } catch {
                guard error.code == .notFound, let name = parts.prefix(count).last else { throw error }
                let parent = try root.folderInRoot(parts.prefix(count - 1).joined(separator: "/"))
                if count < parts.count || isFolder {
                    try parent.makeFolder(name)
                } else {
                    _ = try parent.openEntry(name, O_WRONLY | O_CREAT, mode: 0o644)
                }
            }
        }
        return try root.openInRoot(target, CInt(BERTH_O_PATH))
    }
}

extension ContainerRecord {
    /// Paths in its root file system that the runtime creates as mount points.
    fileprivate func mountPoints(_ paths: EnginePaths) -> [String] {
        [
            "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/console", "/dev/shm", "/dev/pts", "/dev/mqueue",
            "/dev",
        ]
            + ["/proc", "/sys", SpecBuilder.initPath] + mounts.map(\.target)
            + SecretFile.files(of: self, paths).map(\.target)
    }

    /// How a container of an image created from this container runs.
    package var execution: ImageConfig.Execution {
        var execution = image
        if let words = template.entrypoint {
            execution.entrypoint = words
            execution.cmd = template.command ?? []
        } else if let words = template.command {
            execution.cmd = words
        }
        for (name, value) in template.environment.sorted(by: { $0.key < $1.key }) {
            var variables = execution.env ?? []
            let entry = "\(name)=\(value)"
            if let place = variables.firstIndex(where: { $0.hasPrefix("\(name)=") }) {
                variables[place] = entry
            } else {
                variables.append(entry)
            }
            execution.env = variables
        }
        for name in template.environmentRemoved ?? [] { execution.env?.removeAll { $0.hasPrefix("\(name)=") } }
        execution.user = template.user ?? execution.user
        execution.workingDir = template.workingDir ?? execution.workingDir
        execution.stopSignal = template.stopSignal ?? execution.stopSignal
        if !template.labels.isEmpty { execution.labels = (execution.labels ?? [:]).merging(template.labels) { $1 } }
        return execution
    }
}
