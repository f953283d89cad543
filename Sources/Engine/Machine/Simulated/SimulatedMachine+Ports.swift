import EngineWire
import Synchronization

extension SimulatedMachine {
    package func reserve(_ ports: [ContainerRecord.Port], for container: String) async throws -> [ContainerRecord.Port]
    {
        try state.withLock { state in
            if state.isCrashed { throw EngineFailure(code: .crashed, message: "the engine was killed") }
            let others = state.world.ports.filter { $0.value != container }
            var held = others
            let chosen = try ports.map { port in
                let any = 40_000 + port.target % 1000
                let numbers = port.numbers.lowerBound == 0 ? any...(any + 1000) : port.numbers
                guard let number = numbers.first(where: { held[$0] == nil }) else {
                    let owner = held[numbers.lowerBound]
                    throw PortTaken(
                        port: "\(numbers.lowerBound)/\(port.transport)",
                        holder: owner.map { $0 == container ? .itself : .container($0) } ?? .unknown)
                }
                held[number] = container
                return port.at(number)
            }
            state.world.ports = held
            return chosen
        }
    }

    package func probe(_ port: ContainerRecord.Port, count: Int) async throws {}

    package func releasePorts(of container: String) async {
        state.withLock { state in
            if !state.isCrashed { state.world.ports = state.world.ports.filter { $0.value != container } }
        }
    }
}
