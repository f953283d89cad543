import ProjectModel
import Reconcile
import Testing

/// Divergence: what makes a container anew, what does not, and what the reason says.
@Suite struct PlanChangeTests {
    static func edited(_ from: (inout Service) -> Void = { _ in }, _ to: (inout Service) -> Void) -> Scene {
        Scene().wanting("web", .running, from).having("web").changing("web") { to(&$0.spec) }
    }

    @Test(arguments: rows) func planReads(_ row: PlanCase) { row.check() }

    static let rows: [PlanCase] = [
        PlanCase(
            "a changed service is made anew", edited { $0.environment = ["DEBUG": "1"] },
            plan: """
                1 create web.1 in place of the old one  # environment.DEBUG added
                2 stop web.1 after 1  # environment.DEBUG added
                3 start web.1 after 2  # environment.DEBUG added
                4 remove web.1 after 2,3  # environment.DEBUG added
                """),
        PlanCase(
            "who took over volumes of a container that is made anew is made anew after it",
            Scene().wanting("owner").wanting("guest") { $0.volumesFrom = ["owner:ro"] }.having("owner").having("guest")
                .changing("owner") { $0.spec.user = "app" },
            plan: """
                1 create owner.1 in place of the old one  # user added ("app")
                2 stop owner.1 after 1  # user added ("app")
                3 start owner.1 after 2  # user added ("app")
                4 remove owner.1 after 2,3  # user added ("app")
                5 create guest.1 in place of the old one after 1  # volumes_from owner, which is recreated
                6 stop guest.1 after 3,5  # volumes_from owner, which is recreated
                7 start guest.1 after 3,6  # volumes_from owner, which is recreated
                8 remove guest.1 after 6,7  # volumes_from owner, which is recreated
                """),
        PlanCase(
            "anonymous volumes are carried over",
            Scene().wanting("web").having("web") { $0.hasAnonymousVolumes = true }.changing("web") {
                $0.spec.user = "app"
            },
            plan: """
                1 create web.1 in place of the old one  # user added ("app")
                2 stop web.1 after 1  # user added ("app")
                3 start web.1 after 2  # user added ("app")
                4 remove web.1 after 2,3  # user added ("app")
                """),
        PlanCase(
            "anonymous volumes are made anew when asked",
            Scene().wanting("web").having("web") { $0.hasAnonymousVolumes = true }.changing("web") {
                $0.recreateRound = 1
                $0.renewAnonymousVolumes = true
            },
            plan: """
                1 create web.1 in place of the old one  # recreation requested
                2 stop web.1 after 1  # recreation requested
                3 start web.1 after 2  # recreation requested
                4 remove web.1 and its anonymous volumes after 2,3  # recreation requested
                """),
        PlanCase(
            "anonymous volumes are carried over after the round that renewed them",
            Scene().wanting("web").changing("web") {
                $0.recreateRound = 1
                $0.renewAnonymousVolumes = true
            }.having("web") { $0.hasAnonymousVolumes = true }.changing("web") { $0.spec.user = "app" },
            plan: """
                1 create web.1 in place of the old one  # user added ("app")
                2 stop web.1 after 1  # user added ("app")
                3 start web.1 after 2  # user added ("app")
                4 remove web.1 after 2,3  # user added ("app")
                """),
        PlanCase(
            "a successor that was not made yet takes over",
            Scene().wanting("web").with { $0.observed.predecessors = ["web.1": "old"] },
            plan: """
                1 create web.1 in place of the old one  # no container
                2 start web.1 after 1  # no container
                """),
        PlanCase(
            "an exited container is made anew without a stop",
            Scene().wanting("web").having("web", .exited).changing("web") { $0.spec.user = "app" },
            plan: """
                1 create web.1 in place of the old one  # user added ("app")
                2 start web.1 after 1  # user added ("app")
                3 remove web.1 after 1,2  # user added ("app")
                """),
        PlanCase(
            "a created goal recreates and does not start",
            Scene().wanting("web", .created).having("web", .created).changing("web") { $0.spec.user = "app" },
            plan: """
                1 create web.1 in place of the old one  # user added ("app")
                2 remove web.1 after 1  # user added ("app")
                """),
        PlanCase(
            "a paused goal recreates and starts; pausing comes next",
            Scene().wanting("web", .paused).having("web", .paused).changing("web") { $0.spec.user = "app" },
            plan: """
                1 create web.1 in place of the old one  # user added ("app")
                2 stop web.1 after 1  # user added ("app")
                3 start web.1 after 2  # user added ("app")
                4 remove web.1 after 2,3  # user added ("app")
                """),
        PlanCase(
            "recreation requested", Scene().wanting("web").having("web").changing("web") { $0.recreateRound = 1 },
            plan: """
                1 create web.1 in place of the old one  # recreation requested
                2 stop web.1 after 1  # recreation requested
                3 start web.1 after 2  # recreation requested
                4 remove web.1 after 2,3  # recreation requested
                """),
        PlanCase(
            "a new image behind the same reference",
            Scene().wanting("web").having("web").with { $0.observed.images = ["busybox": "sha256:bbbbbbbbbbbbbbbb"] },
            plan: """
                1 create web.1 in place of the old one  # image changed sha256:aaaa → sha256:bbbbbbbbbbbb…
                2 stop web.1 after 1  # image changed sha256:aaaa → sha256:bbbbbbbbbbbb…
                3 start web.1 after 2  # image changed sha256:aaaa → sha256:bbbbbbbbbbbb…
                4 remove web.1 after 2,3  # image changed sha256:aaaa → sha256:bbbbbbbbbbbb…
                """),
        PlanCase(
            "the same image",
            Scene().wanting("web").having("web").with { $0.observed.images = ["busybox": "sha256:aaaa"] }, plan: ""),
        PlanCase("an image that is not here changes nothing", Scene().wanting("web").having("web"), plan: ""),
        PlanCase(
            "a pinned image stays whatever the reference says",
            Scene().wanting("web").having("web").changing("web") { $0.pinnedImage = "sha256:aaaa" }.with {
                $0.observed.images = ["busybox": "sha256:bbbb"]
            }, plan: ""),
        PlanCase(
            "another reference", edited { $0.image = "nginx" },
            plan: """
                1 create web.1 in place of the old one  # image changed "busybox" → "nginx"
                2 stop web.1 after 1  # image changed "busybox" → "nginx"
                3 start web.1 after 2  # image changed "busybox" → "nginx"
                4 remove web.1 after 2,3  # image changed "busybox" → "nginx"
                """),
        PlanCase(
            "both replicas are made anew",
            Scene().wanting("web", scale: 2).having("web", numbers: [1, 2]).changing("web") { $0.spec.user = "app" },
            plan: """
                1 create web.1 in place of the old one  # user added ("app")
                2 stop web.1 after 1  # user added ("app")
                3 start web.1 after 2  # user added ("app")
                4 remove web.1 after 2,3  # user added ("app")
                5 create web.2 in place of the old one  # user added ("app")
                6 stop web.2 after 5  # user added ("app")
                7 start web.2 after 6  # user added ("app")
                8 remove web.2 after 6,7  # user added ("app")
                """),
        PlanCase(
            "a network's label changes nothing",
            Scene().wanting("web", on: ["back"]).having("web").with {
                $0.desired.networks["back"]?.labels = ["a": "b"]
            }, plan: ""),
        PlanCase(
            "a network becomes internal",
            Scene().wanting("web", on: ["back"]).having("web").with { $0.desired.networks["back"]?.isInternal = true },
            plan: """
                1 stop web.1  # networks.back.internal changed false → true
                2 remove web.1 after 1  # networks.back.internal changed false → true
                3 remove network demo_back after 2  # networks.back.internal changed false → true
                4 create network demo_back after 3  # networks.back.internal changed false → true
                5 create web.1 in place of the old one after 2,4  # networks.back.internal changed false → true
                6 start web.1 after 5  # networks.back.internal changed false → true
                """),
        PlanCase(
            "a network's driver option changes",
            Scene().wanting("web", on: ["back"]).having("web").with {
                $0.desired.networks["back"]?.driverOptions = ["mtu": "1400"]
            },
            plan: """
                1 stop web.1  # networks.back.driver_opts.mtu added
                2 remove web.1 after 1  # networks.back.driver_opts.mtu added
                3 remove network demo_back after 2  # networks.back.driver_opts.mtu added
                4 create network demo_back after 3  # networks.back.driver_opts.mtu added
                5 create web.1 in place of the old one after 2,4  # networks.back.driver_opts.mtu added
                6 start web.1 after 5  # networks.back.driver_opts.mtu added
                """),
        PlanCase(
            "a network's subnet changes",
            Scene().wanting("web", on: ["back"]).with { $0.desired.networks["back"]?.ipam = .subnet("10.1.0.0/24") }
                .having("web").with { $0.desired.networks["back"]?.ipam = .subnet("10.2.0.0/24") },
            plan: """
                1 stop web.1  # networks.back.ipam changed 10.1.0.0/24 → 10.2.0.0/24
                2 remove web.1 after 1  # networks.back.ipam changed 10.1.0.0/24 → 10.2.0.0/24
                3 remove network demo_back after 2  # networks.back.ipam changed 10.1.0.0/24 → 10.2.0.0/24
                4 create network demo_back after 3  # networks.back.ipam changed 10.1.0.0/24 → 10.2.0.0/24
                5 create web.1 in place of the old one after 2,4  # networks.back.ipam changed 10.1.0.0/24 → 10.2.0.0/24
                6 start web.1 after 5  # networks.back.ipam changed 10.1.0.0/24 → 10.2.0.0/24
                """),
        PlanCase(
            "a network that others use too stays as it is",
            Scene().wanting("web", on: ["back"]).having("web").with {
                $0.desired.networks["back"]?.isInternal = true
                $0.observed.networks["demo_back"]?.users.append("foreign")
            }, plan: ""),
        PlanCase(
            "a network with a one-off on it stays as it is",
            Scene().wanting("web", on: ["back"]).having("web").havingOneOff("run", of: "web").with {
                $0.desired.networks["back"]?.isInternal = true
                $0.observed.networks["demo_back"]?.users.append("run")
            }, plan: ""),
        PlanCase(
            "a network of a stopped service stays as it is",
            Scene().wanting("db", .stopped, on: ["back"]).wanting("web", on: ["back"]).having("db", .exited).having(
                "web"
            ).with { $0.desired.networks["back"]?.isInternal = true }, plan: ""),
        PlanCase(
            "another project's network is never changed",
            Scene().wanting("web", on: ["back"]).having("web").with {
                $0.desired.networks["back"]?.isInternal = true
                $0.observed.networks["demo_back"]?.project = "other"
            }, plan: ""),
        PlanCase(
            "a network gets another name",
            Scene().wanting("web", on: ["back"]).having("web").with { $0.desired.networks["back"]?.name = "other" },
            plan: """
                1 create network other  # used by web
                2 detach web.1 from network demo_back in place  # networks.back.name changed demo_back → other
                3 attach web.1 to network other in place after 1,2  # networks.back.name changed demo_back → other
                """),
        PlanCase(
            "a service joins another network",
            Scene().wanting("web", on: ["back"]).having("web").with {
                $0.desired.networks["front"] = NetworkDefinition(name: "demo_front")
            }.changing("web") { $0.spec.networks.append(NetworkAttachment(network: "front")) },
            plan: """
                1 create network demo_front  # used by web
                2 attach web.1 to network demo_front in place after 1  # networks.front added
                """),
        PlanCase(
            "networks are made before what uses them",
            Scene().wanting("db", on: ["back"]).wanting("web", on: ["back", "front"]),
            plan: """
                1 create network demo_back  # used by db, web
                2 create network demo_front  # used by web
                3 create db.1 after 1  # no container
                4 start db.1 after 3  # no container
                5 create web.1 after 1,2  # no container
                6 start web.1 after 5  # no container
                """),
        PlanCase(
            "unused networks and volumes are not made",
            Scene().wanting("web").with {
                $0.desired.networks["x"] = NetworkDefinition(name: "demo_x")
                $0.desired.volumes["x"] = VolumeDefinition(name: "demo_x")
            },
            plan: """
                1 create web.1  # no container
                2 start web.1 after 1  # no container
                """),
        PlanCase("networks of absent services are not made", Scene().wanting("web", .absent, on: ["back"]), plan: ""),
        PlanCase(
            "external networks are never made",
            Scene().wanting("web", on: ["back"]).with { $0.desired.networks["back"]?.external = true },
            plan: """
                1 create web.1  # no container
                2 start web.1 after 1  # no container
                """),
        PlanCase(
            "a damaged network is repaired under its containers",
            Scene().wanting("web", on: ["back"]).having("web").with {
                $0.observed.networks["demo_back"]?.damage = "bridge br-1 is gone"
            }, plan: "1 repair network demo_back  # bridge br-1 is gone"),
        PlanCase(
            "starts wait for the repair",
            Scene().wanting("web", on: ["back"]).having("web", .created).with {
                $0.observed.networks["demo_back"]?.damage = "bridge br-1 is gone"
            },
            plan: """
                1 repair network demo_back  # bridge br-1 is gone
                2 start web.1 after 1  # created, not started
                """),
        PlanCase(
            "another project repairs its own network",
            Scene().wanting("web", on: ["back"]).having("web").with {
                $0.desired.networks["back"]?.external = true
                $0.observed.networks["demo_back"]?.project = "other"
                $0.observed.networks["demo_back"]?.damage = "gone"
            }, plan: ""),
        PlanCase(
            "a network that is gone altogether comes back with its containers",
            Scene().wanting("web", on: ["back"]).having("web").with { $0.observed.networks = [:] },
            plan: """
                1 create network demo_back  # used by web
                2 create web.1 in place of the old one after 1  # network demo_back is gone
                3 stop web.1 after 2  # network demo_back is gone
                4 start web.1 after 3  # network demo_back is gone
                5 remove web.1 after 3,4  # network demo_back is gone
                """),
        PlanCase(
            "volumes are made before what uses them", Scene().wanting("db", mounting: "data"),
            plan: """
                1 create volume demo_data  # used by db
                2 create db.1 after 1  # no container
                3 start db.1 after 2  # no container
                """),
        PlanCase(
            "a volume that is there is used",
            Scene().wanting("db", mounting: "data").having("db", .created).with { $0.observed.containers = [] },
            plan: """
                1 create db.1  # no container
                2 start db.1 after 1  # no container
                """),
        PlanCase(
            "external volumes are never made",
            Scene().wanting("db", mounting: "data").with { $0.desired.volumes["data"]?.external = true },
            plan: """
                1 create db.1  # no container
                2 start db.1 after 1  # no container
                """),
        PlanCase(
            "a volume's label changes nothing",
            Scene().wanting("db", mounting: "data").having("db").with {
                $0.desired.volumes["data"]?.labels = ["a": "b"]
            }, plan: ""),
        PlanCase(
            "a volume's driver option changes: only with consent",
            Scene().wanting("db", mounting: "data").having("db").with {
                $0.desired.volumes["data"]?.driverOptions = ["type": "tmpfs"]
            },
            plan: """
                1 stop db.1  # volumes.data.driver_opts.type added
                2 remove db.1 after 1  # volumes.data.driver_opts.type added
                3 remove volume demo_data after 2  # volumes.data.driver_opts.type added (needs consent)
                4 create volume demo_data after 3  # volumes.data.driver_opts.type added
                5 create db.1 in place of the old one after 2,4  # volumes.data.driver_opts.type added
                6 start db.1 after 5  # volumes.data.driver_opts.type added
                """),
        PlanCase(
            "without consent a volume and its users stay",
            Scene().wanting("db", mounting: "data").having("db").with {
                $0.desired.volumes["data"]?.driverOptions = ["type": "tmpfs"]
            }, keeping: ["demo_data"], plan: ""),
        PlanCase(
            "a volume that others use too stays as it is",
            Scene().wanting("db", mounting: "data").having("db").with {
                $0.desired.volumes["data"]?.driver = "nfs"
                $0.observed.volumes["demo_data"]?.users.append("foreign")
            }, plan: ""),
        PlanCase(
            "another project's volume is never changed",
            Scene().wanting("db", mounting: "data").having("db").with {
                $0.desired.volumes["data"]?.driver = "nfs"
                $0.observed.volumes["demo_data"]?.project = nil
            }, plan: ""),
        PlanCase(
            "a secret's source changes",
            Scene().with { $0.desired.secrets["pw"] = FileObject(name: "demo_pw", source: .content("one")) }.wanting(
                "web"
            ) { $0.secrets = [FileMount(source: "pw", target: "/run/secrets/pw")] }.having("web").with {
                $0.desired.secrets["pw"]?.source = .content("two")
            },
            plan: """
                1 create web.1 in place of the old one  # secrets.pw changed
                2 stop web.1 after 1  # secrets.pw changed
                3 start web.1 after 2  # secrets.pw changed
                4 remove web.1 after 2,3  # secrets.pw changed
                """),
        PlanCase(
            "a config's label changes nothing",
            Scene().with { $0.desired.configs["c"] = FileObject(name: "demo_c", source: .file("/c")) }.wanting("web") {
                $0.configs = [FileMount(source: "c", target: "/c")]
            }.having("web").with { $0.desired.configs["c"]?.labels = ["a": "b"] }, plan: ""),
        PlanCase(
            "what was not recorded is taken as unchanged",
            Scene().wanting("web", on: ["back"]).having("web") { $0.networks = [:] }, plan: ""),
    ]
}

extension IPAMDefinition {
    static func subnet(_ text: String) -> IPAMDefinition {
        var ipam = IPAMDefinition()
        ipam.config = [Pool(subnet: text)]
        return ipam
    }
}
