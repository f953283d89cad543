import EngineWire
import Glibc
import Linux
import Monitor
import Synchronization

extension SimulatedMachine {
    package func signal(_ id: String, number: Int32, all: Bool) async throws {
        try await act("signal \(number)") { state in
            if number != SIGKILL, state.faults.signalsFail {
                throw EngineFailure(code: .simulated, message: "simulated failure of kill")
            }
            guard number == SIGKILL || !state.faults.processesAreDeaf,
                let status = state.end(id, code: 128 + Int(number), signal: number)
            else { return }
            continuation.yield(.exited(id: id, status))
        }
    }

    package func endUnwatched(_ container: ContainerRecord) async {
        state.withLock { state in
            if !state.isCrashed { _ = state.end(container.id, code: 255) }
        }
    }

    package func pause(_ id: String) async throws { try await pass(id, from: .running, to: .paused) }

    package func resume(_ id: String) async throws { try await pass(id, from: .paused, to: .running) }

    private func pass(
        _ id: String, from before: SimulatedWorld.Container.Phase, to after: SimulatedWorld.Container.Phase
    ) async throws {
        try await act("\(after) \(id.prefix(4))") { state in
            guard state.world.containers[id]?.isUp == true else {
                throw EngineFailure(code: .conflict, message: "container \(id.prefix(12)) is not running")
            }
            state.world.containers[id]?.phase = after
        }
    }

    package func shellStop(_ signal: Int32, _ container: ContainerRecord) async -> ShellStop? { nil }

    package func goOn(_ stop: ShellStop, after elapsed: Duration) async -> (ShellStop, isDone: Bool) { (stop, true) }

    package func ignores(_ signal: Int32, _ container: ContainerRecord) async -> Bool { false }

    package func cannotHear(_ signal: Int32, _ container: ContainerRecord) async -> Bool {
        state.withLock { $0.faults.processesAreDeaf }
    }

    package func isShellWithChildren(_ container: ContainerRecord) async -> Bool { false }

    package func processes(of container: ContainerRecord) async throws -> [ProcessRow] {
        state.withLock { state in
            guard state.world.containers[container.id]?.isUp == true else { return [] }
            let commands = state.world.commands.values.filter {
                $0.container == container.id && $0.end == nil
            }
            return (0...commands.count).map { number in
                ProcessRow(
                    user: "root", pid: number + 1, parent: 0, cpu: 0, startedAt: Double(state.clock) / 1e9,
                    tty: "?",
                    cpuTime: 0, command: "simulated")
            }
        }
    }

    package func probe(_ command: ProbeCommand, in container: ContainerRecord) async throws
        -> ProbeResult
    {
        let runs = state.withLock { state in
            state.world.containers[container.id]?.phase == .running
                && state.random.next() % 1000 >= UInt64(state.faults.probesFail)
        }
        return ProbeResult(code: runs ? 0 : 1, isTimeout: false, output: "")
    }
}
