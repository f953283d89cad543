import ProjectModel
import Reconcile
import Testing

/// What is asked of one container says nothing about its siblings.
@Suite struct SingleWishTests {
    struct Row: CustomTestStringConvertible, Sendable {
        let claim: String
        let scene: Scene
        /// Each with the ids of the containers that it names; none is the whole project.
        let verbs: [(verb: IntentVerb, ids: Set<String>)]
        let plan: String
        var testDescription: String { claim }

        init(_ claim: String, _ scene: Scene, _ verbs: [(IntentVerb, Set<String>)], plan: String) {
            self.claim = claim
            self.scene = scene
            self.verbs = verbs.map { ($0.0, $0.1) }
            self.plan = plan
        }
    }

    static let two = Scene().wanting("web", scale: 2).having("web", numbers: [1, 2])
    static let oneDown = Scene().wanting("web", scale: 2).having("web").having("web", .exited, numbers: [2])
    /// `web.2` was stopped by itself.
    static let stopped = oneDown.changing("web") {
        var replica = DesiredReplica(number: 2, goal: .stopped)
        replica.startRound = nil
        $0.replicas = [replica]
    }.with { $0.observed.containers[1].stoppedByUs = true }

    static let rows = [
        Row("stop", two, [(.stop, ["web-2"])], plan: "1 stop web.2  # should be stopped"),
        Row("pause", two, [(.pause, ["web-1"])], plan: "1 pause web.1  # should be paused"),
        Row(
            "restart", two, [(.restart(dependents: true), ["web-2"])],
            plan: """
                1 stop web.2  # restart requested
                2 start web.2 after 1  # restart requested
                """),
        Row(
            "a signal that means the end", two, [(.kill(signal: "KILL", removeOrphans: false), ["web-2"])],
            plan: "1 stop web.2  # should be stopped"),
        Row("another signal", two, [(.kill(signal: "HUP", removeOrphans: false), ["web-2"])], plan: ""),
        Row("rm of one that runs", two, [(.remove(stop: false), ["web-2"])], plan: ""),
        Row(
            "rm --stop; its place stays empty", two, [(.remove(stop: true), ["web-1"])],
            plan: """
                1 stop web.1  # no longer wanted
                2 remove web.1 after 1  # no longer wanted
                """),
        Row(
            "start of one that ended by itself", oneDown, [(.start, ["web-2"])],
            plan: "1 start web.2  # start requested"),
        Row(
            "its sibling's stop does not start it", oneDown, [(.stop, ["web-1"])],
            plan: "1 stop web.1  # should be stopped"),
        Row("start of one that was stopped", stopped, [(.start, ["web-2"])], plan: "1 start web.2  # start requested"),
        Row("what was stopped by itself stays down", stopped, [], plan: ""),
        Row("also under a pause of all", stopped, [(.pause, [])], plan: "1 pause web.1  # should be paused"),
        Row("a start of all means it too", stopped, [(.start, [])], plan: "1 start web.2  # start requested"),
        Row(
            "a restart of all after one of its own means it too", two,
            [(.restart(dependents: false), ["web-2"]), (.restart(dependents: false), [])],
            plan: """
                1 stop web.1  # restart requested
                2 start web.1 after 1  # restart requested
                3 stop web.2  # restart requested
                4 start web.2 after 3  # restart requested
                """),
        Row(
            "a stop of one and a stop of all", two, [(.stop, ["web-1"]), (.stop, [])],
            plan: """
                1 stop web.1  # should be stopped
                2 stop web.2  # should be stopped
                """),
    ]

    @Test(arguments: rows) func plans(_ row: Row) throws {
        var desired = row.scene.desired
        var scope = PlanScope.all
        for (verb, ids) in row.verbs {
            scope = try desired.apply(
                verb, project: nil, services: [], containers: ids, observed: row.scene.observed
            ).scope
        }
        let text = plan(desired: desired, observed: row.scene.observed, in: scope).description
        #expect(text == row.plan, "\(row.claim):\n\(text)")
    }

