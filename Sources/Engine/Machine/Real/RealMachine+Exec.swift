import AttachStream
import EngineWire
import Glibc
import Images
import JSON
import Linux
import Monitor
import Networking
import OCI
import ProjectModel
import Runtime
import Synchronization

extension RealMachine {
    package func startCommand(
        _ id: String, _ request: EngineWire.ExecRequest, in record: ContainerRecord
    ) async throws -> CInt? {
        var command = ProbeCommand(arguments: request.command, timeout: nil)
        command.user = request.user
        command.workingDirectory = request.workingDirectory
        command.environment = request.environment
        command.privileged = request.privileged
        command.terminal = request.tty
        var spec = try await execSpec(id, command, in: record)
        spec.terminal = request.tty
        spec.stdin = request.stdin && !request.detach
        spec.stdinOnce = true
        if request.tty, case .exec(var exec) = spec.kind {
            exec.process.terminal = true
            if let rows = request.rows, let columns = request.columns {
                exec.process.consoleSize = .init(height: rows, width: columns)
            }
            spec.kind = .exec(exec)
        }
        guard !request.detach else {
            let connection = try await hub.spawn(spec, in: paths.exec(id))
            try connection.send(.release)
            try await connection.wait(for: .started)
            commands.withLock { $0[id] = connection }
            cleanUp(connection, paths.exec(id))
            return nil
        }
        var pair = try UnixSocket.pair()
        let ours = pair.takeFirst()
        let connection = try await hub.spawn(spec, in: paths.exec(id), stream: pair.takeSecond().release())
        try connection.send(.release)
        commands.withLock { $0[id] = connection }
        cleanUp(connection, paths.exec(id))
        return ours.release()
    }

    package func commandProcess(_ id: String) async -> ProcessIdentity? {
        guard let connection = commands.withLock({ $0[id] }), connection.known(.exited) == nil,
            case .created(let identity)? = connection.known(.created)
        else { return nil }
        return identity
    }

    package func commandEnd(_ id: String) async -> ExitStatus? {
        guard let connection = commands.withLock({ $0[id] }) else { return nil }
        defer { commands.withLock { $0[id] = nil } }
        do {
            guard case .exited(let status) = try await connection.wait(for: .exited) else { return nil }
            return status
        } catch {
            // A command that could not start has an exit code of its own.
            return connection.launchFailure.map {
                ExitStatus(code: $0.exitCode, signal: nil, isOutOfMemory: false, at: now())
            }
        }
    }

    package func resizeTerminal(of id: String, rows: UInt16, columns: UInt16) async throws {
        guard let connection = commands.withLock({ $0[id] }) ?? hub.connection(id) else {
            throw EngineFailure(code: .conflict, message: "\(id.prefix(12)) does not run")
        }
        try connection.send(.resize(rows: rows, columns: columns))
    }

    /// Removes the exec's folder once it has ended.
    func cleanUp(_ connection: MonitorConnection, _ folder: String) {
        let blocking = blocking
        Task {
            _ = try? await connection.wait(for: .exited)
            await blocking.runInfallible { try? removeTree(folder) }
        }
    }

    private func execSpec(_ id: String, _ command: ProbeCommand, in record: ContainerRecord) async throws -> MonitorSpec
    {
        let image = try await storedImage(record)
        let snapshot = try await images.snapshot(for: image)
        let paths = paths
        return try await blocking.run { [self] in
            let user = try lookUpUser(
                command.user ?? record.template.user ?? record.image.user ?? "", groups: record.template.groupAdd,
                in: snapshot.lower,
                upper: "\(paths.container(record.id))/upper")
            var wanted = settings.defaults.applied(to: record)
            if command.privileged { wanted.template.privileged = true }
            wanted.template.tty = command.terminal
            let (process, seccomp) = try specBuilder(wanted, Surroundings(), user).execProcess(command)
            return MonitorSpec(
                id: id,
                kind: .exec(
                    .init(
                        process: process, containerFolder: paths.monitor(record.id), seccomp: seccomp,
                        timeout: command.timeout)),
                filterCache: paths.seccompCache)
        }
    }

    package func probe(_ command: ProbeCommand, in container: ContainerRecord) async throws -> ProbeResult {
        let id = newID()
        let folder = paths.exec(id)
        let spec = try await execSpec(id, command, in: container)
        var pair = try UnixSocket.pair()
        let ours = pair.takeFirst()
        let output = ProbeOutput()
        let connection = try await hub.spawn(spec, in: folder, stream: pair.takeSecond().release())
        try reactor.add(ours) { descriptor in output.read(descriptor) }
        defer { Task { [blocking] in await blocking.runInfallible { try? removeTree(folder) } } }
        try connection.send(.release)
        do {
            guard case .exited(let status) = try await connection.wait(for: .exited) else {
                return ProbeResult(code: 255, isTimeout: false, output: output.text)
            }
            return ProbeResult(code: status.code, isTimeout: status.isTimeout, output: output.text)
        } catch let failure as EngineFailure where failure.code == .launchFailed {
            return ProbeResult(code: 126, isTimeout: false, output: failure.message)
        }
    }

    // MARK: Streams and processes

    package func stream(of record: ContainerRecord) async throws -> CInt {
        let path = "\(paths.monitor(record.id))/attach.sock"
        do {
            return try await blocking.run { try UnixSocket.connect(path).release() }
        } catch {
            throw EngineFailure(code: .conflict, message: "container \(record.name) is not running")
        }
    }

    package func processes(of record: ContainerRecord) async throws -> [ProcessRow] {
        guard let pid = record.life.process?.pid else { return [] }
        return try await blocking.run { try ProcessTable(initProcess: pid).rows() }
    }
}

extension RealMachine {
    package func watchLog(of container: String, _ bell: Bell) -> FolderWatcher.Watch? {
        try? watcher.watch(paths.container(container), bell)
    }

    package func armLogWatches() { watcher.arm() }
}

extension SpecBuilder {
    /// The process of an exec: the container's environment with the command's arguments.
    func execProcess(_ command: ProbeCommand) throws -> (RuntimeSpec.Process, RuntimeSpec.Seccomp?) {
        let security = try SecurityOptions(record.template.securityOptions)
        var process = try self.process(security)
        process.args = command.arguments
        process.terminal = nil
        process.cwd = command.workingDirectory ?? process.cwd
        var environment = process.env ?? []
        for (name, value) in command.environment.sorted(by: { $0.key < $1.key }) {
            environment.removeAll { $0.hasPrefix("\(name)=") }
            environment.append("\(name)=\(value)")
        }
        process.env = environment
        return (process, try seccomp(security))
    }
}
