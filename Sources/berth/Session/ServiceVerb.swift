import EngineClient
import EngineWire

extension Session {
    /// Runs a verb on the stored project of the engine. It sends no project, so a broken or changed file does not
    /// matter.
    @discardableResult
    func perform(
        stored verb: EngineWire.Verb, on names: [String], quiet: Bool = false
    ) throws -> OperationResult {
        if names.isEmpty { return try perform(stored: verb, on: NamedContainers(), in: try target(), quiet: quiet) }
        let scope = try scope(names)
        return try perform(stored: verb, on: scope.named, in: scope.target, quiet: quiet)
    }

    /// The same for a target that was resolved already.
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
