import ProjectModel
import Reconcile
import Testing

/// What reasons say, and what they never say.
@Suite struct DivergenceTests {
    struct Row: CustomTestStringConvertible, Sendable {
        let old: Service
        let new: Service
        let text: String

        init(_ text: String, to: (inout Service) -> Void) { self.init(text, { _ in }, to) }

        init(_ text: String, _ from: (inout Service) -> Void, _ to: (inout Service) -> Void) {
            self.text = text
            var old = Service(name: "web", image: "busybox")
            from(&old)
            var new = old
            to(&new)
            self.old = old
            self.new = new
        }

        var testDescription: String { text }
    }

    @Test(arguments: rows) func reads(_ row: Row) {
        #expect(
            divergences(from: row.old.template, to: row.new.template).map(\.description).joined(separator: ", ")
                == row.text)
    }

    static let rows: [Row] = [
        Row("") { $0.scale = 3 },
        Row("") { $0.dependsOn = [Dependency(service: "db")] },
        Row("") { $0.profiles = ["debug"] },
        Row("") { $0.build = BuildDefinition(context: "/app") },
        Row("") { $0.pullPolicy = .always },
        Row("") { $0.attach = false },
        Row("") { $0.heal = true },
        Row("environment.DEBUG added") { $0.environment["DEBUG"] = "1" },
        Row(
            "environment.A changed, environment.C added, environment.B removed",
            { $0.environment = ["A": "1", "B": "2"] },
            {
                $0.environment = ["A": "2", "C": "3"]
            }),
        Row("image changed \"busybox\" → \"nginx:1\"") { $0.image = "nginx:1" },
        Row("command changed \"a b\" → \"c\"", { $0.command = ["a", "b"] }, { $0.command = ["c"] }),
        Row("command added (\"\")") { $0.command = [] },
        Row(
            "command changed", { $0.command = ["redis-server", "--requirepass", "x"] },
            {
                $0.command = ["redis-server"]
            }),
        Row("command changed", { $0.command = ["app", "postgres://u:p@db/x"] }, { $0.command = ["app"] }),
        Row("entrypoint removed (\"/init\")", { $0.entrypoint = ["/init"] }, { $0.entrypoint = nil }),
        Row("user changed \"a\" → \"b\"", { $0.user = "a" }, { $0.user = "b" }),
        Row("restart changed no → on-failure:3") { $0.restart = .onFailure(maximumRetries: 3) },
        Row("restart changed always → unless-stopped", { $0.restart = .always }, { $0.restart = .unlessStopped }),
        Row("stop_grace_period added (1.5s)") { $0.stopGracePeriod = .milliseconds(1500) },
        Row(
            "stop_grace_period changed 10s → 250ms", { $0.stopGracePeriod = .seconds(10) },
            {
                $0.stopGracePeriod = .milliseconds(250)
            }),
        Row("network_mode added (service:db)") { $0.networkMode = .service("db") },
        Row("privileged changed false → true") { $0.privileged = true },
        Row(
            "mem_limit changed 64 MiB → 128 MiB", { $0.resources.memory = 64 << 20 },
            {
                $0.resources.memory = 128 << 20
            }),
        Row("cpus changed 0.5 → 2", { $0.resources.cpus = 0.5 }, { $0.resources.cpus = 2 }),
        Row("cpus added") { $0.resources.cpus = 2 },
        Row("shm_size added (64 MiB)") { $0.shmSize = 64 << 20 },
        Row("labels.a changed \"1\" → \"2\"", { $0.labels = ["a": "1"] }, { $0.labels = ["a": "2"] }),
        Row("labels.auth.token changed", { $0.labels = ["auth.token": "1"] }, { $0.labels = ["auth.token": "2"] }),
        Row("healthcheck added") { $0.healthcheck = Healthcheck(test: ["CMD", "x"]) },
        Row(
            "healthcheck.test changed", { $0.healthcheck = Healthcheck(test: ["CMD", "x"]) },
            {
                $0.healthcheck?.test = ["CMD", "y"]
            }),
        Row(
            "healthcheck.retries added", { $0.healthcheck = Healthcheck(test: ["CMD", "x"]) },
            {
                $0.healthcheck?.retries = 3
            }),
        Row(
            "logging.options changed", { $0.logging = Logging(driver: "x", options: ["token": "1"]) },
            {
                $0.logging?.options = ["token": "2"]
            }),
        Row("ports added") { $0.ports = [PortMapping(target: 80, published: "80")] },
        Row(
            "ports changed", { $0.ports = [PortMapping(target: 80, published: "80")] },
            {
                $0.ports[0].published = "81"
            }),
        Row("", { $0.ports = [PortMapping(target: 80), PortMapping(target: 81)] }, { $0.ports.reverse() }),
        Row(
            "cap_add.NET_ADMIN added, cap_add.SYS_TIME removed", { $0.capAdd = ["SYS_TIME", "A"] },
            {
                $0.capAdd = ["A", "NET_ADMIN"]
            }),
        Row("", { $0.capAdd = ["A", "B"] }, { $0.capAdd = ["B", "A"] }),
        Row("networks.back added") { $0.networks = [NetworkAttachment(network: "back")] },
        Row(
            "networks.back.aliases changed", { $0.networks = [NetworkAttachment(network: "back")] },
            {
                $0.networks[0].aliases = ["x"]
            }),
        Row("volumes./data added") { $0.volumes = [.named("data", at: "/data")] },
        Row("volumes./data changed", { $0.volumes = [.named("data", at: "/data")] }, { $0.volumes[0].readOnly = true }),
        Row("", { $0.volumes = [.named("a", at: "/a"), .named("b", at: "/b")] }, { $0.volumes.reverse() }),
        Row("secrets.pw added") { $0.secrets = [FileMount(source: "pw", target: "/run/secrets/pw")] },
        Row(
            "secrets.pw changed", { $0.secrets = [FileMount(source: "pw", target: "/a")] },
            {
                $0.secrets[0].target = "/b"
            }),
        Row(
            "secrets changed",
            { $0.secrets = [FileMount(source: "pw", target: "/a"), FileMount(source: "pw", target: "/b")] },
            { $0.secrets[0].target = "/c" }),
        Row("dns changed", { $0.dns = ["1.1.1.1", "9.9.9.9"] }, { $0.dns.reverse() }),
        Row("ulimits.nofile added") { $0.ulimits["nofile"] = Ulimit(soft: 1, hard: 2) },
        Row("sysctls.net.core.somaxconn added") { $0.sysctls["net.core.somaxconn"] = "1024" },
    ]

    @Test("a reason shows four divergences and counts the rest")
    func many() {
        let scene = Scene().wanting("web").having("web").changing("web") { service in
            for name in ["A", "B", "C", "D", "E", "F"] { service.spec.environment[name] = "s3cret" }
        }
        let reason = plan(desired: scene.desired, observed: scene.observed).actions.first.map { "\($0.reason)" }
        #expect(
            reason == "environment.A added, environment.B added, environment.C added, environment.D added and 2 more")
    }

    @Test("a secret's content never reaches a plan")
    func secrets() {
        let secret = "hunter2"
        let scene = Scene().wanting("web") { service in
            service.secrets = [FileMount(source: "pw", target: "/pw")]
            service.healthcheck = Healthcheck(test: ["CMD", "old"])
            service.labels["db.password"] = "old"
            service.environment["X"] = "old"
        }.with { $0.desired.secrets["pw"] = FileObject(name: "pw", source: .content("old")) }.having("web")
            .changing("web") { service in
                service.spec.healthcheck?.test = ["CMD", secret]
                service.spec.labels["db.password"] = secret
                service.spec.environment["X"] = secret
                service.spec.logging = Logging(driver: nil, options: ["x": secret])
            }.with { $0.desired.secrets["pw"]?.source = .content(secret) }
        let text = plan(desired: scene.desired, observed: scene.observed).description
        #expect(!text.isEmpty && !text.contains(secret) && !text.contains("old →"))
    }

    @Test("a long value is cut")
    func long() {
        var old = Service(name: "web")
        old.hostname = String(repeating: "a", count: 200)
        var new = old
        new.hostname = "b"
        let text = divergences(from: old.template, to: new.template).map(\.description).joined()
        #expect(text == "hostname changed \"\(String(repeating: "a", count: 60))…\" → \"b\"")
    }
}
