import ProjectModel
import Reconcile
import Testing

@testable import Engine

struct WishTests {
    struct Change: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let isLess: Bool
        let edit: @Sendable (inout DesiredService) -> Void

        init(_ what: String, isLess: Bool, edit: @escaping @Sendable (inout DesiredService) -> Void) {
            testDescription = what
            self.isLess = isLess
            self.edit = edit
        }
    }

    private static func wish(_ edit: (inout DesiredService) -> Void = { _ in }) -> Desired {
        var desired = Desired(project: "demo")
        var service = DesiredService(spec: Service(name: "web", image: "busybox"), goal: .running, scale: 2)
        edit(&service)
        desired.services = [service]
        return desired
    }

    @Test(
        "only what wants no more than before may be acted on without being stored",
        arguments: [
            Change("nothing", isLess: true) { _ in },
            Change("stopped", isLess: true) { $0.goal = .stopped },
            Change("removed", isLess: true) { $0.goal = .absent },
            Change("stopped, with a new definition", isLess: true) {
                $0.goal = .stopped
                $0.spec.template.user = "app"
            },
            Change("a new definition", isLess: false) { $0.spec.template.user = "app" },
            Change("more", isLess: false) { $0.scale = 3 },
            Change("fewer", isLess: true) { $0.scale = 1 },
            Change("paused", isLess: false) { $0.goal = .paused },
            Change("one stopped", isLess: true) { $0.replicas = [DesiredReplica(number: 2, goal: .stopped)] },
            Change("one paused", isLess: false) { $0.replicas = [DesiredReplica(number: 2, goal: .paused)] },
            Change("stopped but for one", isLess: false) {
                $0.goal = .stopped
                $0.replicas = [DesiredReplica(number: 2, goal: .paused)]
            },
        ])
    func takingAway(change: Change) {
        #expect(Self.wish(change.edit).onlyTakesAway(from: Self.wish()) == change.isLess)
    }

    @Test("a replica that a verb had stopped and that is to run again is more")
    func startsAgain() {
        let before = Self.wish { $0.replicas = [DesiredReplica(number: 2, goal: .stopped)] }
        #expect(!Self.wish().onlyTakesAway(from: before))
        #expect(before.onlyTakesAway(from: before))
    }
}
