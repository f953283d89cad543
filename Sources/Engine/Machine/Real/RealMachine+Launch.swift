import EngineWire
import Glibc
import Images
import JSON
import Linux
import Monitor
import Networking
import OCI
import ProjectModel
import Reconcile
import Runtime

extension RealMachine {
    package func spawn(_ container: ContainerRecord, _ image: MachineImage, _ surroundings: Surroundings) async throws {
        let binds = DockerSocketBind(own: settings.dockerSocket)
        let container = settings.defaults.applied(to: binds.applied(to: container))
        if binds.isUsed(by: container) { await keepDockerSocket() }
        if container.needsNamespace { try await connect(container) }
        let stored = try await storedImage(container)
        let snapshot = try await images.snapshot(for: stored)
        try await populateVolumes(container, snapshot, surroundings.volumes)
        let imageLayers = try await imageLayers(of: container)
        let paths = paths
        let spec = try await blocking.run { [self] () -> MonitorSpec in
            try EtcFiles(record: container, surroundings: surroundings).write(to: paths.containerRun(container.id))
            try SecretFile.write(SecretFile.files(of: container, paths), folder: paths.secrets(container.id))
            try Self.makeBindSources(container)
            try makeFolders("\(paths.bundle(container.id))/rootfs")
            unlink(paths.exitFile(container.id))
            let folder = paths.container(container.id)
            let user = try lookUpUser(
                container.template.user ?? container.image.user ?? "", groups: container.template.groupAdd,
                in: snapshot.lower,
                upper: "\(folder)/upper")
            let builder = specBuilder(container, surroundings, user, imageLayers: imageLayers)
            return MonitorSpec(
                id: container.id,
                kind: .container(
                    .init(
                        spec: try builder.spec(),
                        rootfs: .overlay(lower: snapshot.mounted, upper: "\(folder)/upper", work: "\(folder)/work"),
                        bundle: paths.bundle(container.id))),
                terminal: container.template.tty, stdin: container.template.stdinOpen,
                stdinOnce: container.template.stdinOnce ?? false, log: try logFile(container, paths.log(container.id)),
                exitFile: paths.exitFile(container.id), filterCache: paths.seccompCache)
        }
        _ = try await hub.spawn(spec, in: paths.monitor(container.id))
    }

    func specBuilder(
        _ container: ContainerRecord, _ surroundings: Surroundings, _ user: ContainerUser,
        imageLayers: [String: [String]] = [:]
    ) -> SpecBuilder {
        SpecBuilder(
            record: container, paths: paths, surroundings: surroundings, identity: user, instance: instance.suffix,
            initProgram: initProgram, limitsSwap: limitsSwap, imageLayers: imageLayers)
    }

    /// The layers of mounted images, top first, by target.
    private func imageLayers(of container: ContainerRecord) async throws -> [String: [String]] {
        var result: [String: [String]] = [:]
        for mount in container.mounts {
            guard case .image(let reference, let subpath) = mount.source else { continue }
            guard let image = try await images.resolve(container.mountedImages?[reference] ?? reference) else {
                throw EngineFailure(
                    code: .imageMissing,
                    message: "\(container.name): there is no image \(reference) for \(mount.target)",
                    hint: "`berth image pull \(reference)`")
            }
            let lower = try await images.snapshot(for: image).lower
            let found = try await blocking.run { try layerPaths(of: subpath ?? "/", in: lower) }
            guard let found else {
                throw EngineFailure(
                    code: .notFound, message: "\(container.name): image \(reference) has no \(subpath ?? "/")")
            }
            result[mount.target] = found
        }
        return result
    }

    /// The options of the service's `logging`, with the engine's settings as defaults.
    private func logFile(_ container: ContainerRecord, _ path: String) throws -> MonitorSpec.LogFile? {
        let plan = try LoggingPlan(container.template.logging)
        guard plan.keepsFile else { return nil }
        var file = MonitorSpec.LogFile(
            path: path, maximumSize: settings.logMaximumSize, maximumFiles: settings.logMaximumFiles,
            isBlocking: plan.isBlocking)
        if let size = plan.maximumSize { file.maximumSize = size }
        if let count = plan.maximumFiles { file.maximumFiles = count }
        return file
    }

    /// As in docker, the short form of a bind creates a missing source as an empty folder.
    private static func makeBindSources(_ container: ContainerRecord) throws {
        for mount in container.mounts {
            guard case .bind(let path, let createHostPath, _, _, _) = mount.source, !fileExists(path) else { continue }
            // A folder in place of a missing socket would block the daemon that should create it, even if this is only
            // a restart before that daemon runs.
            if let missing = PreflightFinding.missingSocket(path, of: container.service ?? container.name) {
                throw EngineFailure(missing)
            }
            guard createHostPath else {
                throw EngineFailure(
                    code: .notFound, message: "bind source \(path) does not exist",
                    hint: "create it, or set create_host_path")
            }
            try makeFolders(path)
        }
    }

