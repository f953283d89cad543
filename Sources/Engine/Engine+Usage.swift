import EngineWire

extension Engine {
    /// What a running container has used so far.
    package func usage(of name: String) async throws -> ContainerUsage {
        await gate.wait(for: .known)
        let record = try await find(name)
        guard record.isUp else {
            throw EngineFailure(code: .conflict, message: "container \(record.name) is not running")
        }
        return try await parts.machine.usage(of: record)
    }
}
