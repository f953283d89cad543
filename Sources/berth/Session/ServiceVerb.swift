import EngineClient
import EngineWire

extension Session {
    /// A verb that works on what the engine has stored: no project is sent, so a broken or changed file does no harm.
    @discardableResult
    func perform(
        stored verb: EngineWire.Verb, on names: [String], quiet: Bool = false
    ) throws -> OperationResult {
        if names.isEmpty { return try perform(stored: verb, on: NamedContainers(), in: try target(), quiet: quiet) }
        let scope = try scope(names)
        return try perform(stored: verb, on: scope.named, in: scope.target, quiet: quiet)
    }

    /// The same for what was looked up already.
    @discardableResult
    func perform(
        stored verb: EngineWire.Verb, on named: NamedContainers, in target: ProjectTarget, quiet: Bool = false
    ) throws -> OperationResult {
        let request = OperationRequest(
            key: makeKey(), verb: verb, services: named.services,
            containers: named.containers.isEmpty ? nil : named.containers.map(\.id), dryRun: global.dryRun)
        return try perform(request, in: target.name, quiet: quiet)
    }
}
