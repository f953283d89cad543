import ProjectModel
import Reconcile
import Testing

/// Dependencies, waits, shared namespaces, restarts that spread.
@Suite struct PlanOrderTests {
    static func pair(
        _ condition: Dependency.Condition = .started, restart: Bool = false, required: Bool = true,
        scale: Int = 1, api: DesiredService.Goal = .running, db: DesiredService.Goal = .running
    ) -> Scene {
        Scene().wanting("api", api) {
            $0.dependsOn = [Dependency(service: "db", condition: condition, restart: restart, required: required)]
        }.wanting("db", db, scale: scale)
    }
    static let newDB: @Sendable (inout DesiredService) -> Void = { $0.spec.user = "postgres" }
    static func sharers(_ edit: (inout Service) -> Void = { $0.networkMode = .service("web") }) -> Scene {
        Scene().wanting("side", .running, edit).wanting("web")
    }

    @Test(arguments: rows) func planReads(_ row: PlanCase) { row.check() }

    static let rows: [PlanCase] = [
        PlanCase(
            "starting waits for dependencies, creating does not", pair(),
            plan: """
                1 create db.1  # no container
                2 start db.1 after 1  # no container
                3 create api.1  # no container
                4 start api.1 after 2,3  # no container
                """),
        PlanCase(
            "a healthy dependency is waited for", pair(.healthy),
            plan: """
                1 create db.1  # no container
                2 start db.1 after 1  # no container
                3 wait until db is healthy after 2  # api depends on it
                4 create api.1  # no container
                5 start api.1 after 3,4  # no container
                """),
        PlanCase(
            "who names another service makes only that", pair(.healthy).wanting("web"),
            scope: PlanScope(extents: ["web": .whole]),
            plan: """
                1 create web.1  # no container
                2 start web.1 after 1  # no container
                """),
        PlanCase(
            "who leaves a dependency out does not wait for it", pair(.healthy),
            scope: PlanScope(extents: ["api": .whole]),
            plan: """
                1 create api.1  # no container
                2 start api.1 after 1  # no container
                """),
        PlanCase(
            "who names the dependent waits", pair(.healthy).wanting("web"),
            scope: PlanScope(extents: ["api": .whole, "db": .whole]),
            plan: """
                1 create db.1  # no container
                2 start db.1 after 1  # no container
                3 wait until db is healthy after 2  # api depends on it
                4 create api.1  # no container
                5 start api.1 after 3,4  # no container
                """),
        PlanCase(
            "a dependency that completes is waited for", pair(.completed),
            plan: """
                1 create db.1  # no container
                2 start db.1 after 1  # no container
                3 wait until db has completed after 2  # api depends on it
                4 create api.1  # no container
                5 start api.1 after 3,4  # no container
                """),
        PlanCase(
            "an optional dependency is a wait that may fail", pair(required: false),
            plan: """
                1 create db.1  # no container
                2 start db.1 after 1  # no container
                3 wait until db is started (optional) after 2  # api depends on it
                4 create api.1  # no container
                5 start api.1 after 3,4  # no container
                """),
        PlanCase(
            "every replica of a dependency counts", pair(.healthy, scale: 2),
            plan: """
                1 create db.1  # no container
                2 start db.1 after 1  # no container
                3 create db.2  # no container
                4 start db.2 after 3  # no container
                5 wait until db is healthy after 2,4  # api depends on it
                6 create api.1  # no container
                7 start api.1 after 5,6  # no container
                """),
        PlanCase(
            "a started dependency holds nothing up", pair().having("db"),
            plan: """
                1 create api.1  # no container
                2 start api.1 after 1  # no container
                """),
        PlanCase(
            "a healthy dependency holds nothing up", pair(.healthy).having("db") { $0.health = .healthy },
            plan: """
                1 create api.1  # no container
                2 start api.1 after 1  # no container
                """),
        PlanCase(
            "a dependency that is not healthy yet is waited for", pair(.healthy).having("db") { $0.health = .starting },
            plan: """
                1 wait until db is healthy  # api depends on it
                2 create api.1  # no container
                3 start api.1 after 1,2  # no container
                """),
        PlanCase(
            "a completed dependency holds nothing up", pair(.completed).having("db", .exited) { $0.exitCode = 0 },
            plan: """
                1 create api.1  # no container
                2 start api.1 after 1  # no container
                """),
        PlanCase(
            "a failed dependency is waited for, which fails",
            pair(.completed).having("db", .exited) { $0.exitCode = 3 },
            plan: """
                1 wait until db has completed  # api depends on it
                2 create api.1  # no container
                3 start api.1 after 1,2  # no container
                """),
        PlanCase(
            "a dependency that nobody wants holds nothing up", pair(.healthy, db: .absent),
            plan: """
                1 create api.1  # no container
                2 start api.1 after 1  # no container
                """),
        PlanCase(
            "a stopped dependency holds nothing up", pair(.healthy, db: .stopped).having("db", .exited),
            plan: """
                1 create api.1  # no container
                2 start api.1 after 1  # no container
                """),
        PlanCase(
            "a dependency that left the file holds nothing up",
            pair(.healthy).with { $0.desired.services.removeLast() },
            plan: """
                1 create api.1  # no container
                2 start api.1 after 1  # no container
                """),
        PlanCase(
            "two dependents share a wait",
            Scene().wanting("a") { $0.dependsOn = [Dependency(service: "db", condition: .healthy)] }.wanting("b") {
                $0.dependsOn = [Dependency(service: "db", condition: .healthy)]
            }.wanting("db"),
            plan: """
                1 create db.1  # no container
                2 start db.1 after 1  # no container
                3 wait until db is healthy after 2  # a depends on it
                4 create a.1  # no container
                5 start a.1 after 3,4  # no container
                6 create b.1  # no container
                7 start b.1 after 3,6  # no container
                """),
        PlanCase(
            "order is by dependency, then name",
            Scene().wanting("a") { $0.dependsOn = [Dependency(service: "z")] }.wanting("m").wanting("z"),
            plan: """
                1 create m.1  # no container
                2 start m.1 after 1  # no container
                3 create z.1  # no container
                4 start z.1 after 3  # no container
                5 create a.1  # no container
                6 start a.1 after 4,5  # no container
                """),
        PlanCase(
            "a cycle still gives a plan",
            Scene().wanting("a") { $0.dependsOn = [Dependency(service: "b")] }.wanting("b") {
                $0.dependsOn = [Dependency(service: "a")]
            },
            plan: """
                1 create b.1  # no container
                2 start b.1 after 1  # no container
                3 create a.1  # no container
                4 start a.1 after 2,3  # no container
                """),
        PlanCase(
            "links are dependencies", Scene().wanting("a") { $0.links = [Link(target: "b", alias: "b")] }.wanting("b"),
            plan: """
                1 create b.1  # no container
                2 start b.1 after 1  # no container
                3 create a.1  # no container
                4 start a.1 after 2,3  # no container
                """),
        PlanCase(
            "stop: dependents first", pair(api: .stopped, db: .stopped).having("api").having("db"),
            plan: """
                1 stop api.1  # should be stopped
                2 stop db.1 after 1  # should be stopped
                """),
        PlanCase(
            "absent: dependents first", pair(api: .absent, db: .absent).having("api").having("db"),
            plan: """
                1 stop api.1  # no longer wanted
                2 remove api.1 after 1  # no longer wanted
                3 stop db.1 after 1  # no longer wanted
                4 remove db.1 after 3  # no longer wanted
                """),
        PlanCase(
            "stop of a dependency alone", pair(db: .stopped).having("api").having("db"),
            plan: "1 stop db.1  # should be stopped"),
        PlanCase(
            "a recreated dependency leaves dependents alone", pair().having("api").having("db").changing("db", newDB),
            plan: """
                1 create db.1 in place of the old one  # user added ("postgres")
                2 stop db.1 after 1  # user added ("postgres")
                3 start db.1 after 2  # user added ("postgres")
                4 remove db.1 after 2,3  # user added ("postgres")
                """),
        PlanCase(
            "dependents with restart: true restart around a recreated dependency",
            pair(.healthy, restart: true).having("api").having("db").changing("db", newDB),
            plan: """
                1 create db.1 in place of the old one  # user added ("postgres")
                2 stop api.1 after 1  # depends on db, which is recreated
                3 stop db.1 after 1,2  # user added ("postgres")
                4 start db.1 after 3  # user added ("postgres")
                5 remove db.1 after 3,4  # user added ("postgres")
                6 wait until db is healthy after 4  # api depends on it
                7 start api.1 after 2,6  # depends on db, which is recreated
                """),
        PlanCase(
            "a dependent that ended is not restarted",
            pair(restart: true).having("api", .exited).having("db").changing("db", newDB),
            plan: """
                1 create db.1 in place of the old one  # user added ("postgres")
                2 stop db.1 after 1  # user added ("postgres")
                3 start db.1 after 2  # user added ("postgres")
                4 remove db.1 after 2,3  # user added ("postgres")
                """),
        PlanCase(
            "a restart of a dependent broken off after the stop is ended",
            pair(restart: true).having("api", .exited) { $0.stoppedByUs = true }.having("db"),
            plan: "1 start api.1  # was stopped, should run"),
        PlanCase(
            "a restart spreads to dependents of dependents",
            pair(restart: true).wanting("web") { $0.dependsOn = [Dependency(service: "api", restart: true)] }.having(
                "web"
            ).having("api").having("db").changing("db", newDB),
            plan: """
                1 create db.1 in place of the old one  # user added ("postgres")
                2 stop web.1 after 1  # depends on api, which is restarted
                3 stop api.1 after 1,2  # depends on db, which is recreated
                4 stop db.1 after 1,3  # user added ("postgres")
                5 start db.1 after 4  # user added ("postgres")
                6 remove db.1 after 4,5  # user added ("postgres")
                7 start api.1 after 3,5  # depends on db, which is recreated
                8 start web.1 after 2,7  # depends on api, which is restarted
                """),
        PlanCase(
            "a restart requested is for whom it was asked",
            pair(restart: true).having("api").having("db").changing("db") { $0.restartRound = 1 },
            plan: """
                1 stop db.1  # restart requested
                2 start db.1 after 1  # restart requested
                """),
        PlanCase(
            "both asked to restart: the dependent stops first",
            pair(restart: true).having("api").having("db").changing("db") { $0.restartRound = 1 }.changing("api") {
                $0.restartRound = 1
            },
            plan: """
                1 stop api.1  # restart requested
                2 stop db.1 after 1  # restart requested
                3 start db.1 after 2  # restart requested
                4 start api.1 after 1,3  # restart requested
                """),
        PlanCase(
            "a restart does not wait for health that it did not disturb",
            pair(.healthy).having("api").having("db") { $0.health = .unhealthy }.changing("api") {
                $0.restartRound = 1
            },
            plan: """
                1 stop api.1  # restart requested
                2 start api.1 after 1  # restart requested
                """),
        PlanCase(
            "both recreated: stops side by side",
            pair().having("api").having("db").changing("db", newDB).changing("api", newDB),
            plan: """
                1 create db.1 in place of the old one  # user added ("postgres")
                2 stop db.1 after 1  # user added ("postgres")
                3 start db.1 after 2  # user added ("postgres")
                4 remove db.1 after 2,3  # user added ("postgres")
                5 create api.1 in place of the old one  # user added ("postgres")
                6 stop api.1 after 3,5  # user added ("postgres")
                7 start api.1 after 3,6  # user added ("postgres")
                8 remove api.1 after 6,7  # user added ("postgres")
                """),
        PlanCase(
            "a sharer is created after the owner of its namespace", sharers(),
            plan: """
                1 create web.1  # no container
                2 start web.1 after 1  # no container
                3 create side.1 after 1  # no container
                4 start side.1 after 2,3  # no container
                """),
        PlanCase(
            "a sharer goes with its owner",
            sharers().having("side") { $0.joined = ["web-1"] }.having("web").changing("web", newDB),
            plan: """
                1 create web.1 in place of the old one  # user added ("postgres")
                2 create side.1 in place of the old one after 1  # network_mode service:web has a new container
                3 stop side.1 after 1,2  # network_mode service:web has a new container
                4 stop web.1 after 1,3  # user added ("postgres")
                5 start web.1 after 4  # user added ("postgres")
                6 start side.1 after 3,5  # network_mode service:web has a new container
                7 remove side.1 after 3,6  # network_mode service:web has a new container
                8 remove web.1 after 4,5,7  # user added ("postgres")
                """),
        PlanCase(
            "a sharer whose join is not recorded goes with its owner",
            sharers().having("side").having("web").changing("web", newDB),
            plan: """
                1 create web.1 in place of the old one  # user added ("postgres")
                2 create side.1 in place of the old one after 1  # network_mode service:web has a new container
                3 stop side.1 after 1,2  # network_mode service:web has a new container
                4 stop web.1 after 1,3  # user added ("postgres")
                5 start web.1 after 4  # user added ("postgres")
                6 remove web.1 after 4,5  # user added ("postgres")
                7 start side.1 after 3,5  # network_mode service:web has a new container
                8 remove side.1 after 3,7  # network_mode service:web has a new container
                """),
        PlanCase(
            "a sharer of a container that is gone is made anew",
            sharers().having("side") { $0.joined = ["older"] }.having("web"),
            plan: """
                1 create side.1 in place of the old one  # network_mode service:web has a new container
                2 stop side.1 after 1  # network_mode service:web has a new container
                3 start side.1 after 2  # network_mode service:web has a new container
                4 remove side.1 after 2,3  # network_mode service:web has a new container
                """),
        PlanCase(
            "a sharer stays with an owner that stays", sharers().having("side") { $0.joined = ["web-1"] }.having("web"),
            plan: ""),
        PlanCase(
            "a restart of the owner of a network leaves sharers alone",
            sharers().having("side") { $0.joined = ["web-1"] }.having("web").changing("web") { $0.restartRound = 1 },
            plan: """
                1 stop web.1  # restart requested
                2 start web.1 after 1  # restart requested
                """),
        PlanCase(
            "a restart of the owner of a pid namespace restarts sharers",
            sharers { $0.pid = "service:web" }.having("side") { $0.joined = ["web-1"] }.having("web").changing("web") {
                $0.restartRound = 1
            },
            plan: """
                1 stop side.1  # depends on web, which is restarted
                2 stop web.1 after 1  # restart requested
                3 start web.1 after 2  # restart requested
                4 start side.1 after 1,3  # depends on web, which is restarted
                """),
        PlanCase(
            "a sharer of ipc goes with its owner",
            sharers { $0.ipc = "service:web" }.having("side") { $0.joined = ["web-1"] }.having("web").changing(
                "web", newDB),
            plan: """
                1 create web.1 in place of the old one  # user added ("postgres")
                2 create side.1 in place of the old one after 1  # ipc service:web has a new container
                3 stop side.1 after 1,2  # ipc service:web has a new container
                4 stop web.1 after 1,3  # user added ("postgres")
                5 start web.1 after 4  # user added ("postgres")
                6 start side.1 after 3,5  # ipc service:web has a new container
                7 remove side.1 after 3,6  # ipc service:web has a new container
                8 remove web.1 after 4,5,7  # user added ("postgres")
                """),
        PlanCase(
            "volumes_from waits for the owner's creation and goes its own way",
            sharers { $0.volumesFrom = ["web:ro"] }.having("web").changing("web", newDB),
            plan: """
                1 create web.1 in place of the old one  # user added ("postgres")
                2 stop web.1 after 1  # user added ("postgres")
                3 start web.1 after 2  # user added ("postgres")
                4 remove web.1 after 2,3  # user added ("postgres")
                5 create side.1 after 1  # no container
                6 start side.1 after 3,5  # no container
                """),
        PlanCase(
            "two services swap a port in one plan",
            Scene().wanting("a") { $0.ports = [PortMapping(target: 80, published: "81")] }.wanting("b") {
                $0.ports = [PortMapping(target: 80, published: "80")]
            }.having("a") { $0.template.ports = [PortMapping(target: 80, published: "80")] }.having("b") {
                $0.template.ports = [PortMapping(target: 80, published: "81")]
            },
            plan: """
                1 create a.1 in place of the old one  # ports changed
                2 stop a.1 after 1  # ports changed
                3 create b.1 in place of the old one  # ports changed
                4 stop b.1 after 3  # ports changed
                5 start a.1 after 2,4  # ports changed
                6 remove a.1 after 2,5  # ports changed
                7 start b.1 after 2,4  # ports changed
                8 remove b.1 after 4,7  # ports changed
                """),
        PlanCase(
            "a port out of a range that another service gives up is waited for",
            Scene().wanting("a") { $0.ports = [PortMapping(target: 80, published: "81")] }.wanting("b") {
                $0.ports = [PortMapping(target: 80, published: "90-92")]
            }.having("b") { $0.template.ports = [PortMapping(target: 80, published: "80-82")] },
            plan: """
                1 create a.1  # no container
                2 update b.1 in place  # ports changed
                3 start a.1 after 1,2  # no container
                """),
        PlanCase(
            "who shares a range waits for nobody but the one in whose place it comes",
            Scene().wanting("a") { $0.ports = [PortMapping(target: 80, published: "80-81")] }.wanting("b") {
                $0.ports = [PortMapping(target: 80, published: "80-81")]
                $0.user = "app"
            }.having("b") { $0.template.user = nil },
            plan: """
                1 create a.1  # no container
                2 start a.1 after 1  # no container
                3 create b.1 in place of the old one  # user added ("app")
                4 stop b.1 after 3  # user added ("app")
                5 start b.1 after 4  # user added ("app")
                6 remove b.1 after 4,5  # user added ("app")
                """),
        PlanCase(
            "a container name moves from one service to another",
            Scene().wanting("a", .absent) { $0.containerName = "it" }.wanting("b") { $0.containerName = "it" }.having(
                "a"),
            plan: """
                1 stop a.1  # no longer wanted
                2 remove a.1 after 1  # no longer wanted
                3 create b.1 after 2  # no container
                4 start b.1 after 3  # no container
                """),
    ]
}