    @Test("a removed replica is not made again by healing, and comes back with up")
    func absentPlace() throws {
        var scene = Self.two
        _ = try scene.desired.apply(
            .remove(stop: true), project: nil, services: [], containers: ["web-1"], observed: scene.observed)
        scene.observed.containers.removeFirst()
        #expect(plan(desired: scene.desired, observed: scene.observed).isEmpty)
        let project = Project(name: "demo", services: scene.desired.services.map(\.spec))
        _ = try scene.desired.apply(.up(UpIntent()), project: project, services: [], observed: scene.observed)
        let text = plan(desired: scene.desired, observed: scene.observed).description
        #expect(text == "1 create web.1  # no container\n2 start web.1 after 1  # no container")
    }

    @Test("create makes anew what differs, and starts nothing that ended by itself")
    func createStartsNothing() throws {
        var scene = Self.oneDown
        var spec = scene.desired.services[0].spec
        spec.environment["NEW"] = "1"
        _ = try scene.desired.apply(
            .create(UpIntent()), project: Project(name: "demo", services: [spec]), services: [],
            observed: scene.observed)
        let actions = plan(desired: scene.desired, observed: scene.observed).actions.map { "\($0.action)" }
        #expect(actions.contains("start web.1") && !actions.contains("start web.2"), "\(actions)")
        #expect(actions.filter { $0.hasPrefix("create") }.count == 2)
    }

    // MARK: Containers of their own

    private static func single(_ goal: DesiredService.Goal, _ owner: Owner) -> DesiredContainer {
        var template = ContainerTemplate(image: "busybox")
        template.networks = [NetworkAttachment(network: "default")]
        var definitions = Definitions()
        definitions.networks["default"] = NetworkDefinition(name: "demo_default")
        return DesiredContainer(
            id: "box", owner: owner, template: template, definitions: definitions, wish: ContainerWish(goal: goal))
    }

    private func text(_ single: DesiredContainer, _ scene: Scene = Scene()) -> String {
        var desired = scene.desired
        desired.singles = [single]
        return plan(desired: desired.completed, observed: scene.observed).description
    }

    @Test("a one-off is made with its network, and starts after what it depends on is ready")
    func oneOff() {
        var single = Self.single(.running, .oneOff(project: "demo", service: "web", name: "once"))
        single.dependsOn = [Dependency(service: "db", condition: .healthy)]
        let scene = Scene().wanting("db") { $0.healthcheck = Healthcheck(test: ["CMD", "true"]) }
        #expect(
            text(single, scene) == """
                1 create network demo_default  # used by once
                2 create db.1  # no container
                3 start db.1 after 2  # no container
                4 wait until db is healthy after 3  # once depends on it
                5 create once after 1  # asked for
                6 start once after 4,5  # asked for
                """)
    }

    @Test("a container of no project follows its own wish")
    func free() {
        let owner = Owner.free(name: "box")
        func there(_ state: ObservedContainer.State, _ edit: (inout ObservedContainer) -> Void = { _ in }) -> Scene {
            Scene().with { scene in
                var container = ObservedContainer(
                    id: "box", name: "box", owner: owner, template: ContainerTemplate(image: "busybox"),
                    imageID: "sha256:aaaa", state: state)
                edit(&container)
                scene.observed.containers = [container]
                scene.observed.networks["demo_default"] = ObservedNetwork(
                    name: "demo_default", project: nil, key: nil, definition: NetworkDefinition(name: "demo_default"))
            }
        }
        #expect(text(Self.single(.running, owner), there(.running)).isEmpty)
        #expect(text(Self.single(.running, owner), there(.exited)).isEmpty)
        #expect(
            text(Self.single(.running, owner), there(.exited) { $0.stoppedByUs = true })
                == "1 start box  # was stopped, should run")
        #expect(text(Self.single(.created, owner), there(.created)).isEmpty)
        #expect(text(Self.single(.stopped, owner), there(.running)) == "1 stop box  # should be stopped")
        #expect(
            text(Self.single(.absent, owner), there(.running))
                == "1 stop box  # no longer wanted\n2 remove box after 1  # no longer wanted")
        #expect(text(Self.single(.paused, owner), there(.running)) == "1 pause box  # should be paused")
        #expect(text(Self.single(.running, owner), there(.paused)) == "1 unpause box  # should run")
        let damaged = there(.running).with { $0.observed.networks["demo_default"]?.damage = "bridge is gone" }
        #expect(text(Self.single(.running, owner), damaged) == "1 repair network demo_default  # bridge is gone")
    }
}