    /// A new volume gets a copy of what the image has at the mount point.
    private func populateVolumes(
        _ container: ContainerRecord, _ snapshot: Snapshot, _ folders: [String: String]
    ) async throws {
        for mount in container.mounts {
            guard case .volume(let name, _, let noCopy, let subpath) = mount.source, !noCopy, subpath == nil,
                let path = folders[name]
            else { continue }
            let target = mount.target
            try await blocking.run {
                guard try folderEntries(path).isEmpty else { return }
                _ = try copyUp(target, from: snapshot.lower, into: path)
            }
        }
    }

    package func release(_ id: String) async throws {
        guard let connection = hub.connection(id) else {
            throw EngineFailure(code: .monitorLost, message: "the monitor of \(id.prefix(12)) ended unexpectedly")
        }
        try connection.send(.release)
        try await connection.wait(for: .started)
    }

    package func process(of id: String) async -> ProcessIdentity? {
        guard case .created(let identity)? = try? await hub.connection(id)?.wait(for: .created) else { return nil }
        return identity
    }

    package func abandon(_ id: String) async { try? hub.connection(id)?.send(.abandon) }

    package func signal(_ id: String, number: Int32, all: Bool) async throws {
        // If a monitor is gone, so is its container: there is nothing to signal.
        try hub.connection(id)?.send(.signal(number: number, all: all))
    }

    package func pause(_ id: String) async throws { try await ask(id, .pause, .paused) }
    package func resume(_ id: String) async throws { try await ask(id, .resume, .resumed) }

    private func ask(_ id: String, _ command: MonitorCommand, _ answer: MonitorConnection.Milestone) async throws {
        guard let connection = hub.connection(id) else {
            throw EngineFailure(code: .conflict, message: "container \(id.prefix(12)) is not running")
        }
        connection.forget(answer)
        try connection.send(command)
        try await connection.wait(for: answer)
    }

    /// The kernel drops a signal to the init process of a pid namespace without a handler for it, so waiting would be
    /// useless. A process with the signal pending gets its time; so does a shell whose programs may end.
    package func ignores(_ signal: Int32, _ container: ContainerRecord) async -> Bool {
        guard signal != SIGKILL, let process = container.life.process, container.template.pid == nil else {
            return false
        }
        return await blocking.runInfallible {
            guard let status = try? ProcessStatus(of: process.pid), status.startTicks == process.startTicks else {
                return false
            }
            let mayEnd = ProcessTree.isShell(process.pid) && !ProcessTree.children(of: process.pid).isEmpty
            return !mayEnd && Hearing.isDeaf(process.pid, to: signal)
        }
    }

    package func shellStop(_ signal: Int32, _ container: ContainerRecord) async -> ShellStop? {
        guard signal != SIGKILL, let process = container.life.process, container.template.pid == nil else { return nil }
        return await blocking.runInfallible {
            guard let status = try? ProcessStatus(of: process.pid), status.startTicks == process.startTicks else {
                return nil
            }
            return ShellStop(of: process.pid, signal: signal)
        }
    }

    package func goOn(_ stop: ShellStop, after elapsed: Duration) async -> (ShellStop, isDone: Bool) {
        await blocking.runInfallible {
            var stop = stop
            let isDone = stop.goOn(after: elapsed)
            return (stop, isDone)
        }
    }

    package func cannotHear(_ signal: Int32, _ container: ContainerRecord) async -> Bool {
        guard let process = container.life.process, container.template.pid == nil else { return false }
        return await blocking.runInfallible {
            guard let status = try? ProcessStatus(of: process.pid), status.startTicks == process.startTicks else {
                return false
            }
            return !status.ignored.contains(signal) && Hearing.isDeaf(process.pid, to: signal)
        }
    }

    package func isShellWithChildren(_ container: ContainerRecord) async -> Bool {
        guard let process = container.life.process, container.template.pid == nil else { return false }
        return await blocking.runInfallible {
            guard let status = try? ProcessStatus(of: process.pid), status.startTicks == process.startTicks else {
                return false
            }
            return ProcessTree.isShell(process.pid) && !ProcessTree.children(of: process.pid).isEmpty
        }
    }

    package func endUnwatched(_ container: ContainerRecord) async {
        guard let process = container.life.process else { return }
        await blocking.runInfallible {
            // When the init process of a pid namespace ends, all its processes end. It is fine if they are gone
            // already.
            do throws(SyscallError) {
                let handle = try ProcessHandle(
                    pid: process.pid, startTicks: process.startTicks, bootID: process.bootID)
                try handle.signal(SIGKILL)
            } catch { return }
        }
    }
}
