import ProjectModel
import Testing

@testable import Reconcile

/// What is changed of a container that goes on.
@Suite struct PlanAdjustmentTests {
    @Test(arguments: rows) func planReads(_ row: PlanCase) { row.check() }

    @Test("every attribute of a service says how a change of it reaches a container, and nothing else is declared")
    func declared() {
        #expect(Set(TemplateAttribute.all.map(\.name)) == Set(ContainerTemplate.attributeNames))
        #expect(TemplateAttribute.all.count == ContainerTemplate.attributeNames.count)
    }

    static let rows: [PlanCase] = [
        PlanCase(
            "how a container is looked after is changed while it runs",
            PlanChangeTests.edited {
                $0.restart = .always
                $0.stopGracePeriod = .seconds(3)
                $0.labels["tier"] = "front"
                $0.healthcheck = Healthcheck(test: ["CMD", "true"])
            },
            plan: """
                1 update web.1 in place  # labels.tier added, restart changed no → always, healthcheck added, stop_grace_period added (3s)
                """),
        PlanCase(
            "limits are changed while it runs",
            PlanChangeTests.edited {
                $0.resources.memory = 64 << 20
                $0.resources.cpus = 0.5
                $0.resources.pids = 100
            },
            plan: "1 update web.1 in place  # cpus added, mem_limit added, pids_limit added"),
        PlanCase(
            "a limit that cannot be taken off while it runs makes it anew",
            PlanChangeTests.edited({ $0.resources.cpuset = "0" }, { $0.resources.cpuset = nil }),
            plan: """
                1 create web.1 in place of the old one  # cpuset removed
                2 stop web.1 after 1  # cpuset removed
                3 start web.1 after 2  # cpuset removed
                4 remove web.1 after 2,3  # cpuset removed
                """),
        PlanCase(
            "published ports are changed while it runs",
            PlanChangeTests.edited { $0.ports = [PortMapping(target: 80, published: "8080")] },
            plan: "1 update web.1 in place  # ports added"),
        PlanCase(
            "what also needs a new process is all done by making it anew",
            PlanChangeTests.edited {
                $0.restart = .always
                $0.environment["A"] = "1"
            },
            plan: """
                1 create web.1 in place of the old one  # environment.A added, restart changed no → always
                2 stop web.1 after 1  # environment.A added, restart changed no → always
                3 start web.1 after 2  # environment.A added, restart changed no → always
                4 remove web.1 after 2,3  # environment.A added, restart changed no → always
                """),
        PlanCase(
            "recreation requested is recreation",
            PlanChangeTests.edited { $0.restart = .always }.changing("web") { $0.recreateRound = 1 },
            plan: """
                1 create web.1 in place of the old one  # restart changed no → always
                2 stop web.1 after 1  # restart changed no → always
                3 start web.1 after 2  # restart changed no → always
                4 remove web.1 after 2,3  # restart changed no → always
                """),
        PlanCase(
            "each replica is changed; one that is down is started with it",
            Scene().wanting("web", scale: 2).having("web", numbers: [1]).having("web", .exited, numbers: [2]) {
                $0.stoppedByUs = true
            }.changing("web") { $0.spec.restart = .always },
            plan: """
                1 update web.1 in place  # restart changed no → always
                2 update web.2 in place  # restart changed no → always
                3 start web.2 after 2  # was stopped, should run
                """),
        PlanCase(
            "a network is left, another joined, a third gets other names",
            Scene().wanting("web", on: ["a", "b"]).having("web").with {
                $0.desired.networks["c"] = NetworkDefinition(name: "demo_c")
            }.changing("web") {
                $0.spec.networks = [NetworkAttachment(network: "b"), NetworkAttachment(network: "c")]
                $0.spec.networks[0].aliases = ["www"]
            },
            plan: """
                1 create network demo_c  # used by web
                2 detach web.1 from network demo_a in place  # networks.a removed
                3 attach web.1 to network demo_c in place after 1,2  # networks.c added
                4 update web.1 in place after 2,3  # networks.b.aliases changed
                """),
        PlanCase(
            "an address is fixed: the interface is made anew, the container is not",
            Scene().wanting("web", on: ["a"]).having("web").changing("web") {
                $0.spec.networks[0].ipv4Address = "10.0.0.9"
            },
            plan: """
                1 detach web.1 from network demo_a in place  # networks.a.ipv4_address added
                2 attach web.1 to network demo_a in place after 1  # networks.a.ipv4_address added
                """),
        PlanCase(
            "a port that another service gives up is taken when it stops",
            Scene().wanting("api") { $0.ports = [PortMapping(target: 80, published: "8080")] }
                .wanting("web") { $0.ports = [PortMapping(target: 80, published: "8081")] }
                .having("api").having("web").changing("api") { $0.spec.ports[0].published = "8082" }
                .changing("web") { $0.spec.ports[0].published = "8080" },
            plan: """
                1 update api.1 in place  # ports changed
                2 create web.1 in place of the old one  # ports changed
                3 stop web.1 after 2  # ports changed
                4 start web.1 after 1,3  # ports changed
                5 remove web.1 after 3,4  # ports changed
                """),
        PlanCase(
            "a stopped service stays as it is",
            Scene().wanting("web", .stopped).having("web", .exited).changing("web") { $0.spec.restart = .always },
            plan: ""),
    ]
}
