import ProjectModel
import Reconcile
import Testing

/// Promises that hold for every project and every history; each seed is a life that can be told again.
@Suite struct PlanPropertyTests {
    @Test("whatever happened, the plan converges, then plans nothing, and no data was lost", arguments: 0..<150)
    func converges(seed: Int) {
        var life = RandomLife(seed: UInt64(seed))
        for _ in 0..<8 { life.step() }
        let rest = life.settle()
        #expect(life.machine.complaints == [], "\(life.story)")
        #expect(!life.story.contains { $0.hasPrefix("HALF EDITED") })
        // What is left waits for a dependency that failed, or for a namespace owner that nobody wants.
        for action in rest.actions where action.after.isEmpty {
            #expect(isStuck(action.action, life), "seed \(seed): \(action)\n\(life.story)\n\(rest)")
        }
    }

    @Test("up of a settled project changes neither the wish nor the machine", arguments: 0..<60)
    func upAgain(seed: Int) throws {
        var life = RandomLife(seed: UInt64(seed) + 10_000)
        for _ in 0..<4 { life.step() }
        try life.up()
        let first = life.desired
        let rest = life.settle()
        guard rest.isEmpty else { return }
        let ended = life.machine.observed.containers.contains { $0.state == .exited || $0.isPausedByOthers }
        try life.up()
        if !ended { #expect(life.desired == first, "seed \(seed)") }
        #expect(ended || life.planned().isEmpty, "seed \(seed): \(life.planned())")
    }

    @Test("the same values give the same plan, and what an action needs stands before it", arguments: 0..<40)
    func ordered(seed: Int) {
        var life = RandomLife(seed: UInt64(seed) + 20_000)
        for _ in 0..<3 { life.step() }
        let plan = life.planned()
        var shuffled = life.machine.observed
        shuffled.containers.reverse()
        let whole = Reconcile.plan(desired: life.desired, observed: life.machine.observed)
        #expect(Reconcile.plan(desired: life.desired, observed: shuffled).isEmpty == whole.isEmpty)
        for (index, action) in plan.actions.enumerated() {
            #expect(action.number == index + 1)
            #expect(action.after.allSatisfy { $0 > 0 && $0 < action.number })
        }
        #expect(life.planned() == plan)
    }

    @Test("two thousand services are planned in one go", .timeLimit(.minutes(1)))
    func many() {
        var scene = Scene()
        var project = Project(name: "demo")
        for index in 0..<2000 {
            var spec = Service(name: "s\(index)", image: "busybox")
            if index > 0 { spec.dependsOn = [Dependency(service: "s\(index - 1)", condition: .healthy, restart: true)] }
            spec.networks = [NetworkAttachment(network: "n\(index % 50)")]
            project.networks["n\(index % 50)"] = NetworkDefinition(name: "demo_n\(index % 50)")
            project.services.append(spec)
        }
        #expect(throws: Never.self) {
            _ = try scene.desired.apply(
                .up(UpIntent()), project: project, services: [], observed: scene.observed)
        }
        let plan = plan(desired: scene.desired, observed: scene.observed)
        #expect(plan.actions.count == 50 + 2000 * 2 + 1999)
        var facts = PreflightFacts()
        facts.images["busybox"] = PreflightFacts.Image(.present)
        let findings = preflight(desired: scene.desired, observed: scene.observed, plan: plan, facts: facts)
        #expect(findings.count == 1999)
    }

    private func isStuck(_ action: Action, _ life: RandomLife) -> Bool {
        switch action {
        case .wait(let service, let condition, _): !life.machine.holds(condition, service)
        case .create(let replica, _):
            if case .service(let owner) = life.desired.service(replica.service)?.spec.networkMode {
                !life.machine.observed.containers.contains { $0.service == owner }
            } else {
                false
            }
        case .start(let replica, _): life.lacksPort(replica)
        default: false
        }
    }
}

extension RandomLife {
    mutating func up() throws {
        _ = try apply(.up(UpIntent()))
    }
}
