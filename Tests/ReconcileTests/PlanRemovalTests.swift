import ProjectModel
import Reconcile
import Testing

/// `down`: all that the project made, and nothing else.
@Suite struct PlanRemovalTests {
    static func down(_ scene: Scene, orphans: Bool = false, volumes: Bool = false) -> Scene {
        scene.with {
            $0.desired.removal = Desired.Removal(orphans: orphans, volumes: volumes)
            for index in $0.desired.services.indices { $0.desired.services[index].goal = .absent }
        }
    }
    static let stack = Scene().wanting("db", mounting: "data").wanting("web", on: ["back"]) {
        $0.dependsOn = [Dependency(service: "db")]
    }.having("db").having("web")

    @Test(arguments: rows) func planReads(_ row: PlanCase) { row.check() }

    static let rows: [PlanCase] = [
        PlanCase(
            "dependents first, then networks; volumes stay", down(stack),
            plan: """
                1 stop web.1  # the project is removed
                2 remove web.1 after 1  # the project is removed
                3 stop db.1 after 1  # the project is removed
                4 remove db.1 after 3  # the project is removed
                5 remove network demo_back after 2  # the project is removed
                """),
        PlanCase(
            "volumes go when asked", down(stack, volumes: true),
            plan: """
                1 stop web.1  # the project is removed
                2 remove web.1 after 1  # the project is removed
                3 stop db.1 after 1  # the project is removed
                4 remove db.1 after 3  # the project is removed
                5 remove network demo_back after 2  # the project is removed
                6 remove volume demo_data after 4  # volumes are removed too
                """),
        PlanCase("nothing there, nothing to do", down(Scene().wanting("web")), plan: ""),
        PlanCase(
            "another project's volume never goes",
            down(stack, volumes: true).with { $0.observed.volumes["demo_data"]?.project = "other" },
            plan: """
                1 stop web.1  # the project is removed
                2 remove web.1 after 1  # the project is removed
                3 stop db.1 after 1  # the project is removed
                4 remove db.1 after 3  # the project is removed
                5 remove network demo_back after 2  # the project is removed
                """),
        PlanCase(
            "a volume made by hand never goes",
            down(stack, volumes: true).with { $0.observed.volumes["demo_data"]?.project = nil },
            plan: """
                1 stop web.1  # the project is removed
                2 remove web.1 after 1  # the project is removed
                3 stop db.1 after 1  # the project is removed
                4 remove db.1 after 3  # the project is removed
                5 remove network demo_back after 2  # the project is removed
                """),
        PlanCase(
            "an external volume never goes",
            down(stack, volumes: true).with { $0.desired.volumes["data"]?.external = true },
            plan: """
                1 stop web.1  # the project is removed
                2 remove web.1 after 1  # the project is removed
                3 stop db.1 after 1  # the project is removed
                4 remove db.1 after 3  # the project is removed
                5 remove network demo_back after 2  # the project is removed
                """),
        PlanCase(
            "a volume that others use stays",
            down(stack, volumes: true).with { $0.observed.volumes["demo_data"]?.users.append("foreign") },
            plan: """
                1 stop web.1  # the project is removed
                2 remove web.1 after 1  # the project is removed
                3 stop db.1 after 1  # the project is removed
                4 remove db.1 after 3  # the project is removed
                5 remove network demo_back after 2  # the project is removed
                """),
        PlanCase(
            "a network that others use stays",
            down(stack).with { $0.observed.networks["demo_back"]?.users.append("foreign") },
            plan: """
                1 stop web.1  # the project is removed
                2 remove web.1 after 1  # the project is removed
                3 stop db.1 after 1  # the project is removed
                4 remove db.1 after 3  # the project is removed
                """),
        PlanCase(
            "an external network stays", down(stack).with { $0.desired.networks["back"]?.external = true },
            plan: """
                1 stop web.1  # the project is removed
                2 remove web.1 after 1  # the project is removed
                3 stop db.1 after 1  # the project is removed
                4 remove db.1 after 3  # the project is removed
                """),
        PlanCase(
            "another project's network stays",
            down(stack).with { $0.observed.networks["demo_back"]?.project = "other" },
            plan: """
                1 stop web.1  # the project is removed
                2 remove web.1 after 1  # the project is removed
                3 stop db.1 after 1  # the project is removed
                4 remove db.1 after 3  # the project is removed
                """),
        PlanCase(
            "one-offs go too",
            down(Scene().wanting("web").having("web").havingOneOff("demo-web-run-1", of: "web", .running)),
            plan: """
                1 stop demo-web-run-1  # the project is removed
                2 remove demo-web-run-1 after 1  # the project is removed
                3 stop web.1  # the project is removed
                4 remove web.1 after 3  # the project is removed
                """),
        PlanCase(
            "one-offs of services that left the file go too", down(Scene().havingOneOff("demo-old-run-1", of: "old")),
            plan: "1 remove demo-old-run-1  # the project is removed"),
        PlanCase(
            "orphans stay", down(Scene().wanting("old").having("old")).changing("old") { $0.isOrphan = true }, plan: ""),
        PlanCase(
            "orphans go when asked",
            down(Scene().wanting("old").having("old"), orphans: true).changing("old") { $0.isOrphan = true },
            plan: """
                1 stop old.1  # the project is removed
                2 remove old.1 after 1  # the project is removed
                """),
        PlanCase(
            "containers of services nobody knows go when asked",
            down(Scene().wanting("old").having("old").with { $0.desired.services = [] }, orphans: true),
            plan: """
                1 stop old.1  # the project is removed
                2 remove old.1 after 1  # the project is removed
                """),
        PlanCase(
            "an orphan keeps its network",
            down(Scene().wanting("old", on: ["back"]).having("old")).changing("old") { $0.isOrphan = true }, plan: ""),
        PlanCase(
            "anonymous volumes go with their containers",
            down(Scene().wanting("web").having("web", .exited) { $0.hasAnonymousVolumes = true }),
            plan: """
                1 remove web.1 and its anonymous volumes  # the project is removed
                """),
        PlanCase(
            "an anonymous volume that lost its container goes",
            down(Scene()).with { $0.observed.volumes["abc"] = .anonymous("abc") },
            plan: "1 remove volume abc  # its container is gone"),
        PlanCase(
            "sharers are removed before the owner",
            down(
                Scene().wanting("side") { $0.networkMode = .service("web") }.wanting("web").having("side").having("web")
            ),
            plan: """
                1 stop side.1  # the project is removed
                2 remove side.1 after 1  # the project is removed
                3 stop web.1 after 1  # the project is removed
                4 remove web.1 after 3  # the project is removed
                """),
        PlanCase(
            "what left the file goes as well", down(stack).with { $0.desired.networks = [:] },
            plan: """
                1 stop web.1  # the project is removed
                2 remove web.1 after 1  # the project is removed
                3 stop db.1 after 1  # the project is removed
                4 remove db.1 after 3  # the project is removed
                5 remove network demo_back after 2  # the project is removed
                """),
        PlanCase(
            "a broken network is removed, not repaired",
            down(stack).with { $0.observed.networks["demo_back"]?.damage = "gone" },
            plan: """
                1 stop web.1  # the project is removed
                2 remove web.1 after 1  # the project is removed
                3 stop db.1 after 1  # the project is removed
                4 remove db.1 after 3  # the project is removed
                5 remove network demo_back after 2  # the project is removed
                """),
        PlanCase(
            "an exited container is only removed", down(Scene().wanting("web").having("web", .exited)),
            plan: "1 remove web.1  # the project is removed"),
        PlanCase(
            "every replica goes", down(Scene().wanting("web", scale: 2).having("web", numbers: [1, 2])),
            plan: """
                1 stop web.1  # the project is removed
                2 remove web.1 after 1  # the project is removed
                3 stop web.2  # the project is removed
                4 remove web.2 after 3  # the project is removed
                """),
    ]
}

extension ObservedVolume {
    static func anonymous(_ name: String) -> ObservedVolume {
        var volume = ObservedVolume(
            name: name, project: "demo", key: nil, definition: VolumeDefinition(name: name))
        volume.isAnonymous = true
        return volume
    }
}
