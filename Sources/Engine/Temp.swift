import EngineWire
import OCI
import ProjectModel
import Reconcile
import Linux

enum IntentVerb { case x; init(_ v: Verb) throws { self = .x } }
extension Desired { mutating func apply(_ v: IntentVerb, project: Project?, services: [String], observed: Observed) throws {} }
enum RestartDecision { case stayDown(reason: String); case restart(after: Duration) }
func restartDecision(policy: RestartPolicy, exitCode: Int, wasStoppedByUs: Bool, restartsInARow: Int, ranFor: Duration) -> RestartDecision { .stayDown(reason: "") }
struct Preflight: Sendable {
    let inventory: Inventory, machine: any Machine, paths: EnginePaths
    func findings(_ d: Desired, _ p: Plan, _ o: Observed) async -> [EngineFailure] { [] }
}
extension RealMachine {
    package func pull(_ reference: String, platform: String?, progress: @escaping @Sendable (PullStep) -> Void) async throws -> MachineImage {
        throw EngineFailure(code: "image_missing", message: "cannot pull yet")
    }
    func pull(_ reference: Images.Reference, platform: String?, credentials: [String: String], progress: @escaping @Sendable (PullStep) -> Void) async throws {
    }
}
import Images
