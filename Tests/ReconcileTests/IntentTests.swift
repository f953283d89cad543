import ProjectModel
import Reconcile
import Testing

/// A row of the intent table: what a verb leaves of the wish, a line a service.
struct IntentCase: CustomTestStringConvertible, Sendable {
    let claim: String
    let scene: Scene
    let verb: IntentVerb
    var project: Project?
    var services: [String]
    let wish: String

    init(
        _ claim: String, _ scene: Scene, _ verb: IntentVerb, _ services: String..., file: Project? = nil, wish: String
    ) {
        self.claim = claim
        self.scene = scene
        self.verb = verb
        self.services = services
        project = file
        self.wish = wish
    }

    var testDescription: String { claim }

    /// `web running ×2 start 1`; changed at the end of the first line when the value is another one.
    func outcome() -> String {
        var desired = scene.desired
        let change: IntentChange
        do {
            change = try desired.apply(verb, project: project, services: services, observed: scene.observed)
        } catch {
            return desired == scene.desired ? "\(error)" + (error.hint.map { "; \($0)" } ?? "") : "half edited"
        }
        var lines = desired.services.map { service in
            var line = "\(service.spec.name) \(service.goal)"
            if service.scale != 1 { line += " ×\(service.scale)" }
            if let user = service.spec.user { line += " user \(user)" }
            for (name, round) in [
                ("recreate", service.recreateRound), ("restart", service.restartRound), ("start", service.startRound),
            ] where round > 0 { line += " \(name) \(round)" }
            if service.renewAnonymousVolumes { line += " renew" }
            if service.pinnedImage != nil { line += " pinned" }
            return line + (service.isOrphan ? " orphan" : "")
        }
        if let removal = desired.removal {
            lines.append("removal" + (removal.orphans ? " orphans" : "") + (removal.volumes ? " volumes" : ""))
        }
        if desired == scene.desired { lines.append("unchanged") }
        #expect(change.changed == (desired != scene.desired))
        return (lines + change.notes).joined(separator: "\n")
    }
}

@Suite struct IntentTests {
    static func file(_ edit: (inout Project) -> Void = { _ in }) -> Project {
        var api = Service(name: "api", image: "busybox")
        api.dependsOn = [Dependency(service: "db", restart: true)]
        var project = Project(
            name: "demo",
            services: [api, Service(name: "db", image: "busybox"), Service(name: "web", image: "busybox")])
        edit(&project)
        return project
    }
    static func edited(_ names: String...) -> Project {
        file { project in
            for index in project.services.indices where names.contains(project.services[index].name) {
                project.services[index].user = "new"
            }
        }
    }
    /// Everything of `file` wanted and running.
    static let runs = stored(.running).having("api").having("db").having("web")
    static func stored(_ goal: DesiredService.Goal) -> Scene {
        Scene().wanting("api", goal) { $0.dependsOn = [Dependency(service: "db", restart: true)] }.wanting("db", goal)
            .wanting("web", goal)
    }
    static let down = stored(.absent).with { $0.desired.removal = Desired.Removal(orphans: false, volumes: false) }
    static let stopped = stored(.stopped).having("api", .exited).having("db", .exited).having("web", .exited)
    static let up = IntentVerb.up(UpIntent())

    @Test(arguments: rows) func verbLeaves(_ row: IntentCase) {
        let outcome = row.outcome()
        #expect(outcome == row.wish, "\(row.claim):\n\(outcome)")
    }

