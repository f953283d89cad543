import AttachStream
import EngineWire
import Glibc
import Linux
import Logging
import Monitor
import OCI
import ProjectModel
import Reconcile

extension Engine {
    /// How an exec was begun.
    package enum ExecStart: Sendable {
        /// A connected socket of `StreamFrame`s, which the caller takes over.
        case attached(descriptor: CInt)
        case detached(id: String)
    }

    /// Runs a command in a running container.
    package func exec(_ request: ExecRequest, in name: String) async throws -> ExecStart {
        await gate.wait(for: .known)
        let record = try await find(name)
        guard let real else { throw EngineFailure(code: "unsupported", message: "this machine has no streams") }
        switch record.life.phase {
        case .running: break
        case .paused:
            throw EngineFailure(
                code: "conflict", message: "container \(record.name) is paused, unpause the container before exec")
        default: throw EngineFailure(code: "conflict", message: "service \"\(record.service)\" is not running")
        }
        return try await real.exec(request, in: record)
    }

    /// The live streams of a container; one that was held at its gate is let go.
    /// Returns a connected socket of `StreamFrame`s, which the caller takes over.
    package func attach(to name: String) async throws -> CInt {
        await gate.wait(for: .ready)
        let record = try await find(name)
        guard let real else { throw EngineFailure(code: "unsupported", message: "this machine has no streams") }
        let descriptor = try await real.attach(record)
        if record.life.phase == .created || record.life.phase == .exited {
            do {
                try await parts.runner.release(record.id, rounds: nil)
            } catch {
                // The stream says it too: the monitor ends it with the reason.
                parts.log.info("\(record.name): \(EngineFailure(describing: error).message)")
                await discardOneOff(record.id)
            }
        }
        return descriptor
    }

    /// Lets a held one-off go without anyone listening.
    package func release(_ name: String) async throws {
        await gate.wait(for: .ready)
        let record = try await find(name)
        do {
            try await parts.runner.release(record.id, rounds: nil)
        } catch {
            await discardOneOff(record.id)
            throw error
        }
    }

    /// Stops a container, as the verb `stop` does, if `signal`, which asks a program to end, does nothing to its first process.
    /// A shell that waits for a child passes nothing on and takes no notice of what a keyboard sends: as in a terminal, the child
    /// gets it too.
    /// Returns once it has ended, or at once.
    package func stop(_ name: String, ifDeafTo signal: Int32) async throws {
        let record = try await find(name)
        guard record.isUp, let real else { return }
        let isDeaf = await real.cannotHear(signal, record)
        if isDeaf || [SIGINT, SIGQUIT].contains(signal), await real.isShellWithChildren(record) {
            try await parts.machine.signal(record.id, number: signal, all: true)
        }
        if isDeaf { try await parts.runner.stop(record.id, timeout: nil) }
    }

    private func discardOneOff(_ id: String) async {
        guard let record = await parts.inventory.container(id), record.oneOff?.autoRemove == true else { return }
        try? await parts.runner.remove(id, anonymousVolumes: true)
    }

    /// Returns once there is no such container any more; at once when there is none.
    package func waitUntilGone(_ name: String) async {
        await gate.wait(for: .known)
        guard let record = await parts.inventory.find(name) else { return }
        while !Task.isCancelled {
            let epoch = await parts.inventory.epoch(of: record.project)
            guard await parts.inventory.container(record.id) != nil else { return }
            await parts.inventory.change(of: record.project, after: epoch)
        }
    }

    package func removeContainer(_ name: String, force: Bool) async throws {
        await gate.wait(for: .ready)
        let record = try await find(name)
        if force { try await parts.runner.stop(record.id, timeout: .zero) }
        try await parts.runner.remove(record.id, anonymousVolumes: true)
    }

    // MARK: Logs

    /// The lines asked for, merged by time, as newline-delimited JSON of `LogLine`; with `follow` until every container has ended
    /// or the reader leaves. Each piece is made when it is asked for.
    package func logs(of project: String, _ request: LogRequest) async throws -> AsyncStream<[UInt8]> {
        await gate.wait(for: .known)
        let records = try await logRecords(project, request)
        let surroundings = LogFeed.Surroundings(
            paths: parts.paths, inventory: parts.inventory, watcher: real?.watcher, operations: parts.operations,
            isAwaited: { await self.startsSoon(request.services, of: project, $0) })
        let feed = LogFeed(surroundings, project: project, request: request, of: records)
        return AsyncStream { await feed.next() }
    }

    /// A verb that is under way has stopped one of `records`, or taken one away, that is to run again.
    private func startsSoon(_ services: [String], of project: String, _ records: [ContainerRecord]) async -> Bool {
        guard parts.operations.isBusy(project), let desired = await desired(of: project), desired.removal == nil else {
            return false
        }
        return desired.services.contains { service in
            guard service.goal == .running, services.isEmpty || services.contains(service.spec.name) else {
                return false
            }
            let replicas = records.filter { $0.service == service.spec.name && !$0.isOneOff }
            return replicas.isEmpty
                || replicas.contains {
                    $0.life.phase == .removing || $0.life.phase == .exited && $0.life.stoppedByUs
                }
        }
    }

    private func logRecords(_ project: String, _ request: LogRequest) async throws -> [ContainerRecord] {
        let desired = await desired(of: project)
        let all = await parts.inventory.containers(of: project).filter { $0.life.phase != .creating }
        for service in request.services {
            let isKnown = all.contains { $0.service == service } || desired?.service(service) != nil
            guard isKnown else { throw EngineFailure(code: "not_found", message: "no such service: \(service)") }
        }
        let chosen = all.filter { record in
            if record.isOneOff, !request.includeAll { return false }
            return request.services.isEmpty || request.services.contains(record.service)
        }
        guard let index = request.index else { return chosen }
        let indexed = chosen.filter { $0.number == index }
        guard !indexed.isEmpty else {
            throw EngineFailure(
                code: "not_found",
                message: "service \"\(request.services.first ?? "")\" is not running container #\(index)")
        }
        return indexed
    }

    // MARK: Processes

    package func processes(of name: String) async throws -> [ProcessRow] {
        await gate.wait(for: .known)
        let record = try await find(name)
        guard record.isUp, let real else { return [] }
        return try await real.processes(of: record)
    }
}
