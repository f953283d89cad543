import EngineWire
import Synchronization

extension SimulatedMachine {
    /// A container uses a hundredth of a processor, and as much memory as it may.
    package func usage(of container: ContainerRecord) async throws -> ContainerUsage {
        try state.withLock { state in
            guard let found = state.world.containers[container.id], found.isUp else {
                throw EngineFailure(code: .conflict, message: "container \(container.name) is not running")
            }
            var usage = ContainerUsage(id: container.id, name: container.name, read: state.clock)
            let ran = state.clock - (found.startedAt ?? state.clock)
            usage.processor.total = ran / 100
            usage.processor.machine = ran
            usage.memory.usage = found.memory ?? 1 << 20
            usage.memory.limit = found.memory ?? 1 << 30
            usage.tasks.current = 1
            return usage
        }
    }
}
