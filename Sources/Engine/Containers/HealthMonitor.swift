import EngineWire
import Logging
import Reconcile

/// Probes every container that has a health check.
actor HealthMonitor {
    private let inventory: Inventory
    private let machine: any Machine
    private let log: Logger
    private var probes: [String: Task<Void, Never>] = [:]

    init(inventory: Inventory, machine: any Machine, log: Logger) {
        self.inventory = inventory
        self.machine = machine
        self.log = log
    }

    /// Begins probing a container that has just started, or was adopted.
    func begin(_ container: ContainerRecord) async {
        end(container.id)
        guard let check = container.healthcheck else { return }
        await inventory.beginHealth(of: container)
        await inventory.setHealth(.starting, of: container)
        probes[container.id] = Task { await self.run(container, check) }
    }

    func end(_ id: String) { probes.removeValue(forKey: id)?.cancel() }

    private func run(_ container: ContainerRecord, _ check: ResolvedHealthcheck) async {
        var schedule = HealthSchedule(check)
        let origin = machine.now()
        // The container may have ended before the first probe.
        while await inventory.runs(container), !Task.isCancelled {
            let epoch = await inventory.currentEpoch()
            if await inventory.container(container.id)?.life.phase == .paused {
                await inventory.change(of: .container(container.id), after: epoch)
                continue
            }
            let began = machine.now()
            let result = await probe(container, check)
            guard !Task.isCancelled else { return }
            let output = result.isTimeout ? Self.timeoutText(check.timeout, result.output) : result.output
            await inventory.note(
                .init(began: began, ended: machine.now(), code: result.code, output: output), of: container)
            let pause = schedule.record(
                success: result.code == 0, began: .nanoseconds(began - origin),
                ended: .nanoseconds(machine.now() - origin))
            await inventory.setHealth(
                schedule.health, of: container, answer: result.code == 0 ? nil : HealthAnswer(result))
            do { try await machine.sleep(pause) } catch { return }
        }
    }

    /// In the words of dockerd, with what the probe had written.
    private static func timeoutText(_ limit: Duration, _ output: String) -> String {
        let milliseconds = Int64(limit / .milliseconds(1))
        let shown = milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
        let text = "Health check exceeded timeout (\(shown))"
        return output.isEmpty ? text : "\(text): \(output)"
    }

    private func probe(_ container: ContainerRecord, _ check: ResolvedHealthcheck) async -> ProbeResult {
        let command = ProbeCommand(arguments: check.arguments, timeout: check.timeout)
        do {
            return try await machine.probe(command, in: container)
        } catch {
            return ProbeResult(code: 126, isTimeout: false, output: EngineFailure(describing: error).message)
        }
    }
}

extension HealthAnswer {
    /// The number of lines to keep from each end of the output: a usage error is at its beginning, the cause below a
    /// stack trace is at its end.
    private static let lines = 3

    package init(_ result: ProbeResult) {
        var lines = result.output.split(whereSeparator: \.isNewline).map { String($0.prefix(300)) }
        if lines.count > 2 * Self.lines + 1 {
            lines.replaceSubrange(Self.lines..<(lines.count - Self.lines), with: ["…"])
        }
        self.init(code: result.isTimeout ? nil : result.code, output: lines)
    }
}
