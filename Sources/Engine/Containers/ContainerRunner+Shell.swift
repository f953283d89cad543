import EngineWire
import Linux
import Logging
import OCI
import ProjectModel

/// The state of a container whose first process is a shell, or an init with a shell under it, after its programs got
/// the stop signal.
struct ShellEnd {
    /// What is left of the grace period.
    var left: Duration
    /// There were programs, and they got the signal.
    var wasThere = false
    var hasEnded = false
    /// Its programs have ended, and the shell itself would never react.
    var isToBeKilled = false
}

extension ContainerRunner {
    /// For `sh -c 'server'` as the first process: the kernel drops the stop signal for the shell, so the server gets
    /// it. Waits for the shell to end after its last program.
    func endProgramsOfShell(
        _ record: ContainerRecord, _ signal: Int32, within grace: Duration, _ forced: Latch
    ) async throws -> ShellEnd {
        var end = ShellEnd(left: grace)
        guard record.template.stopsProgramsOfShell != false, grace > .zero,
            var stop = await machine.shellStop(signal, record)
        else { return end }
        end.wasThere = true
        let name = SignalName.name(signal)
        log.info("\(record.name): its shell does not handle \(name), so berth sends it to the shell's programs")
        try await inventory.update(record.id, volatile: true) { $0.life.shellSignal = name }
        let step = Duration.milliseconds(20)
        var isDone = false
        while !isDone, end.left > .zero, !forced.isSet {
            (stop, isDone) = await machine.goOn(stop, after: grace - end.left)
            if isDone { break }
            if await hasEnded(record.id, within: min(step, end.left), forced: forced) {
                end.hasEnded = true
                return end
            }
            end.left -= step
        }
        guard isDone else { return end }
        let rest = min(end.left, .seconds(1))
        end.hasEnded = await hasEnded(record.id, within: rest, forced: forced)
        end.left -= rest
        if !end.hasEnded, case .shell = stop.root {
            end.isToBeKilled = true
            try await inventory.update(record.id, volatile: true) { $0.life.killCause = .shell(signal: name) }
        }
        return end
    }
}
