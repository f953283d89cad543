import ProjectModel
import Reconcile
import Testing

/// What a verb may touch: what it names and what that needs. Every verb meets every kind of difference.
@Suite struct PlanScopeTests {
    /// A way in which the machine differs from the wish, for one service.
    enum Difference: String, CaseIterable, Sendable {
        case none, imageRetagged, configChanged, recreationPending, missing, tooMany, twoOfOneNumber
        case created, stoppedByUs, endedByItself, unhealthy, restarting, pausedByOthers, pausedByUs
        case networkDamaged, networkGone, networkChanged, volumeGone, volumeChanged, restartPending

        func of(_ name: String, in scene: Scene) -> Scene {
            scene.with { scene in
                guard let index = scene.desired.services.firstIndex(where: { $0.spec.name == name }) else { return }
                func each(_ edit: (inout ObservedContainer) -> Void) {
                    for place in scene.observed.containers.indices
                    where scene.observed.containers[place].service == name {
                        edit(&scene.observed.containers[place])
                    }
                }
                switch self {
                case .none: break
                case .imageRetagged: scene.observed.images["image-\(name)"] = "sha256:bbbb"
                case .configChanged: scene.desired.services[index].spec.environment["NEW"] = "1"
                case .recreationPending: scene.desired.services[index].recreateRound = 1
                case .missing: scene.observed.containers.removeAll { $0.service == name }
                case .tooMany: scene = scene.having(name, numbers: [2])
                case .twoOfOneNumber: scene = scene.having(name) { $0.id = "\(name)-twin" }
                case .created: each { $0.state = .created }
                case .stoppedByUs: each { ($0.state, $0.stoppedByUs) = (.exited, true) }
                case .endedByItself: each { ($0.state, $0.exitCode) = (.exited, 1) }
                case .unhealthy: each { $0.health = .unhealthy }
                case .restarting: each { $0.state = .restarting }
                case .pausedByOthers: each { ($0.state, $0.isPausedByOthers) = (.paused, true) }
                case .pausedByUs: each { $0.state = .paused }
                case .networkDamaged: scene.observed.networks["demo_net-\(name)"]?.damage = "bridge is gone"
                case .networkGone: scene.observed.networks["demo_net-\(name)"] = nil
                case .networkChanged: scene.desired.networks["net-\(name)"]?.isInternal = true
                case .volumeGone: scene.observed.volumes["demo_vol-\(name)"] = nil
                case .volumeChanged: scene.desired.volumes["vol-\(name)"]?.driverOptions = ["o": "ro"]
                case .restartPending: scene.desired.services[index].restartRound = 1
                }
            }
        }
    }

    /// `app` needs `cache`; `db` and `gone` have nothing to do with either, and `old` left the file.
    static let scene = Scene()
        .service("app") { $0.dependsOn = [Dependency(service: "cache", condition: .healthy, restart: true)] }
        .service("cache") { $0.healthcheck = Healthcheck(test: ["CMD", "true"]) }
        .service("db") { _ in }.service("gone") { _ in }
        .with { scene in
            for index in scene.observed.containers.indices where scene.observed.containers[index].service == "cache" {
                scene.observed.containers[index].health = .healthy
            }
        }

    /// The file: as the wish is, without `gone`, so that only what a test changes differs.
    static func file(_ scene: Scene) -> Project {
        var project = Project(
            name: "demo", services: scene.desired.services.map(\.spec).filter { $0.name != "gone" })
        project.networks = scene.desired.networks
        project.volumes = scene.desired.volumes
        return project
    }

    static let verbs: [IntentVerb] = [
        .up(UpIntent()), .up(UpIntent(recreate: .force)), .up(UpIntent(recreate: .never)),
        .up(UpIntent(dependencies: false)), .up(UpIntent(recreate: .never, dependencies: false)),
        .up(UpIntent(recreateDependencies: true)), .up(UpIntent(renewAnonymousVolumes: true)),
        .up(UpIntent(start: false)), .create(UpIntent()), .create(UpIntent(recreate: .force)), .start, .stop,
        .restart(dependents: true), .restart(dependents: false), .kill(signal: "KILL", removeOrphans: false),
        .kill(signal: "HUP", removeOrphans: false), .pause, .unpause, .remove(stop: true), .remove(stop: false),
        .scale(["app": 2], dependencies: true), .scale(["app": 1], dependencies: false),
        .down(removeOrphans: false, volumes: false), .down(removeOrphans: false, volumes: true),
    ]

    static func plan(_ verb: IntentVerb, _ services: [String], _ scene: Scene) throws -> Plan {
        var desired = scene.desired
        let names = if case .scale = verb { [String]() } else { services }
        let change = try desired.apply(verb, project: file(scene), services: names, observed: scene.observed)
        return Reconcile.plan(desired: desired, observed: scene.observed, in: change.scope)
    }

