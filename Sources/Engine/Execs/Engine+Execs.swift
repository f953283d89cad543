import EngineWire
import Monitor
import ProjectModel

/// Commands in running containers.
extension Engine {
    /// How an exec started.
    package enum ExecStart: Sendable {
        /// A connected socket of `StreamFrame`s, which the caller then owns.
        case attached(descriptor: CInt)
        case detached(id: String)
    }

    /// Creates a command for a running container. It does not run before `startExec`.
    package func createExec(_ request: ExecRequest, in name: String) async throws -> ExecRow {
        await gate.wait(for: .known)
        let record = try await find(name)
        try Self.checkRuns(record)
        guard request.command.first?.isEmpty == false else {
            throw EngineFailure(code: .invalid, message: "no command to run in \(record.name)")
        }
        let row = ExecRow(
            id: parts.machine.newID(), container: record.id, request: request, state: .created)
        let now = parts.machine.now()
        execs.add(row, at: now)
        let line = request.command.joined(separator: " ")
        parts.inventory.events.publish(record.event("exec_create: \(line)", ["execID": row.id], at: now))
        return row
    }

    /// Starts a created command; each can start only once. `change` adds what the caller knows only now: the size of
    /// the terminal, and whether somebody listens.
    package func startExec(
        _ id: String, _ change: @Sendable (inout ExecRequest) -> Void = { _ in }
    ) async throws -> ExecStart {
        try await runExec(claimExec(id, change))
    }

    /// The first half of a start: reserves the command for the caller.
    package func claimExec(
        _ id: String, _ change: @Sendable (inout ExecRequest) -> Void = { _ in }
    ) async throws -> ExecRow {
        guard let made = execs.find(id) else { throw Self.noExec(id) }
        try Self.checkRuns(try await find(made.container))
        guard let row = execs.begin(made.id, change) else {
            throw EngineFailure(code: .conflict, message: "exec \(made.id.prefix(12)) has already been started")
        }
        return row
    }

    /// The second half: runs the command from `claimExec`.
    package func runExec(_ row: ExecRow) async throws -> ExecStart {
        let (machine, events) = (parts.machine, parts.inventory.events)
        do {
            let record = try await find(row.container)
            let line = row.request.command.joined(separator: " ")
            events.publish(record.event("exec_start: \(line)", ["execID": row.id], at: machine.now()))
            let stream = try await machine.startCommand(row.id, row.request, in: record)
            Task { [execs] in
                let end = await machine.commandEnd(row.id)
                execs.end(row.id, code: end?.code, at: machine.now())
                let code = end.map { "\($0.code)" } ?? ""
                events.publish(
                    record.event("exec_die", ["execID": row.id, "exitCode": code], at: machine.now()))
            }
            return stream.map { .attached(descriptor: $0) } ?? .detached(id: row.id)
        } catch {
            execs.end(row.id, code: EngineFailure(describing: error).launchCode, at: machine.now())
            throw error
        }
    }

    /// Whoever reads the stream of a command learns of its end before the engine does.
    package nonisolated func execEnded(_ id: String, code: Int) { execs.end(id, code: code, at: parts.machine.now()) }

    /// Runs a command in a running container.
    package func exec(_ request: ExecRequest, in name: String) async throws -> ExecStart {
        try await startExec(createExec(request, in: name).id)
    }

    package func exec(_ id: String) async throws -> ExecRow {
        guard var row = execs.find(id) else { throw Self.noExec(id) }
        guard await parts.inventory.container(row.container) != nil else {
            execs.forget(container: row.container)
            throw Self.noExec(id)
        }
        if row.state == .running {
            row.processID = await parts.machine.commandProcess(row.id).map { Int($0.pid) }
        }
        return row
    }

    /// The ids of the commands of a container that have not ended.
    package nonisolated func openExecs(in container: String) -> [String] { execs.open(in: container) }

    /// Resizes the terminal of a running command.
    package func resizeExec(_ id: String, rows: UInt16, columns: UInt16) async throws {
        guard let row = execs.find(id) else { throw Self.noExec(id) }
        guard row.state == .running else {
            throw EngineFailure(code: .conflict, message: "exec \(row.id.prefix(12)) is not running")
        }
        try await parts.machine.resizeTerminal(of: row.id, rows: rows, columns: columns)
    }

    /// Resizes a container's terminal.
    package func resize(_ name: String, rows: UInt16, columns: UInt16) async throws {
        let record = try await find(name)
        guard record.isUp else {
            throw EngineFailure(code: .conflict, message: "container \(record.name) is not running")
        }
        try await parts.machine.resizeTerminal(of: record.id, rows: rows, columns: columns)
        parts.inventory.events.publish(
            record.event("resize", ["height": "\(rows)", "width": "\(columns)"], at: parts.machine.now()))
    }

    private static func checkRuns(_ record: ContainerRecord) throws(EngineFailure) {
        switch record.life.phase {
        case .running: break
        case .paused:
            throw EngineFailure(
                code: .conflict,
                message: "container \(record.name) is paused, unpause the container before exec")
        default: throw EngineFailure(code: .conflict, message: "\(record.owner.subject) is not running")
        }
    }

    private static func noExec(_ id: String) -> EngineFailure {
        EngineFailure(code: .notFound, message: "No such exec instance: \(id)")
    }
}

extension EngineFailure {
    /// The exit code that a shell gives for a command that could not start.
    package var launchCode: Int { exitCode ?? 126 }
}
