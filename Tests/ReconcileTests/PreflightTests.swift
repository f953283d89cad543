import ProjectModel
import Reconcile
import Testing

/// A row of the preflight table: a scene, what the machine looks like, the findings as text.
struct PreflightCase: CustomTestStringConvertible, Sendable {
    let claim: String
    let scene: Scene
    let facts: PreflightFacts
    let findings: String

    init(
        _ claim: String, _ scene: Scene, _ look: (inout PreflightFacts) -> Void = { _ in }, findings: String
    ) {
        self.claim = claim
        self.scene = scene
        var facts = PreflightFacts()
        look(&facts)
        self.facts = facts
        self.findings = findings
    }

    var testDescription: String { claim }

    func outcome() -> String {
        let plan = plan(desired: scene.desired, observed: scene.observed)
        return preflight(desired: scene.desired, observed: scene.observed, plan: plan, facts: facts)
            .map(\.description).joined(separator: "\n")
    }
}

@Suite struct PreflightTests {
    static let web = Scene().wanting("web")
    static func publishing(_ name: String, _ port: String?, on address: String? = nil, scale: Int = 1) -> Scene {
        Scene().publishing(name, port, on: address, scale: scale)
    }
    static func binding(create: Bool) -> Scene {
        Scene().wanting("web") {
            let bind = ServiceVolume.Kind.bind(
                source: "/srv/data", createHostPath: create, propagation: nil, recursive: nil, selinux: nil)
            $0.volumes = [ServiceVolume(kind: bind, target: "/data")]
        }
    }
    static func socket(_ path: String) -> Scene {
        Scene().wanting("web") {
            let bind = ServiceVolume.Kind.bind(
                source: path, createHostPath: true, propagation: nil, recursive: nil, selinux: nil)
            $0.volumes = [ServiceVolume(kind: bind, target: "/s")]
        }
    }
    static func subnet(_ text: String, _ key: String = "back") -> Scene {
        Scene().wanting("web", on: [key]).with { $0.desired.networks[key]?.ipam = .subnet(text) }
    }
    static func addressed(_ address: String, in subnet: String?) -> Scene {
        Scene().wanting("web", on: ["back"]) { $0.networks[0].ipv4Address = address }.with { scene in
            if let subnet { scene.desired.networks["back"]?.ipam = .subnet(subnet) }
        }
    }
    static func healthOn(_ edit: @escaping @Sendable (inout Service) -> Void = { _ in }) -> Scene {
        Scene().wanting("api") { $0.dependsOn = [Dependency(service: "db", condition: .healthy)] }.wanting(
            "db", .running, edit)
    }

    @Test(arguments: rows) func finds(_ row: PreflightCase) {
        let outcome = row.outcome()
        #expect(outcome == row.findings, "\(row.claim):\n\(outcome)")
    }