    @Test(
        "what a verb does not name and what nothing named needs stays as it is", arguments: verbs, Difference.allCases)
    func others(verb: IntentVerb, difference: Difference) throws {
        let scene = difference.of("gone", in: difference.of("db", in: Self.scene))
        let text = try Self.plan(verb, ["app"], scene).description
        #expect(!text.contains("db") && !text.contains("gone."), "\(verb), \(difference):\n\(text)")
    }

    @Test("a verb for one service says the same whatever becomes of the others", arguments: verbs)
    func same(verb: IntentVerb) throws {
        let plain = try Self.plan(verb, ["app"], Self.scene)
        for difference in Difference.allCases {
            #expect(try Self.plan(verb, ["app"], difference.of("db", in: Self.scene)) == plain, "\(difference)")
        }
    }

    @Test("a verb without dependencies leaves those of the named service alone", arguments: verbs, Difference.allCases)
    func dependencies(verb: IntentVerb, difference: Difference) throws {
        let drawsIn: Bool =
            switch verb {
            case .up(let up), .create(let up): up.dependencies
            case .scale(_, let dependencies): dependencies
            case .start: true
            default: false
            }
        guard !drawsIn else { return }
        let text = try Self.plan(verb, ["app"], difference.of("cache", in: Self.scene)).description
        #expect(!text.contains("cache"), "\(verb), \(difference):\n\(text)")
    }

    @Test("a verb that makes nothing replaces nothing that differs", arguments: verbs, Difference.allCases)
    func nothingIsMade(verb: IntentVerb, difference: Difference) throws {
        switch verb {
        case .up, .create, .scale: return
        default: break
        }
        // What is gone has to be made for what is to run on it.
        guard ![.networkGone, .volumeGone].contains(difference) else { return }
        let plan = try? Self.plan(verb, ["app"], difference.of("app", in: Self.scene))
        let text = plan?.description ?? ""
        #expect(!text.contains("create app"), "\(verb), \(difference):\n\(text)")
    }

    @Test("`--no-recreate` makes what is missing and replaces nothing", arguments: Difference.allCases)
    func noRecreate(difference: Difference) throws {
        guard ![.networkGone, .volumeGone].contains(difference) else { return }
        for name in ["app", "cache"] {
            for services in [["app"], []] {
                let scene = difference.of(name, in: Self.scene)
                let text = try Self.plan(.up(UpIntent(recreate: .never)), services, scene).description
                #expect(!text.contains("in place of"), "\(difference):\n\(text)")
                #expect(text.contains("create \(name).1") == (difference == .missing), "\(difference):\n\(text)")
            }
        }
    }

    /// The actions on containers, in the plan's order.
    static func steps(_ verb: IntentVerb, _ services: [String], _ scene: Scene) throws -> String {
        try plan(verb, services, scene).actions.filter { !$0.action.isWait }.map { "\($0.action)" }
            .map { $0.replacing(" in place of the old one", with: "") }.joined(separator: ", ")
    }

    private static let remake = ["create", "stop", "start", "remove"]
    private static func remade(_ name: String) -> String { remake.map { "\($0) \(name).1" }.joined(separator: ", ") }

    @Test(
        "what a named service needs is brought along as the verb says",
        arguments: [
            (.up(UpIntent()), .imageRetagged, "\(remade("cache")) + app"),
            (.up(UpIntent()), .configChanged, "\(remade("cache")) + app"),
            (.up(UpIntent()), .missing, "create cache.1, start cache.1"),
            (.up(UpIntent()), .stoppedByUs, "start cache.1"),
            (.up(UpIntent(recreate: .never)), .imageRetagged, ""),
            (.up(UpIntent(recreate: .never)), .missing, "create cache.1, start cache.1"),
            (.up(UpIntent(recreateDependencies: true)), .none, "\(remade("cache")) + app"),
            (.up(UpIntent(recreate: .never, recreateDependencies: true)), .none, ""),
            (.start, .imageRetagged, ""), (.start, .stoppedByUs, "start cache.1"), (.start, .missing, ""),
            (.scale(["app": 1], dependencies: true), .imageRetagged, ""),
            (.scale(["app": 1], dependencies: true), .missing, "create cache.1, start cache.1"),
            (.scale(["app": 1], dependencies: true), .stoppedByUs, "start cache.1"),
        ] as [(IntentVerb, Difference, String)])
    func needs(verb: IntentVerb, difference: Difference, expected: String) throws {
        let actual = try Self.steps(verb, ["app"], difference.of("cache", in: Self.scene))
        guard expected.hasSuffix(" + app") else {
            #expect(actual == expected)
            return
        }
        // With `restart: true` the dependent restarts with what it needs.
        #expect(actual.contains("cache.1") && actual.contains("stop app.1") && actual.contains("start app.1"))
        #expect(!actual.contains("create app.1"))
    }

