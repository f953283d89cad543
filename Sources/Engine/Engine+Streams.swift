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
    /// The live streams of a container; releases a container that is held at its gate.
    /// Returns a connected socket of `StreamFrame`s, which the caller then owns.
    package func attach(to name: String) async throws -> CInt {
        await gate.wait(for: .ready)
        let record = try await find(name)
        let descriptor = try await parts.machine.stream(of: record)
        if parts.runner.isHeld(record.id) {
            do {
                try await letGo(record.id)
            } catch {
                // The stream tells the client as well: the monitor closes it with the reason.
                parts.log.info("\(record.name): \(EngineFailure(describing: error).message)")
                await discardOneOff(record.id)
            }
        }
        return descriptor
    }

    /// Lets a held one-off start without a listener.
    package func release(_ name: String) async throws {
        await gate.wait(for: .ready)
        let record = try await find(name)
        do {
            try await letGo(record.id)
        } catch {
            await discardOneOff(record.id)
            throw error
        }
    }

    /// From now on its desired state is running.
    private func letGo(_ id: String) async throws {
        try await parts.inventory.update(id) { record in
            if record.wish?.goal == .created { record.wish?.goal = .running }
        }
        do { try await parts.runner.release(id, rounds: nil) } catch {
            // The client gets the error, so the engine does not try again.
            try await parts.inventory.update(id) { record in
                if record.wish?.goal == .running { record.wish?.goal = .created }
            }
            throw error
        }
    }

    /// Stops a container, as the verb `stop` does, if `signal` has no effect on its first process although it should
    /// end a program. A shell that waits for a child neither forwards signals nor reacts to signals from the keyboard,
    /// so, as in a terminal, the child gets the signal too. Returns once the container has ended, or at once if there
    /// is nothing to do.
    package func stop(_ name: String, ifDeafTo signal: Int32) async throws {
        let record = try await find(name)
        guard record.isUp else { return }
        let isDeaf = await parts.machine.cannotHear(signal, record)
        if isDeaf || [SIGINT, SIGQUIT].contains(signal), await parts.machine.isShellWithChildren(record) {
            try await parts.machine.signal(record.id, number: signal, all: true)
        }
        guard isDeaf else { return }
        let reason = "its client got \(SignalName.name(signal)), which its process does not handle"
        parts.inventory.history.note(
            Occurrence(at: Double(parts.machine.now()) / 1e9, kind: .stopping, reason: reason), of: record)
        try await parts.inventory.update(record.id) { record in
            if record.wish != nil { record.wish?.goal = .stopped }
        }
        try await parts.runner.stop(record.id, timeout: nil)
    }

    private func discardOneOff(_ id: String) async {
        guard let record = await parts.inventory.container(id), record.isTransient else { return }
        try? await parts.runner.remove(id, anonymousVolumes: true)
    }

    /// Returns when no container has this name, which may be at once.
    package func waitUntilGone(_ name: String) async {
        await gate.wait(for: .known)
        guard let record = await parts.inventory.find(name) else { return }
        while !Task.isCancelled {
            let epoch = await parts.inventory.currentEpoch()
            guard await parts.inventory.container(record.id) != nil else { return }
            await parts.inventory.change(of: .container(record.id), after: epoch)
        }
    }

    package func removeContainer(_ name: String, force: Bool) async throws {
        await gate.wait(for: .ready)
        let record = try await find(name)
        guard force || !record.isUp else {
            throw EngineFailure(
                code: .conflict, message: "\(record.name) is running", hint: "stop it first, or remove it with -f")
        }
        let request = OperationRequest(
            key: parts.machine.newID(), verb: .remove(stop: force, volumes: true), containers: [record.id])
        let operation = await loop(record.group).submit(Work(request: request))
        for await _ in operation.events() {}
        if let failure = operation.outcome?.errors.first { throw failure }
    }

    // MARK: Logs

    /// The requested log lines, merged by time, as newline-delimited JSON of `LogLine`. With `follow`, the stream lasts
    /// until every container has ended or the reader leaves. Each piece is made when the reader asks for it.
    package func logs(of project: String, _ request: LogRequest) async throws -> AsyncStream<[UInt8]> {
        await gate.wait(for: .known)
        return feed(.project(project), request, of: try await logRecords(project, request)) {
            await self.startsSoon(request.services, of: project, $0)
        }
    }

    /// The same for one container.
    package func logs(
        ofContainer name: String, _ request: LogRequest, as form: (any LogForm)? = nil
    ) async throws -> AsyncStream<[UInt8]> {
        await gate.wait(for: .known)
        let record = try await find(name)
        var request = request
        request.includeAll = true
        request.services = []
        return feed(.container(record.id), request, as: form, of: [record]) { _ in false }
    }

    private func feed(
        _ group: Subject, _ request: LogRequest, as form: (any LogForm)? = nil, of records: [ContainerRecord],
        isAwaited: @escaping @Sendable ([ContainerRecord]) async -> Bool
    ) -> AsyncStream<[UInt8]> {
        let surroundings = LogFeed.Surroundings(
            paths: parts.paths, inventory: parts.inventory, machine: parts.machine,
            operations: parts.operations,
            isAwaited: isAwaited)
        let feed = LogFeed(surroundings, group: group, request: request, as: form, of: records)
        return AsyncStream { await feed.next() }
    }

    /// An operation in progress has stopped or removed one of `records` and will start it again.
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
                    let isWanted = service.goal(of: $0.number ?? 0) == .running
                    return $0.life.phase == .removing || $0.life.phase == .exited && $0.life.stoppedByUs && isWanted
                }
        }
    }

    private func logRecords(_ project: String, _ request: LogRequest) async throws -> [ContainerRecord] {
        let desired = await desired(of: project)
        let all = await parts.inventory.containers(of: project).filter { $0.life.phase != .creating }
        for service in request.services {
            let isKnown = all.contains { $0.service == service } || desired?.service(service) != nil
            guard isKnown else { throw EngineFailure(code: .notFound, message: "no such service: \(service)") }
        }
        let chosen = all.filter { record in
            if record.isOneOff, !request.includeAll { return false }
            return record.isOf(request.services)
        }
        guard let index = request.index else { return chosen }
        let indexed = chosen.filter { $0.number == index }
        guard !indexed.isEmpty else {
            throw EngineFailure(
                code: .notFound,
                message: "service \"\(request.services.first ?? "")\" is not running container #\(index)")
        }
        return indexed
    }

    // MARK: Processes

    package func processes(of name: String) async throws -> [ProcessRow] {
        await gate.wait(for: .known)
        let record = try await find(name)
        guard record.isUp else { return [] }
        return try await parts.machine.processes(of: record)
    }
}