    static let rows: [IntentCase] = [
        IntentCase(
            "the first up wants everything", Scene(), up, file: file(),
            wish: """
                api running
                db running
                web running
                """),
        IntentCase(
            "a second up writes nothing", runs, up, file: file(),
            wish: """
                api running
                db running
                web running
                unchanged
                """),
        IntentCase(
            "up without a file", Scene(), up,
            wish:
                "no configuration file provided: not found; run it in a folder with a compose.yaml, or name one with -f"
        ),
        IntentCase(
            "up with every service behind a profile", Scene(), up, file: Project(name: "demo"),
            wish: "no service selected; every service needs a profile: choose one with --profile"),
        IntentCase(
            "up after down", down, up, file: file(),
            wish: """
                api running
                db running
                web running
                """),
        IntentCase(
            "up after stop starts what is down", stopped, up, file: file(),
            wish: """
                api running start 1
                db running start 1
                web running start 1
                """),
        IntentCase(
            "up starts again what ended by itself", stored(.running).having("api").having("db", .exited).having("web"),
            up, file: file(),
            wish: """
                api running
                db running start 1
                web running
                """),
        IntentCase(
            "up does not wait out the pause between two restarts",
            stored(.running).having("api").having("db", .restarting).having("web"), up, file: file(),
            wish: """
                api running
                db running start 1
                web running
                """),
        IntentCase(
            "a start requested already is not asked for again",
            stored(.running).having("api").having("db", .exited).having("web").changing("db") { $0.startRound = 1 }, up,
            file: file(),
            wish: """
                api running
                db running start 1
                web running
                unchanged
                """),
        IntentCase(
            "up unpauses what somebody else paused",
            stored(.running).having("api").having("db", .paused) { $0.isPausedByOthers = true }.having("web"), up,
            file: file(),
            wish: """
                api running
                db running start 1
                web running
                """),
        IntentCase(
            "up of one takes its dependencies", Scene(), up, "api", file: file(),
            wish: """
                api running
                db running
                web absent
                """),
        IntentCase(
            "up of one without dependencies", Scene(), .up(UpIntent(dependencies: false)), "api", file: file(),
            wish: """
                api running
                db absent
                web absent
                """),
        IntentCase(
            "up of one leaves the others' definitions", runs, up, "web", file: edited("api", "db", "web"),
            wish: """
                api running
                db running
                web running user new
                """),
        IntentCase(
            "up of a changed file", runs, up, file: edited("db"),
            wish: """
                api running
                db running user new
                web running
                """),
        IntentCase(
            "--no-recreate keeps what has containers", runs, .up(UpIntent(recreate: .never)),
            file: edited("api", "db", "web"),
            wish: """
                api running
                db running
                web running
                unchanged
                """),
        IntentCase(
            "--no-recreate makes what has none as the file says", stored(.running).having("db"),
            .up(UpIntent(recreate: .never)), file: edited("api", "db"),
            wish: """
                api running user new
                db running
                web running
                """),
        IntentCase(
            "--no-recreate keeps the image too", runs.with { $0.observed.images = ["busybox": "sha256:bbbb"] },
            .up(UpIntent(recreate: .never)), "web", file: file(),
            wish: """
                api running
                db running
                web running pinned
                """),
        IntentCase(
            "--no-recreate of what is as it should be writes nothing", runs, .up(UpIntent(recreate: .never)),
            file: file(),
            wish: """
                api running
                db running
                web running
                unchanged
                """),
        IntentCase(
            "--force-recreate", runs, .up(UpIntent(recreate: .force)), file: file(),
            wish: """
                api running recreate 1
                db running recreate 1
                web running recreate 1
                """),
        IntentCase(
            "--force-recreate of one leaves its dependencies", runs, .up(UpIntent(recreate: .force)), "api",
            file: file(),
            wish: """
                api running recreate 1
                db running
                web running
                """),
        IntentCase(
            "--always-recreate-deps recreates dependencies alone", runs, .up(UpIntent(recreateDependencies: true)),
            "api",
            file: file(),
            wish: """
                api running
                db running recreate 1
                web running
                """),
        IntentCase(
            "--always-recreate-deps without names means nothing", runs, .up(UpIntent(recreateDependencies: true)),
            file: file(),
            wish: """
                api running
                db running
                web running
                unchanged
                """),
        IntentCase(
            "--force-recreate without containers", Scene(), .up(UpIntent(recreate: .force)), "web", file: file(),
            wish: """
                api absent
                db absent
                web running
                """),
        IntentCase(
            "--force-recreate asked for already", runs.changing("web") { $0.recreateRound = 1 },
            .up(UpIntent(recreate: .force)), "web", file: file(),
            wish: """
                api running
                db running
                web running recreate 1
                unchanged
                """),
        IntentCase(
            "-V recreates only what has anonymous volumes",
            stored(.running).having("api").having("db") { $0.hasAnonymousVolumes = true }.having("web"),
            .up(UpIntent(renewAnonymousVolumes: true)), file: file(),
            wish: """
                api running
                db running recreate 1 renew
                web running
                """),
        IntentCase(
            "--force-recreate after -V carries volumes over",
            stored(.running).changing("db") {
                $0.recreateRound = 1
                $0.renewAnonymousVolumes = true
            }.having("api").having("db") { $0.hasAnonymousVolumes = true }.having("web"),
            .up(UpIntent(recreate: .force)), "db", file: file(),
            wish: """
                api running
                db running recreate 2
                web running
                """),
        IntentCase(
            "--scale", runs, .up(UpIntent(scale: ["web": 3])), file: file(),
            wish: """
                api running
                db running
                web running ×3
                """),
        IntentCase(
            "a plain up goes back to the file's count", runs.changing("web") { $0.scale = 3 }, up, file: file(),
            wish: """
                api running
                db running
                web running
                """),
        IntentCase(
            "--scale of an unknown service", runs, .up(UpIntent(scale: ["wev": 3])), file: file(),
            wish: "no such service: wev; did you mean \"web\"?"),
        IntentCase(
            "--scale below 0", runs, .up(UpIntent(scale: ["web": -1])), file: file(),
            wish: "invalid scale -1 for service \"web\": must not be negative"),
        IntentCase(
            "--no-start creates", Scene(), .up(UpIntent(start: false)), file: file(),
            wish: """
                api created
                db created
                web created
                """),
        IntentCase(
            "create", Scene(), .create(UpIntent()), "web", file: file(),
            wish: """
                api absent
                db absent
                web created
                """),
        IntentCase(
            "create leaves what runs running", runs, .create(UpIntent()), file: file(),
            wish: """
                api running
                db running
                web running
                unchanged
                """),
        IntentCase(
            "a service that left the file is an orphan", runs, up, file: file { $0.services.removeLast() },
            wish: """
                api running
                db running
                web running orphan
                """),
        IntentCase(
            "one without containers is forgotten", stored(.running).having("api").having("db"), up,
            file: file { $0.services.removeLast() },
            wish: """
                api running
                db running
                """),
        IntentCase(
            "orphans go when asked", runs, .up(UpIntent(removeOrphans: true)), file: file { $0.services.removeLast() },
            wish: """
                api running
                db running
                web absent orphan
                """),
        IntentCase(
            "containers of a service never stored are orphans", runs.with { $0.desired.services.removeLast() },
            .up(UpIntent(removeOrphans: true)), "api", file: file { $0.services.removeLast() },
            wish: """
                api running
                db running
                web absent orphan
                """),
        IntentCase(
            "an orphan that is back in the file", runs.changing("web") { $0.isOrphan = true }, up, file: file(),
            wish: """
                api running
                db running
                web running
                """),
        IntentCase(
            "a service that profiles leave out is no orphan", runs, up,
            file: file {
                $0.services.removeLast()
                $0.disabledServices = ["web"]
            },
            wish: """
                api running
                db running
                web running
                """),
        IntentCase("a typo", Scene(), up, "wbe", file: file(), wish: "no such service: wbe; did you mean \"web\"?"),
        IntentCase("a name like nothing", Scene(), up, "nosuch", file: file(), wish: "no such service: nosuch"),
        IntentCase(
            "down", runs, .down(removeOrphans: false, volumes: false),
            wish: """
                api absent
                db absent
                web absent
                removal
                """),
        IntentCase(
            "down with all", runs.changing("web") { $0.isOrphan = true }, .down(removeOrphans: true, volumes: true),
            wish: """
                api absent
                db absent
                web absent orphan
                removal orphans volumes
                """),
        IntentCase(
            "down leaves orphans", runs.changing("web") { $0.isOrphan = true },
            .down(removeOrphans: false, volumes: false),
            wish: """
                api absent
                db absent
                web running orphan
                removal
                """),
        IntentCase(
            "down again writes nothing", down, .down(removeOrphans: false, volumes: false),
            wish: """
                api absent
                db absent
                web absent
                removal
                unchanged
                """),
        IntentCase(
            "down of one", runs, .down(removeOrphans: false, volumes: false), "api",
            wish: """
                api absent
                db running
                web running
                """),
        IntentCase(
            "down of the last one is down",
            down.with { $0.desired.removal = nil }.changing("web") { $0.goal = .running },
            .down(removeOrphans: false, volumes: false), "web",
            wish: """
                api absent
                db absent
                web absent
                removal
                """),
        IntentCase(
            "down of an unknown one", runs, .down(removeOrphans: false, volumes: false), "wb",
            wish: "no such service: wb; did you mean \"web\"?"),
        IntentCase(
            "start", stopped, .start,
            wish: """
                api running start 1
                db running start 1
                web running start 1
                """),
        IntentCase(
            "start of one starts its dependencies", stopped, .start, "api",
            wish: """
                api running start 1
                db running start 1
                web stopped
                """),
        IntentCase(
            "start of what runs writes nothing", runs, .start,
            wish: """
                api running
                db running
                web running
                unchanged
                """),
        IntentCase(
            "start without containers", stored(.running), .start, "web",
            wish: "service \"web\" has no container to start; `berth up web` creates and starts it"),
        IntentCase(
            "start of all with one without containers", stored(.running).having("api").having("db"), .start,
            wish: "service \"web\" has no container to start; `berth up web` creates and starts it"),
        IntentCase(
            "start of what the file has and nobody made", Scene(), .start, "web", file: file(),
            wish: "service \"web\" has no container to start; `berth up web` creates and starts it"),
        IntentCase(
            "start of a dependency never made leaves it", stored(.stopped).having("api", .exited), .start, "api",
            wish: """
                api running start 1
                db stopped
                web stopped
                """),
        IntentCase(
            "start of what was created",
            stored(.created).having("api", .created).having("db", .created).having("web", .created), .start, "web",
            wish: """
                api created
                db created
                web running
                """),
        IntentCase(
            "start ends a removal",
            stopped.with { $0.desired.removal = Desired.Removal(orphans: false, volumes: false) }, .start, "web",
            wish: """
                api stopped
                db stopped
                web running start 1
                """),
        IntentCase(
            "stop", runs, .stop,
            wish: """
                api stopped
                db stopped
                web stopped
                """),
        IntentCase(
            "stop of one", runs, .stop, "db",
            wish: """
                api running
                db stopped
                web running
                """),
        IntentCase(
            "stop again writes nothing", stopped, .stop,
            wish: """
                api stopped
                db stopped
                web stopped
                unchanged
                """),
        IntentCase(
            "stop of paused ones", stored(.paused).having("api", .paused), .stop,
            wish: """
                api stopped
                db stopped
                web stopped
                """),
        IntentCase(
            "stop leaves created ones created", stored(.created).having("web", .created), .stop,
            wish: """
                api created
                db created
                web created
                unchanged
                """),
        IntentCase(
            "stop holds off what is not made yet", stored(.running), .stop, "web",
            wish: """
                api running
                db running
                web stopped
                """),
        IntentCase(
            "stop of an orphan by name", runs.changing("web") { $0.isOrphan = true }, .stop, "web",
            wish: """
                api running
                db running
                web stopped orphan
                """),
        IntentCase(
            "stop of all leaves orphans", runs.changing("web") { $0.isOrphan = true }, .stop,
            wish: """
                api stopped
                db stopped
                web running orphan
                """),
        IntentCase(
            "restart", runs, .restart(dependents: true),
            wish: """
                api running restart 1
                db running restart 1
                web running restart 1
                """),
        IntentCase(
            "restart of one takes dependents with restart: true", runs, .restart(dependents: true), "db",
            wish: """
                api running restart 1
                db running restart 1
                web running
                """),
        IntentCase(
            "restart --no-deps", runs, .restart(dependents: false), "db",
            wish: """
                api running
                db running restart 1
                web running
                """),
        IntentCase(
            "restart leaves a dependent that is down", stored(.running).having("api", .exited).having("db"),
            .restart(dependents: true), "db",
            wish: """
                api running
                db running restart 1
                web running
                """),
        IntentCase(
            "restart starts what is stopped", stopped, .restart(dependents: true), "web",
            wish: """
                api stopped
                db stopped
                web running restart 1
                """),
        IntentCase(
            "restart without containers does nothing", stored(.running), .restart(dependents: true),
            wish: """
                api running
                db running
                web running
                unchanged
                """),
        IntentCase(
            "pause", runs, .pause, "web",
            wish: """
                api running
                db running
                web paused
                """),
        IntentCase(
            "pause of what is stopped does nothing", stopped, .pause,
            wish: """
                api stopped
                db stopped
                web stopped
                unchanged
                """),
        IntentCase(
            "pause of what ended does nothing", stored(.running).having("web", .exited), .pause, "web",
            wish: """
                api running
                db running
                web running
                unchanged
                """),
        IntentCase(
            "unpause", stored(.paused).having("web", .paused), .unpause, "web",
            wish: """
                api paused
                db paused
                web running
                """),
        IntentCase(
            "unpause of what runs does nothing", runs, .unpause,
            wish: """
                api running
                db running
                web running
                unchanged
                """),
        IntentCase(
            "unpause of what somebody else paused",
            stored(.running).having("web", .paused) { $0.isPausedByOthers = true }, .unpause, "web",
            wish: """
                api running
                db running
                web running start 1
                """),
        IntentCase(
            "kill means down", runs, .kill(signal: "SIGKILL", removeOrphans: false), "web",
            wish: """
                api running
                db running
                web stopped
                """),
        IntentCase(
            "the stop signal is for the process to decide", runs, .kill(signal: "term", removeOrphans: false), "web",
            wish: """
                api running
                db running
                web running
                unchanged
                """),
        IntentCase(
            "another signal changes nothing", runs, .kill(signal: "HUP", removeOrphans: false),
            wish: """
                api running
                db running
                web running
                unchanged
                """),
        IntentCase(
            "a signal nobody knows", runs, .kill(signal: "BOGUS", removeOrphans: false),
            wish: "Invalid signal: BOGUS; a name such as SIGTERM or HUP, or a number from 1 to 64"),
        IntentCase(
            "rm removes what is down", stopped, .remove(stop: false), "web",
            wish: """
                api stopped
                db stopped
                web absent
                """),
        IntentCase(
            "rm leaves what runs", runs, .remove(stop: false),
            wish: """
                api running
                db running
                web running
                unchanged
                """),
        IntentCase(
            "rm --stop", runs, .remove(stop: true), "web",
            wish: """
                api running
                db running
                web absent
                """),
        IntentCase(
            "rm of a service half down says so", stored(.running).having("web").having("web", .exited, numbers: [2]),
            .remove(stop: false), "web",
            wish: """
                api running
                db running
                web running
                unchanged
                web: 1 of 2 are still running; use --stop
                """),
        IntentCase(
            "scale", runs, .scale(["web": 3], dependencies: true),
            wish: """
                api running
                db running
                web running ×3
                """),
        IntentCase(
            "scale to what it is writes nothing", runs, .scale(["web": 1], dependencies: true),
            wish: """
                api running
                db running
                web running
                unchanged
                """),
        IntentCase(
            "scale to 0", runs, .scale(["web": 0], dependencies: true),
            wish: """
                api running
                db running
                web running ×0
                """),
        IntentCase(
            "scale starts dependencies", stopped, .scale(["api": 2], dependencies: true),
            wish: """
                api running ×2 start 1
                db running start 1
                web stopped
                """),
        IntentCase(
            "scale without dependencies", stopped, .scale(["api": 2], dependencies: false),
            wish: """
                api running ×2 start 1
                db stopped
                web stopped
                """),
        IntentCase(
            "scale of what the file has and nobody made", Scene(), .scale(["api": 2], dependencies: true), file: file(),
            wish: """
                api running ×2
                db running
                web absent
                """),
        IntentCase(
            "scale of an unknown service", runs, .scale(["zz": 2], dependencies: true), wish: "no such service: zz"),
        IntentCase(
            "scale below 0", runs, .scale(["web": -1], dependencies: true),
            wish: "invalid scale -1 for service \"web\": must not be negative"),
    ]

