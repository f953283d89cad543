import AttachStream
import Builder
import EngineWire
import Glibc
import Images
import Linux
import Monitor
import OCI
import ProjectModel

extension RealMachine {
    /// Kills what still runs of a build step of an earlier engine, because nobody waits for its result. Returns once
    /// its mounts are gone.
    func endStep(_ id: String) async {
        guard case .state? = try? await hub.adopt(id, in: paths.monitor(id)),
            let connection = hub.connection(id)
        else {
            return
        }
        try? connection.send(.signal(number: SIGKILL, all: true))
        _ = try? await connection.wait(for: .exited, within: .seconds(10))
    }

    /// Starts the process of a step, and waits until it has ended and its mounts are gone.
    func run(
        _ step: RunStep, _ record: ContainerRecord, _ room: StepRoom,
        output: @escaping StepOutput
    ) async throws -> StepEnd {
        let limit = StepLimits.processes()
        return try await withProcess(of: step, record, room, limit: limit) { connection in
            try Task.checkCancellation()
            let output = StepReader(OwnedFD(owning: try await stream(of: record)), output)
            async let code = output.code()
            do {
                try connection.send(.release)
                try await connection.wait(for: .started)
            } catch {
                try? connection.send(.abandon)
                _ = await code
                throw error
            }
            let ended = await code
            // The monitor has taken down what was mounted when it says so.
            guard case .exited(let status) = try await connection.wait(for: .exited) else {
                return StepEnd(code: ended ?? 255)
            }
            return StepEnd(
                code: status.code, isOutOfMemory: status.isOutOfMemory,
                isOutOfProcesses: status.wasRefusedProcesses ?? false, processLimit: limit)
        }
    }

    /// The same with a terminal. `offer` gets its streams, a connected socket that it takes over; the process starts when it
    /// returns.
    func runShell(
        _ step: RunStep, _ record: ContainerRecord, _ room: StepRoom,
        offer: @Sendable (CInt) async throws -> Void
    ) async throws -> StepEnd {
        try await withProcess(of: step, record, room, limit: StepLimits.processes()) { connection in
            do {
                try await offer(try await stream(of: record))
                try connection.send(.release)
                try await connection.wait(for: .started)
            } catch {
                try? connection.send(.abandon)
                throw error
            }
            guard case .exited(let status) = try await connection.wait(for: .exited) else {
                return StepEnd(code: 255)
            }
            return StepEnd(code: status.code)
        }
    }

    /// Gives `body` the monitor of a step's process, which waits to be released.
    private func withProcess(
        of step: RunStep, _ record: ContainerRecord, _ room: StepRoom, limit: Int64,
        _ body: (MonitorConnection) async throws -> StepEnd
    ) async throws -> StepEnd {
        let paths = paths
        let (relays, sockets) = try await blocking.run { [self] in try agentMounts(room, record.id) }
        defer { for relay in relays { relay.close() } }
        let spec = try await blocking.run { [self] () -> MonitorSpec in
            try makeFolders(paths.containerRun(record.id), mode: 0o700)
            try makeFolders("\(paths.bundle(record.id))/rootfs")
            let surroundings = Surroundings(hosts: Self.hosts(of: record))
            try EtcFiles(record: record, surroundings: surroundings).write(
                to: paths.containerRun(record.id))
            let user: ContainerUser
            do { user = try lookUpUser(step.user, in: room.lower, upper: room.upper) } catch let error
                as UserLookupError
            {
                throw EngineFailure(
                    code: .invalid, message: error.description,
                    hint: "a numeric id needs no entry in the image")
            }
            var layers: [String: [String]] = [:]
            for mount in room.mounts {
                if case .layers(let folders) = mount.source { layers[mount.target] = folders }
            }
            let builder = specBuilder(record, surroundings, user, imageLayers: layers)
            var spec = try builder.spec()
            var linux = spec.linux ?? .init()
            linux.resources = linux.resources ?? .init()
            linux.resources?.pids = .init(limit: limit)
            spec.linux = linux
            spec.mounts = (spec.mounts ?? []) + (try secretMounts(room, record.id)) + sockets
            return MonitorSpec(
                id: record.id,
                kind: .container(
                    .init(
                        spec: spec, rootfs: .overlay(lower: room.lower, upper: room.upper, work: room.work),
                        bundle: paths.bundle(record.id))),
                terminal: record.template.tty, stdin: record.template.stdinOpen, filterCache: paths.seccompCache)
        }
        return try await body(try await hub.spawn(spec, in: paths.monitor(record.id)))
    }

