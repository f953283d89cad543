import Logging
import Synchronization

/// What the parts of one engine share; wired once, at its start.
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

/// The operations under way, by id, so that a client can cancel one.
final class RunningOperations: Sendable {
    private let byID = Mutex<[String: Operation]>([:])
    private let quiet: Quiet

    init(quiet: Quiet) { self.quiet = quiet }

    func add(_ operation: Operation) { byID.withLock { $0[operation.id] = operation } }
    func remove(_ operation: Operation) async {
        byID.withLock { _ = $0.removeValue(forKey: operation.id) }
        quiet.note()
    }
    /// References of images that they are about to use.
    var neededImages: Set<String> { byID.withLock { $0.values.reduce(into: []) { $0.formUnion($1.neededImages) } } }
    func find(_ id: String) -> Operation? { byID.withLock { $0[id] } }
    var isEmpty: Bool { byID.withLock { $0.isEmpty } }
}