    @Test("up of one keeps the definitions that others use")
    func definitionsStay() throws {
        var scene = Scene().wanting("db", on: ["back"]).wanting("web", on: ["front"]).having("db").having("web")
        var project = Project(name: "demo", services: scene.desired.services.map(\.spec))
        project.networks = scene.desired.networks
        project.networks["back"]?.isInternal = true
        project.networks["front"]?.isInternal = true
        _ = try scene.desired.apply(Self.up, project: project, services: ["web"], observed: scene.observed)
        #expect(scene.desired.networks["back"]?.isInternal == false)
        #expect(scene.desired.networks["front"]?.isInternal == true)
        _ = try scene.desired.apply(Self.up, project: project, services: [], observed: scene.observed)
        #expect(scene.desired.networks["back"]?.isInternal == true)
    }

    @Test("a pull makes nothing anew until up asks")
    func pins() throws {
        var desired = Self.runs.desired
        var observed = Self.runs.observed
        observed.images = ["busybox": "sha256:aaaa"]
        desired.pinImages(of: ["api", "db", "web"], as: observed)
        observed.images = ["busybox": "sha256:bbbb"]
        #expect(plan(desired: desired, observed: observed).isEmpty)
        let change = try desired.apply(Self.up, project: Self.file(), services: ["web"], observed: observed)
        desired.pinImages(of: change.services, as: observed)
        let reasons = Set(plan(desired: desired, observed: observed).actions.map { "\($0.reason)" })
        #expect(reasons == ["image changed sha256:aaaa → sha256:bbbb"])
    }

    @Test("what a verb was about is told")
    func changeTells() throws {
        var desired = Self.runs.desired
        let change = try desired.apply(
            .restart(dependents: true), project: nil, services: ["db"], observed: Self.runs.observed)
        #expect(change.services == ["api", "db"])
        #expect(change.orphans.isEmpty)
        let orphaned = try desired.apply(
            Self.up, project: Self.file { $0.services.removeLast() }, services: [], observed: Self.runs.observed)
        #expect(orphaned.orphans == ["web"])
    }

    @Test(
        "spelling",
        arguments: [
            ("wbe", "web"), ("webb", "web"), ("postgers", "postgres"), ("post", "postgres"), ("x", nil), ("", nil),
            ("redis", nil), ("WEB", "web"),
        ] as [(String, String?)])
    func spelling(word: String, meant: String?) {
        #expect(likelySpelling(of: word, among: ["web", "postgres", "api"]) == meant)
    }
}
