import Logging
import Synchronization

/// The objects that all parts of one engine share. `Engine` creates them when it starts.
struct EngineParts: Sendable {
    let paths: EnginePaths
    let store: Store
    let inventory: Inventory
    let vault: SecretVault
    let machine: any Machine
    let network: NetworkSync
    let runner: ContainerRunner
    let objects: ObjectStore
    let preflight: PreflightInspector
    let operations: RunningOperations
    let log: Logger
    let logTail: @Sendable (ContainerRecord) async -> [String]
}

/// The operations in progress, by id, so that a client can cancel one.
final class RunningOperations: Sendable {
    private struct State {
        var byID: [String: Operation] = [:]
        var bells: [ObjectIdentifier: Bell] = [:]
    }

    // The mutex guards both tables.
    private let state = Mutex(State())
    private let quiet: Quiet

    init(quiet: Quiet) { self.quiet = quiet }

    func add(_ operation: Operation) { state.withLock { $0.byID[operation.id] = operation } }
    func remove(_ operation: Operation) async {
        let bells = state.withLock { state in
            state.byID[operation.id] = nil
            return state.bells.values.map { $0 }
        }
        for bell in bells { bell.ring() }
        quiet.note()
    }
    /// References of images that operations are about to use.
    var neededImages: Set<String> {
        state.withLock { $0.byID.values.reduce(into: []) { $0.formUnion($1.neededImages) } }
    }
    func find(_ id: String) -> Operation? { state.withLock { $0.byID[id] } }
    func isBusy(_ project: String) -> Bool { state.withLock { $0.byID.values.contains { $0.project == project } } }
    var isEmpty: Bool { state.withLock { $0.byID.isEmpty } }

    /// Rings `bell` at the end of every operation, until `bell` is removed.
    func listen(_ bell: Bell) { state.withLock { $0.bells[ObjectIdentifier(bell)] = bell } }
    func forget(_ bell: Bell) { state.withLock { _ = $0.bells.removeValue(forKey: ObjectIdentifier(bell)) } }
}
