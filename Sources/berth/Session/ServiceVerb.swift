import EngineClient
import EngineWire

extension Session {
    /// A verb that works on what the engine has stored: no project is sent, so a broken or changed file does no harm.
    @discardableResult
    func perform(
        stored verb: EngineWire.Verb, on services: [String], in target: ProjectTarget? = nil, quiet: Bool = false
    ) throws -> OperationResult {
        let target = try target ?? self.target()
        if !services.isEmpty {
            let containers = try engine.containers(of: target.name, all: true)
            try check(services: services, among: try knownServices(of: target, containers: containers))
        }
        let request = OperationRequest(key: makeKey(), verb: verb, services: services, dryRun: global.dryRun)
        return try perform(request, in: target.name, quiet: quiet)
    }
}
