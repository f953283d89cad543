import EngineWire
import Glibc
import Logging
import OCI
import ProjectModel
import Reconcile

/// Ends a container: by its stop signal, by SIGKILL, or by a signal that a person chose.
extension ContainerRunner {
    /// Stops a container: sends its stop signal, and SIGKILL after `timeout`; nil means its own grace period. Returns
    /// after it has ended.
    func stop(_ id: String, timeout: Duration?, forced: Latch = Latch()) async throws {
        // Wait for a start in progress: otherwise it would run the container after the stop.
        let standing = try await locks.with(id) {
            let current = await self.inventory.container(id)
            guard current?.life.phase == .restarting else { return current }
            await self.letGo(of: id)
            return try await self.inventory.update(id, volatile: true) { record in
                record.life.phase = .exited
                record.life.stoppedByUs = true
                record.life.reason = .stoppedBeforeRestart
            }
        }
        guard let record = standing, record.isUp else { return }
        try await inventory.update(id, volatile: true) { record in
            record.life.stoppedByUs = true
            record.life.signal = nil
        }
        if record.life.phase == .paused { try await machine.resume(id) }
        for hook in record.template.preStop where record.life.phase == .running { try? await run(hook, in: record) }
        // An image may name an unknown signal; its containers must still be able to stop.
        let signal = SignalName.number(record.stopSignalName) ?? SignalName.terminate
        let grace = timeout ?? record.gracePeriod
        if grace > .zero, try await endsPolitely(record, signal, grace, forced) { return await freePorts(of: id) }
        await tellKill(id, SIGKILL)
        try await machine.signal(id, number: SIGKILL, all: true)
        guard await hasEnded(id, within: .seconds(30)) else {
            throw EngineFailure(
                code: .stuck, message: "\(record.name) did not end after SIGKILL",
                hint: "a process in uninterruptible sleep waits for a device or a network file system")
        }
        await freePorts(of: id)
    }

    /// Releases what a stopped container held, unless it was started again meanwhile.
    func freePorts(of id: String) async {
        _ = try? await locks.with(id) {
            guard await self.inventory.container(id)?.holdsPorts != true else { return }
            await self.letGo(of: id)
        }
    }

    /// Sends the stop signal and waits for the end: for the whole grace period, unless the process cannot have received
    /// the signal.
    private func endsPolitely(
        _ record: ContainerRecord, _ signal: Int32, _ grace: Duration, _ forced: Latch
    ) async throws -> Bool {
        await tellKill(record.id, signal)
        var shell = try await endProgramsOfShell(record, signal, within: grace, forced)
        var left = shell.left
        // In its first second a process may not have installed its handlers yet, and a shell may not have started its
        // program.
        let age = Duration.nanoseconds(machine.now() - (record.life.startedAt ?? 0))
        let settling = min(left, max(.zero, .seconds(1) - age))
        if !shell.hasEnded, !shell.isToBeKilled {
            do { try await machine.signal(record.id, number: signal, all: false) } catch {
                // No error if the container has just ended; otherwise the signal did not arrive.
                if await hasEnded(record.id, within: .milliseconds(100)) { return true }
                let (name, reason) = (SignalName.name(signal), EngineFailure(describing: error).message)
                log.warning("\(record.name): \(name) could not be sent, so berth kills it: \(reason)")
                try await inventory.update(record.id, volatile: true) {
                    $0.life.killCause = .notSent(signal: name, reason: reason)
                }
                return false
            }
            if await hasEnded(record.id, within: settling, forced: forced) { return true }
            left -= settling
            if settling > .zero, !shell.wasThere {
                shell = try await endProgramsOfShell(record, signal, within: left, forced)
                left = shell.left
            }
        }
        if shell.hasEnded { return true }
        if shell.isToBeKilled { return false }
        if left > .zero, await machine.ignores(signal, record) {
            log.info(
                "\(record.name): its process does not handle \(SignalName.name(signal)), so berth kills it at once")
            try await inventory.update(record.id, volatile: true) {
                $0.life.killCause = .deaf(signal: SignalName.name(signal))
            }
            return false
        }
        if await hasEnded(record.id, within: left, forced: forced) { return true }
        if !forced.isSet {
            try await inventory.update(record.id, volatile: true) {
                $0.life.killCause = .graceOver(seconds: grace / .seconds(1))
            }
        }
        return false
    }

    /// Sends only the signal that a person chose; the process may or may not end. After SIGKILL, returns once the
    /// container has ended.
    func kill(_ id: String, _ signal: Int32) async throws {
        let now = machine.now()
        if let record = await inventory.container(id) {
            var occurrence = Occurrence(at: Double(now) / 1e9, kind: .signalled, by: "kill")
            occurrence.signal = SignalName.name(signal)
            inventory.history.note(occurrence, of: record)
        }
        try await locks.with(id) {
            try await self.inventory.update(id, volatile: true) { record in
                let chosen = record.template.stopSignal ?? record.image.stopSignal
                let sent = PersonsSignal(
                    signal, stopSignal: chosen.flatMap { SignalName.number($0) }, policy: record.template.restart,
                    sentAt: now, grace: record.gracePeriod)
                // A signal that is meant to end the container stays in force after later signals.
                if record.life.signal == nil || record.life.signal?.until != nil {
                    record.life.signal = sent ?? record.life.signal
                }
                if signal == SIGKILL { record.life.stoppedByUs = true }
            }
            await self.tellKill(id, signal)
            try await self.machine.signal(id, number: signal, all: signal == SIGKILL)
            // A frozen process cannot end, so thaw it. SIGKILL also ends a frozen process.
            guard signal != SIGKILL, let record = await self.inventory.container(id), record.life.phase == .paused,
                let sent = record.life.signal, sent.until == nil
            else { return }
            try await self.machine.resume(id)
        }
        if signal == SIGKILL, await hasEnded(id, within: .seconds(30)) { await freePorts(of: id) }
    }

    /// Waits for the end of a container; false after `limit`, or when a person no longer wants to wait.
    func hasEnded(_ id: String, within limit: Duration, forced: Latch = Latch()) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    let epoch = await self.inventory.currentEpoch()
                    switch await self.inventory.container(id)?.life.phase {
                    case .running?, .paused?: break
                    default: return true
                    }
                    await self.inventory.change(of: .container(id), after: epoch)
                }
                return false
            }
            group.addTask {
                if limit > .zero { try? await self.machine.sleep(limit) }
                return false
            }
            group.addTask {
                await forced.wait()
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
    }
}