    @Test(
        "a named service becomes what the verb says",
        arguments: [
            (.up(UpIntent()), .imageRetagged, remade("db")), (.up(UpIntent()), .missing, "create db.1, start db.1"),
            (.up(UpIntent()), .tooMany, "stop db.2, remove db.2"), (.up(UpIntent()), .endedByItself, "start db.1"),
            (.up(UpIntent()), .unhealthy, ""), (.up(UpIntent()), .restarting, "start db.1"),
            (.up(UpIntent(recreate: .force)), .none, remade("db")),
            (.up(UpIntent(recreate: .never)), .recreationPending, ""),
            (.create(UpIntent()), .imageRetagged, remade("db")),
            (.restart(dependents: true), .imageRetagged, "stop db.1, start db.1"),
            (.restart(dependents: true), .configChanged, "stop db.1, start db.1"),
            (.restart(dependents: true), .endedByItself, "start db.1"), (.restart(dependents: true), .missing, ""),
            (.restart(dependents: true), .tooMany, "stop db.1, start db.1, stop db.2, start db.2"),
            (.stop, .imageRetagged, "stop db.1"), (.stop, .missing, ""), (.stop, .stoppedByUs, ""),
            (.start, .imageRetagged, ""), (.start, .configChanged, ""), (.start, .stoppedByUs, "start db.1"),
            (.pause, .imageRetagged, "pause db.1"), (.pause, .missing, ""),
            (.unpause, .pausedByOthers, "unpause db.1"), (.unpause, .imageRetagged, ""),
            (.remove(stop: true), .imageRetagged, "stop db.1, remove db.1"), (.remove(stop: false), .imageRetagged, ""),
            (.remove(stop: false), .endedByItself, "remove db.1"),
            (.scale(["db": 2], dependencies: true), .none, "create db.2, start db.2"),
            (.scale(["db": 0], dependencies: true), .imageRetagged, "stop db.1, remove db.1"),
            (.down(removeOrphans: false, volumes: false), .imageRetagged, "stop db.1, remove db.1"),
        ] as [(IntentVerb, Difference, String)])
    func named(verb: IntentVerb, difference: Difference, expected: String) throws {
        #expect(try Self.steps(verb, ["db"], difference.of("db", in: Self.scene)) == expected)
    }

    @Test("a namespace's owner takes along who shares it, whoever is named; a broken share of others is left")
    func sharers() throws {
        let scene = Scene().service("app") { _ in }
            .wanting("side") { $0.networkMode = .service("app") }.having("side") { $0.joined = ["app-1"] }
        let recreated = try Self.plan(.up(UpIntent(recreate: .force)), ["app"], scene).description
        #expect(recreated.contains("create side.1"))
        let broken = scene.with { $0.observed.containers[1].joined = ["gone"] }
        #expect(!(try Self.plan(.restart(dependents: false), ["app"], broken).description.contains("side")))
        #expect(try Self.plan(.up(UpIntent()), [], broken).description.contains("create side.1"))
    }

    @Test("a verb after a `down` that broke off removes nothing of others")
    func brokenDown() throws {
        let scene = Self.scene.with { scene in
            for index in scene.desired.services.indices { scene.desired.services[index].goal = .absent }
            scene.desired.removal = Desired.Removal(orphans: false, volumes: true)
        }
        #expect(try Self.steps(.remove(stop: true), ["db"], scene) == "stop db.1, remove db.1")
        #expect(try Self.plan(.stop, ["app"], scene).description.contains("db") == false)
    }

    @Test("what waits since an earlier verb is known by its services")
    func behindWaits() {
        let scene = Scene().wanting("web").wanting("db") { $0.healthcheck = Healthcheck(test: ["CMD", "true"]) }
            .wanting("api") { $0.dependsOn = [Dependency(service: "db", condition: .healthy)] }
            .wanting("page") { $0.dependsOn = [Dependency(service: "api")] }
        let plan = Reconcile.plan(desired: scene.desired, observed: scene.observed)
        #expect(plan.servicesBehindWaits == ["api", "page"])
    }
}

extension Scene {
    /// A service with a network, a volume and an image of its own, that runs.
    fileprivate func service(_ name: String, _ edit: (inout Service) -> Void) -> Scene {
        var scene = wanting(name, on: ["net-\(name)"]) { spec in
            spec.image = "image-\(name)"
            spec.volumes = [.named("vol-\(name)", at: "/data")]
            edit(&spec)
        }
        scene.desired.volumes["vol-\(name)"] = VolumeDefinition(name: "demo_vol-\(name)")
        scene.observed.images["image-\(name)"] = "sha256:aaaa"
        return scene.having(name)
    }
}