    static let rows: [PreflightCase] = [
        PreflightCase("nothing known, nothing found", web, findings: ""),
        PreflightCase("an image that is here", web, { $0.images["busybox"] = .init(.present) }, findings: ""),
        PreflightCase("an image that can be pulled", web, { $0.images["busybox"] = .init(.pullable) }, findings: ""),
        PreflightCase(
            "an image that cannot be pulled", web,
            { $0.images["busybox"] = .init(.absent(reason: "pull_policy is never")) },
            findings: """
                error missingImage web: image busybox is not on this machine: pull_policy is never; `berth image \
                pull busybox` or `docker save busybox | berth image load`
                """),
        PreflightCase(
            "an image that would have to be built",
            Scene().wanting("web") {
                $0.image = "demo-web"
                $0.build = BuildDefinition(context: "/app")
            }, { $0.images["demo-web"] = .init(.absent(reason: "it is built from a Dockerfile")) },
            findings: """
                error missingImage web: image demo-web is not on this machine: it is built from a Dockerfile; \
                `berth build web`, or `berth up --build`
                """),
        PreflightCase(
            "what runs needs no image", web.having("web"), { $0.images["busybox"] = .init(.absent(reason: "gone")) },
            findings: ""),
        PreflightCase(
            "the missing socket of a daemon", socket("/var/run/docker.sock"),
            { $0.missingPaths = ["/var/run/docker.sock"] },
            findings: """
                error socketMissing web: /var/run/docker.sock does not exist. berth creates no folder there, because a folder \
                would keep a program from listening there; nothing serves Docker's API here: set `docker-socket` in the \
                engine's configuration, or start Docker first
                """),
        PreflightCase(
            "the missing socket of another program, also in the short form", socket("/run/dbus/system_bus_socket/"),
            { $0.missingPaths = ["/run/dbus/system_bus_socket/"] },
            findings: """
                error socketMissing web: /run/dbus/system_bus_socket/ does not exist. berth creates no folder there, because a folder \
                would keep a program from listening there; start the program that listens there first, or \
                remove the bind
                """),
        PreflightCase("a socket that is there", socket("/run/a.sock"), findings: ""),
        PreflightCase(
            "a folder of sockets", socket("/run/a.sock.d"), { $0.missingPaths = ["/run/a.sock.d"] },
            findings: """
                warning bindSourceMade web: /run/a.sock.d does not exist: berth creates an empty folder owned by root for /s
                """),
        PreflightCase(
            "health that nothing tells", healthOn(), { $0.images["busybox"] = .init(.present) },
            findings: """
                error noHealthcheck api: depends on db being healthy, which has no health check; give db a \
                healthcheck, or wait for service_started
                """),
        PreflightCase(
            "health switched off", healthOn { $0.healthcheck = Healthcheck(test: ["NONE"]) },
            findings: """
                error noHealthcheck api: depends on db being healthy, which has no health check; give db a \
                healthcheck, or wait for service_started
                """),
        PreflightCase(
            "health that the image tells", healthOn(), { $0.images["busybox"] = .init(.present, hasHealthcheck: true) },
            findings: ""),
        PreflightCase(
            "health that the file tells", healthOn { $0.healthcheck = Healthcheck(test: ["CMD", "true"]) },
            { $0.images["busybox"] = .init(.present) }, findings: ""),
        PreflightCase(
            "a port that somebody else holds", publishing("web", "80"),
            { $0.ports = [.init(number: 80, owner: "nginx (pid 4711)")] },
            findings: """
                error portTaken web: port 80/tcp is taken by nginx (pid 4711); stop it, or publish another port
                """),
        PreflightCase(
            "a port of another project", publishing("web", "80"),
            { $0.ports = [.init(number: 80, owner: "container other-web-1", container: "x")] },
            findings: """
                error portTaken web: port 80/tcp is taken by container other-web-1; stop it, or publish another port
                """),
        PreflightCase(
            "the other transport's port", publishing("web", "80"),
            { $0.ports = [.init(number: 80, transport: "udp", owner: "x")] }, findings: ""),
        PreflightCase(
            "another address's port", publishing("web", "80", on: "10.0.0.1"),
            { $0.ports = [.init(address: "127.0.0.1", number: 80, owner: "x")] }, findings: ""),
        PreflightCase(
            "one address against all", publishing("web", "80", on: "127.0.0.1"),
            { $0.ports = [.init(address: "0.0.0.0", number: 80, owner: "x")] },
            findings: """
                error portTaken web: port 127.0.0.1:80/tcp is taken by x; stop it, or publish another port
                """),
        PreflightCase(
            "IPv6 against all of IPv4", publishing("web", "80", on: "::1"),
            { $0.ports = [.init(address: "0.0.0.0", number: 80, owner: "x")] }, findings: ""),
        PreflightCase(
            "a range with a free port", publishing("web", "80-81"), { $0.ports = [.init(number: 80, owner: "x")] },
            findings: ""),
        PreflightCase(
            "a range without a free port", publishing("web", "80-81"),
            { $0.ports = [.init(number: 80, owner: "x"), .init(number: 81, owner: "y")] },
            findings: """
                error portTaken web: port 80-81/tcp are all taken by x; stop it, or publish another port
                """),
        PreflightCase(
            "any free port", publishing("web", nil), { $0.ports = [.init(number: 80, owner: "x")] }, findings: ""),
        PreflightCase(
            "a port that the replaced container holds",
            publishing("web", "80").having("web").changing("web") { $0.spec.user = "app" },
            { $0.ports = [.init(number: 80, owner: "container demo-web-1", container: "web-1")] }, findings: ""),
        PreflightCase(
            "a port that an orphan holds",
            publishing("web", "80").publishing("old", "80").having("old").changing("old") { $0.isOrphan = true },
            { $0.ports = [.init(number: 80, owner: "container demo-old-1", container: "old-1")] },
            findings: """
                error portTaken web: port 80/tcp is taken by container demo-old-1; stop it, or publish another port
                """),
        PreflightCase(
            "two services of the project want one port", publishing("a", "80").publishing("b", "80"),
            findings: """
                error portClash b: port 80/tcp is also published by a; publish one of them on another port or \
                address
                """),
        PreflightCase(
            "two services on two addresses",
            publishing("a", "80", on: "127.0.0.1").publishing("b", "80", on: "127.0.0.2"), findings: ""),
        PreflightCase(
            "a new service wants the port of one that runs", publishing("a", "80").publishing("b", "80").having("b"),
            findings: """
                error portClash a: port 80/tcp is also published by b; publish one of them on another port or \
                address
                """),
        PreflightCase(
            "replicas with a fixed port", publishing("web", "80", scale: 2),
            findings: """
                error fixedPortScaled web: 2 replicas cannot all publish port 80/tcp; publish a range of 2 ports, \
                or only the target port 80
                """),
        PreflightCase(
            "a replica that a verb stopped wants no port",
            publishing("web", "80", scale: 2).changing("web") {
                $0.replicas = [DesiredReplica(number: 2, goal: .stopped)]
            }, findings: ""),
        PreflightCase(
            "a replica that a verb started wants its port though its service is stopped",
            publishing("a", "80").publishing("b", "80").changing("b") {
                $0.goal = .stopped
                $0.replicas = [DesiredReplica(number: 1, goal: .running)]
            },
            findings: """
                error portClash b: port 80/tcp is also published by a; publish one of them on another port or \
                address
                """),
        PreflightCase("replicas with a range that is wide enough", publishing("web", "80-81", scale: 2), findings: ""),
        PreflightCase(
            "two services that share a range", publishing("a", "80-83", scale: 2).publishing("b", "80-83", scale: 2),
            findings: ""),
        PreflightCase(
            "two services that share a range that is too short",
            publishing("a", "80-82", scale: 2).publishing("b", "80-82", scale: 2),
            findings: """
                error portTaken b: 4 replicas of a, b cannot share port 80-82/tcp, of which 3 are free; publish longer \
                ranges, or only the target port 80
                """),
        PreflightCase(
            "replicas with a range of which another service wants one",
            publishing("a", "81").publishing("b", "80-82", scale: 2), findings: ""),
        PreflightCase(
            "more replicas than another service leaves of a range",
            publishing("a", "81").publishing("b", "80-82", scale: 3),
            findings: """
                error portTaken b: 3 replicas of b cannot share port 80-82/tcp, of which 2 are free; publish longer \
                ranges, or only the target port 80
                """),
        PreflightCase(
            "two services with equal ranges of two addresses",
            publishing("a", "80-81", on: "127.0.0.1", scale: 2).publishing("b", "80-81", on: "127.0.0.2", scale: 2),
            findings: ""),
        PreflightCase(
            "replicas with a range of which somebody else has one", publishing("web", "80-82", scale: 3),
            { $0.ports = [.init(number: 81, owner: "container other-web-1", container: "x")] },
            findings: """
                error portTaken web: 3 replicas of web cannot share port 80-82/tcp, of which 2 are free; publish longer \
                ranges, or only the target port 80
                """),
        PreflightCase(
            "replicas with a range of which somebody else has one that is not needed",
            publishing("web", "80-82", scale: 2),
            { $0.ports = [.init(number: 81, owner: "container other-web-1", container: "x")] }, findings: ""),
        PreflightCase(
            "replicas with a container name", Scene().wanting("web", scale: 2) { $0.containerName = "it" },
            findings: """
                error containerNameScaled web: container_name it cannot be shared by 2 replicas; remove \
                container_name to scale the service
                """),
        PreflightCase(
            "two services with one container name",
            Scene().wanting("a") { $0.containerName = "it" }.wanting("b") { $0.containerName = "it" },
            findings: """
                error containerNameClash b: container_name it is also that of a; give one of them another name
                """),
        PreflightCase(
            "a container name of another project", Scene().wanting("web") { $0.containerName = "it" },
            { $0.containerNames["it"] = .init(container: "0123456789abcdef", project: "other") },
            findings: """
                error containerNameTaken web: the name it is taken by container 0123456789ab of project other; \
                remove or rename that container
                """),
        PreflightCase(
            "a name made by hand", web,
            { $0.containerNames["demo-web-1"] = .init(container: "0123456789abcdef", project: nil) },
            findings: """
                error containerNameTaken web: the name demo-web-1 is taken by container 0123456789ab of no project; \
                remove or rename that container
                """),
        PreflightCase(
            "the name of the replaced container", web.having("web").changing("web") { $0.spec.user = "app" },
            { $0.containerNames["demo-web-1"] = .init(container: "web-1", project: "demo") }, findings: ""),
        PreflightCase(
            "a bind source that must exist", binding(create: false), { $0.missingPaths = ["/srv/data"] },
            findings: """
                error bindSourceMissing web: /srv/data does not exist, and /data is a bind of it with \
                create_host_path: false; `mkdir -p /srv/data`
                """),
        PreflightCase(
            "a bind source that is made", binding(create: true), { $0.missingPaths = ["/srv/data"] },
            findings: """
                warning bindSourceMade web: /srv/data does not exist: berth creates an empty folder owned by root for \
                /data
                """),
        PreflightCase(
            "a bind source whose server is away", binding(create: true), { $0.silentPaths = ["/srv/data"] },
            findings: """
                error hostPathSilent web: /srv/data does not answer; if it is on a network file system, check its server: \
                `findmnt --target /srv/data` shows it
                """),
        PreflightCase("a bind source that is there", binding(create: false), findings: ""),
        PreflightCase(
            "a secret's file is missing",
            Scene().wanting("web") { $0.secrets = [FileMount(source: "pw", target: "/run/secrets/pw")] }.with {
                $0.desired.secrets["pw"] = FileObject(name: "pw", source: .file("/pw.txt"))
            }, { $0.missingPaths = ["/pw.txt"] },
            findings: """
                error secretFileMissing web: the file of secret pw does not exist: /pw.txt; create the file, or change \
                secrets.pw.file
                """),
        PreflightCase(
            "a config's file is missing",
            Scene().wanting("web") { $0.configs = [FileMount(source: "c", target: "/c")] }.with {
                $0.desired.configs["c"] = FileObject(name: "c", source: .file("/c.txt"))
            }, { $0.missingPaths = ["/c.txt"] },
            findings: """
                error configFileMissing web: the file of config c does not exist: /c.txt; create the file, or change \
                configs.c.file
                """),
        PreflightCase(
            "an external secret",
            Scene().wanting("web") { $0.secrets = [FileMount(source: "pw", target: "/run/secrets/pw")] }.with {
                $0.desired.secrets["pw"] = FileObject(name: "pw", source: .external)
            },
            findings: """
                error externalFileObject web: secret pw is external, but berth has no store of secrets; set \
                file, environment or content of secrets.pw
                """),
        PreflightCase(
            "a subnet against a route", subnet("10.1.2.0/24"),
            { $0.subnets = [.init(subnet: "10.0.0.0/8", owner: "the route of eth0")] },
            findings: """
                error subnetClash: subnet 10.1.2.0/24 of network demo_back overlaps 10.0.0.0/8 of the route of \
                eth0; choose another subnet for networks.back, or leave it out, and berth finds a free one
                """),
        PreflightCase(
            "a subnet inside another network's", subnet("10.0.0.0/8"),
            { $0.subnets = [.init(subnet: "10.1.2.0/24", owner: "network other_default", network: "other_default")] },
            findings: """
                error subnetClash: subnet 10.0.0.0/8 of network demo_back overlaps 10.1.2.0/24 of network \
                other_default; choose another subnet for networks.back, or leave it out, and berth finds a free one
                """),
        PreflightCase(
            "a subnet beside the others", subnet("10.1.3.0/24"),
            { $0.subnets = [.init(subnet: "10.1.2.0/24", owner: "x"), .init(subnet: "fd00::/8", owner: "x")] },
            findings: ""),
        PreflightCase(
            "a /23 against its upper half", subnet("10.1.2.0/23"),
            { $0.subnets = [.init(subnet: "10.1.3.128/25", owner: "x")] },
            findings: """
                error subnetClash: subnet 10.1.2.0/23 of network demo_back overlaps 10.1.3.128/25 of x; choose \
                another subnet for networks.back, or leave it out, and berth finds a free one
                """),
        PreflightCase(
            "an IPv6 subnet", subnet("fd00:1::/64"), { $0.subnets = [.init(subnet: "fd00:1::1:0/112", owner: "x")] },
            findings: """
                error subnetClash: subnet fd00:1::/64 of network demo_back overlaps fd00:1::1:0/112 of x; choose \
                another subnet for networks.back, or leave it out, and berth finds a free one
                """),
        PreflightCase(
            "two IPv6 subnets side by side", subnet("fd00:1::/64"),
            { $0.subnets = [.init(subnet: "fd00:2::/64", owner: "x")] }, findings: ""),
        PreflightCase(
            "not a subnet", subnet("10.1.2.0/99"),
            findings: """
                error badSubnet: networks.back: 10.1.2.0/99 is not a subnet; such as 10.1.2.0/24
                """),
        PreflightCase(
            "two networks of the project overlap",
            Scene().wanting("web", on: ["a", "b"]).with {
                $0.desired.networks["a"]?.ipam = .subnet("10.1.0.0/16")
                $0.desired.networks["b"]?.ipam = .subnet("10.1.1.0/24")
            },
            findings: """
                error subnetClash: subnet 10.1.1.0/24 of network demo_b overlaps that of network demo_a; choose \
                another subnet for networks.b, or leave it out, and berth finds a free one
                """),
        PreflightCase(
            "the subnet of the network that is made anew",
            subnet("10.1.2.0/24").having("web").with { $0.desired.networks["back"]?.isInternal = true },
            { $0.subnets = [.init(subnet: "10.1.2.0/24", owner: "network demo_back", network: "demo_back")] },
            findings: ""),
        PreflightCase("a fixed address", addressed("10.1.2.5", in: "10.1.2.0/24"), findings: ""),
        PreflightCase(
            "a fixed address outside its network", addressed("10.1.3.5", in: "10.1.2.0/24"),
            findings: """
                error addressOutsideSubnet web: the address 10.1.3.5 is in no subnet of network back; set \
                networks.back.ipam.config.subnet to one that contains it
                """),
        PreflightCase(
            "a fixed address without a subnet", addressed("10.1.3.5", in: nil),
            findings: """
                error addressOutsideSubnet web: the address 10.1.3.5 is in no subnet of network back; set \
                networks.back.ipam.config.subnet to one that contains it
                """),
        PreflightCase(
            "an external network that is not there",
            Scene().wanting("web", on: ["back"]).with { $0.desired.networks["back"]?.external = true },
            findings: """
                error networkMissing web: network demo_back declared as external, but could not be found; \
                `berth network create demo_back`, or start the project that creates it, or remove `external`
                """),
        PreflightCase(
            "somebody else's network",
            Scene().wanting("web", on: ["back"]).having("web", .created).with {
                $0.observed.networks["demo_back"]?.project = nil
            },
            findings: """
                error networkNotOurs web: a network with name demo_back exists but was not created by this project; \
                set `external: true` to use it, or give networks.back another name
                """),
        PreflightCase(
            "an external volume that is not there",
            Scene().wanting("db", mounting: "data").with { $0.desired.volumes["data"]?.external = true },
            findings: """
                error volumeMissing db: external volume "demo_data" not found; `berth volume create demo_data`, or \
                remove `external` to have it created
                """),
        PreflightCase(
            "another project's volume",
            Scene().wanting("db", mounting: "data").having("db", .created).with {
                $0.observed.volumes["demo_data"]?.project = "other"
            },
            findings: """
                warning volumeNotOurs db: volume "demo_data" was created for project "other"; this project uses it, but never \
                removes it; set `external: true` to confirm this
                """),
        PreflightCase(
            "a network's change that has to wait",
            Scene().wanting("web", on: ["back"]).having("web", .created).with {
                $0.desired.networks["back"]?.isInternal = true
                $0.observed.networks["demo_back"]?.users.append("x")
            },
            findings: """
                warning networkChangePutOff: network demo_back stays as it is (networks.back.internal changed false \
                → true): containers outside of this plan use it; run `berth up` for the whole project, and \
                remove stopped one-offs
                """),
        PreflightCase(
            "a volume's change that has to wait",
            Scene().wanting("db", mounting: "data").having("db", .created).with {
                $0.desired.volumes["data"]?.driver = "nfs"
                $0.observed.volumes["demo_data"]?.users.append("x")
            },
            findings: """
                warning volumeChangePutOff: volume demo_data stays as it is (volumes.data.driver changed local → \
                nfs): changing it loses its data
                """),
        PreflightCase(
            "a cycle",
            Scene().wanting("a") { $0.dependsOn = [Dependency(service: "b")] }.wanting("b") {
                $0.dependsOn = [Dependency(service: "a")]
            },
            findings: """
                error dependencyCycle a: dependency cycle detected: a -> b -> a; remove one of these from depends_on
                """),
        PreflightCase(
            "a service that depends on itself", Scene().wanting("a") { $0.dependsOn = [Dependency(service: "a")] },
            findings: """
                error dependencyCycle a: dependency cycle detected: a -> a; remove one of these from depends_on
                """),
        PreflightCase(
            "a namespace that nobody has",
            Scene().wanting("side") { $0.networkMode = .service("web") }.wanting("web", .absent),
            findings: """
                error namespaceOwnerMissing side: network_mode is service:web, which has no container; start web \
                too: `berth up web side`
                """),
        PreflightCase(
            "more cores than there are", Scene().wanting("web") { $0.resources.cpus = 3.5 }, { $0.limits.cores = 2 },
            findings: """
                error limitTooHigh web: cpus is 3.5, but this host has 2; choose a value from 0.01 to 2
                """),
        PreflightCase(
            "a limit without its controller",
            Scene().wanting("web") {
                $0.resources.memory = 1 << 20
                $0.resources.pids = 5
            }, { $0.limits.controllers = ["pids"] },
            findings: """
                error limitUnsupported web: mem_limit needs the cgroup controller memory, which the engine cannot \
                use here; remove mem_limit, or enable the controller for the engine's cgroup
                """),
        PreflightCase(
            "a limit above the engine's own",
            Scene().wanting("web") { $0.ulimits["nofile"] = Ulimit(soft: 10, hard: 2048) },
            {
                $0.limits.canRaiseLimits = false
                $0.limits.hardLimits["nofile"] = 1024
            },
            findings: """
                error limitTooHigh web: ulimits.nofile is 2048, but the engine may give at most 1024; lower it, or \
                start the engine with CAP_SYS_RESOURCE
                """),
        PreflightCase(
            "the same with CAP_SYS_RESOURCE",
            Scene().wanting("web") { $0.ulimits["nofile"] = Ulimit(soft: 10, hard: 2048) },
            { $0.limits.hardLimits["nofile"] = 1024 }, findings: ""),
        PreflightCase(
            "no limit above the engine's own",
            Scene().wanting("web") { $0.ulimits["nofile"] = Ulimit(soft: 10, hard: -1) },
            {
                $0.limits.canRaiseLimits = false
                $0.limits.hardLimits["nofile"] = 1024
            },
            findings: """
                error limitTooHigh web: ulimits.nofile is unlimited, but the engine may give at most 1024; lower it, or \
                start the engine with CAP_SYS_RESOURCE
                """),
        PreflightCase(
            "a score that protects", Scene().wanting("web") { $0.resources.oomScoreAdjust = -500 },
            { $0.limits.canRaiseLimits = false },
            findings: """
                error limitTooHigh web: oom_score_adj -500 is below what the engine may give; remove it, or \
                start the engine with CAP_SYS_RESOURCE
                """),
    ]
}

extension Scene {
    func publishing(_ name: String, _ port: String?, on address: String? = nil, scale: Int = 1) -> Scene {
        wanting(name, scale: scale) { $0.ports = [PortMapping(target: 80, published: port, hostIP: address)] }
    }
}