    /// Secrets are in memory and are removed with the container's folder.
    private func secretMounts(_ room: StepRoom, _ id: String) throws -> [RuntimeSpec.Mount] {
        var mounts: [RuntimeSpec.Mount] = []
        let folder = paths.secrets(id)
        for (index, mount) in room.mounts.enumerated() {
            guard case .secret(let content, let user, let group, let mode) = mount.source else {
                continue
            }
            try makeFolders(folder, mode: 0o700)
            let path = "\(folder)/\(index)"
            let file = try openFile(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
            try file.write(content)
            try file.setOwner(Ownership(user: user, group: group))
            try file.setMode(mode)
            mounts.append(
                .init(
                    destination: mount.target, type: "bind", source: path,
                    options: ["bind", "ro", "rprivate"]))
        }
        return mounts
    }

    /// Sockets of SSH agents, which are removed with the step.
    private func agentMounts(_ room: StepRoom, _ id: String) throws -> ([AgentRelay], [RuntimeSpec.Mount]) {
        var relays: [AgentRelay] = []
        var mounts: [RuntimeSpec.Mount] = []
        let folder = paths.containerRun(id)
        for (index, mount) in room.mounts.enumerated() {
            guard case .agent(let agent, let user, let group, let mode) = mount.source else { continue }
            try makeFolders(folder, mode: 0o700)
            let path = "\(folder)/agent\(index)"
            relays.append(
                try AgentRelay(at: path, to: agent, owner: Ownership(user: user, group: group), mode: mode_t(mode)))
            mounts.append(.init(destination: mount.target, type: "bind", source: path, options: ["bind", "rprivate"]))
        }
        return (relays, mounts)
    }

    private static func hosts(of record: ContainerRecord) -> [Surroundings.Host] {
        var hosts: [Surroundings.Host] = []
        for extra in record.template.extraHosts {
            for address in extra.addresses {
                let gateway = record.endpoints.flatMap(\.gateways).first.map { "\($0)" } ?? "127.0.0.1"
                hosts.append(.init(address == "host-gateway" ? gateway : address, [extra.host]))
            }
        }
        for endpoint in record.endpoints {
            for address in endpoint.bareAddresses { hosts.append(.init("\(address)", [record.hostname])) }
        }
        return hosts
    }
}

/// Reads a step's output to its end, on a thread of its own.
private struct StepReader: Sendable {
    private final class Handle: Sendable {
        let socket: OwnedFD
        init(_ socket: consuming OwnedFD) { self.socket = socket }
    }

    private let handle: Handle
    private let take: StepOutput

    init(_ socket: consuming OwnedFD, _ take: @escaping StepOutput) {
        handle = Handle(socket)
        self.take = take
    }

    /// The exit code; nil when the stream ended without one.
    func code() async -> Int? {
        await withCheckedContinuation { continuation in
            do throws(SyscallError) {
                try startThread { [handle, take] in continuation.resume(returning: Self.read(handle, take))
                }
            } catch { continuation.resume(returning: nil) }
        }
    }

    private static func read(_ handle: Handle, _ take: StepOutput) -> Int? {
        var reader = StreamFrameReader()
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes {
                Glibc.read(handle.socket.raw, $0.baseAddress, $0.count)
            }
            if count < 0, Errno.current == .interrupted { continue }
            guard count > 0, let frames = try? reader.frames(adding: chunk[..<count]) else { return nil }
            for frame in frames {
                switch frame.kind {
                case .stdout, .stderr: take(frame.payload, frame.kind == .stderr)
                case .exit: return frame.exitCode.map { Int($0) }
                case .failure:
                    take(Array(frame.payload.dropFirst()) + [0x0A], true)
                    return frame.payload.first.map { Int($0) }
                default: continue
                }
            }
        }
    }
}
