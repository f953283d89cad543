import EngineWire
import Glibc
import Logging
import OCI
import ProjectModel
import Reconcile

/// How a container comes to its end: politely, by force, by a signal that a person chose.
extension ContainerRunner {
    /// Ends a container politely; `timeout` nil takes its own grace period. Returns once it has ended.
    func stop(_ id: String, timeout: Duration?, isForced: @escaping @Sendable () -> Bool = { false }) async throws {
        // A start that is under way comes to its end first: it would make a container run that is stopped by then.
        let standing = try await locks.with(id) {
            let current = await self.inventory.container(id)
            guard current?.life.phase == .restarting else { return current }
            await self.machine.releasePorts(of: id)
            return try await self.inventory.update(id, volatile: true) { record in
                record.life.phase = .exited
                record.life.stoppedByUs = true
                record.life.reason = "stopped"
            }
        }
        guard let record = standing, record.isUp else { return }
        try await inventory.update(id, volatile: true) { $0.life.stoppedByUs = true }
        if record.life.phase == .paused { try await machine.resume(id) }
        for hook in record.spec.preStop where record.life.phase == .running { try? await run(hook, in: record) }
        let signal = try EngineFailure.checkingSignal(record.stopSignalName)
        let grace = timeout ?? record.gracePeriod
        if grace > .zero, try await endsPolitely(record, signal, grace, isForced) { return await freePorts(of: id) }
        try await machine.signal(id, number: SIGKILL, all: true)
        guard await hasEnded(id, within: .seconds(30), isForced: { false }) else {
            throw EngineFailure(
                code: "stuck", message: "\(record.name) does not end although it was killed",
                hint: "a process in uninterruptible sleep waits for a device or a network file system")
        }
        await freePorts(of: id)
    }

    /// Lets go of the host ports of a container that is down; one that was started again meanwhile keeps them.
    func freePorts(of id: String) async {
        _ = try? await locks.with(id) {
            guard await self.inventory.container(id)?.holdsPorts != true else { return }
            await self.machine.releasePorts(of: id)
        }
    }

    /// Sends the stop signal and waits for the end: the whole grace period, unless the process cannot have heard it.
    private func endsPolitely(
        _ record: ContainerRecord, _ signal: Int32, _ grace: Duration, _ isForced: @escaping @Sendable () -> Bool
    ) async throws -> Bool {
        var shell = try await endProgramsOfShell(record, signal, within: grace, isForced)
        var left = shell.left
        // In its first second a process may not have set up its handlers yet, and a shell may not have come to its program.
        let age = Duration.nanoseconds(machine.now() - (record.life.startedAt ?? 0))
        let settling = min(left, max(.zero, .seconds(1) - age))
        if !shell.hasEnded, !shell.isToBeKilled {
            try? await machine.signal(record.id, number: signal, all: false)
            if await hasEnded(record.id, within: settling, isForced: isForced) { return true }
            left -= settling
            if settling > .zero, !shell.wasThere {
                shell = try await endProgramsOfShell(record, signal, within: left, isForced)
                left = shell.left
            }
        }
        if shell.hasEnded { return true }
        if shell.isToBeKilled { return false }
        if left > .zero, await machine.ignores(signal, record) {
            log.info("\(record.name): its process cannot hear \(SignalName.name(signal)), so it is killed at once")
            try await inventory.update(record.id, volatile: true) {
                $0.life.killCause = .deaf(signal: SignalName.name(signal))
            }
            return false
        }
        if await hasEnded(record.id, within: left, isForced: isForced) { return true }
        if !isForced() {
            try await inventory.update(record.id, volatile: true) {
                $0.life.killCause = .graceOver(seconds: grace / .seconds(1))
            }
        }
        return false
    }

    /// Sends a signal that a person chose; after SIGKILL returns once the container has ended.
    func kill(_ id: String, _ signal: Int32) async throws {
        try await locks.with(id) {
            try await self.inventory.update(id, volatile: true) { record in
                guard let stopSignal = SignalName.number(record.stopSignalName) else { return }
                if meansEnd(signal, stopSignal: stopSignal) { record.life.stoppedByUs = true }
            }
            try await self.machine.signal(id, number: signal, all: signal == SIGKILL)
        }
        if signal == SIGKILL, await hasEnded(id, within: .seconds(30), isForced: { false }) { await freePorts(of: id) }
    }

    func hasEnded(_ id: String, within limit: Duration, isForced: @escaping @Sendable () -> Bool) async -> Bool {
        guard let project = await inventory.container(id)?.project else { return true }
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    let epoch = await self.inventory.epoch(of: project)
                    switch await self.inventory.container(id)?.life.phase {
                    case .running?, .paused?: break
                    default: return true
                    }
                    await self.inventory.change(of: project, after: epoch)
                }
                return false
            }
            group.addTask {
                var left = limit
                while left > .zero, !isForced() {
                    // A second Ctrl-C is noticed within this step.
                    let step = min(left, .milliseconds(250))
                    do { try await self.machine.sleep(step) } catch { return false }
                    left -= step
                }
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
    }
}
