import ComposeFile
import JSON
import ProjectModel
import Testing
import YAML

/// An attribute as it is written, and what the engine gets.
struct AttributeCase: Sendable, CustomTestStringConvertible {
    let yaml: String
    let more: String
    let check: @Sendable (Service) -> Bool

    init(_ yaml: String, _ more: String = "", _ check: @escaping @Sendable (Service) -> Bool) {
        self.yaml = yaml
        self.more = more
        self.check = check
    }

    var testDescription: String { yaml }
}

@Suite("Attributes reach the engine") struct AttributeTests {
    private func service(_ the: AttributeCase) throws -> Service {
        let text = "services:\n  a:\n    image: i\n    \(the.yaml)\n\(the.more)"
        let files = ["e": "E=1\n", "profile.json": "{\n  \"defaultAction\": \"SCMP_ACT_ALLOW\" }\n"]
        return try #require(try loaded(text, files, environment: ["HOST": "h"]).built().project.service("a"))
    }

    @Test(
        "what runs",
        arguments: [
            AttributeCase("command: a 'b c'") { $0.command == ["a", "b c"] },
            AttributeCase("command: []") { $0.command == [] }, AttributeCase("command: null") { $0.command == nil },
            AttributeCase("entrypoint: [x, y]") { $0.entrypoint == ["x", "y"] },
            AttributeCase("environment: {A: 1, B: null, HOST: null, C: 1.5, D: true}") {
                $0.environment == ["A": "1", "HOST": "h", "C": "1.5", "D": "true"]
            },
            AttributeCase("environment: [A=1, HOST, X]") { $0.environment == ["A": "1", "HOST": "h"] },
            AttributeCase("env_file: e\n    environment: {F: 2}") { $0.environment == ["E": "1", "F": "2"] },
            AttributeCase("working_dir: /w") { $0.workingDir == "/w" },
            AttributeCase("user: \"1:2\"") { $0.user == "1:2" },
            AttributeCase("group_add: [mail, 5]") { $0.groupAdd == ["mail", "5"] },
            AttributeCase("tty: true") { $0.tty }, AttributeCase("stdin_open: \"true\"") { $0.stdinOpen },
            AttributeCase("init: true") { $0.useInit },
            AttributeCase("platform: linux/arm64") { $0.platform == "linux/arm64" },
            AttributeCase("pull_policy: daily") { $0.pullPolicy == .every(.seconds(86_400)) },
            AttributeCase("pull_policy: if_not_present") { $0.pullPolicy == .missing },
            AttributeCase("build: .") {
                $0.build?.context == "/p" && $0.build?.dockerfile == "Dockerfile" && $0.image == "i"
            },
        ])
    func execution(_ the: AttributeCase) throws { #expect(the.check(try service(the))) }

    @Test(
        "identity and life",
        arguments: [
            AttributeCase("container_name: cc") { $0.containerName == "cc" },
            AttributeCase("hostname: h\n    domainname: d") { $0.hostname == "h" && $0.domainname == "d" },
            AttributeCase("labels: [a=b, c]") { $0.labels == ["a": "b", "c": ""] },
            AttributeCase("annotations: {a: 1}") { $0.annotations == ["a": "1"] },
            AttributeCase("scale: 3") { $0.scale == 3 }, AttributeCase("deploy: {replicas: 2}") { $0.scale == 2 },
            AttributeCase("restart: on-failure:3") { $0.restart == .onFailure(maximumRetries: 3) },
            AttributeCase("restart: no") { $0.restart == .no },
            AttributeCase("deploy: {restart_policy: {condition: any}}") { $0.restart == .always },
            AttributeCase("deploy: {update_config: {}}") {
                $0.updateConfig == UpdateRules() && $0.rollbackConfig == nil
            },
            AttributeCase("deploy: {replicas: 2}") { $0.updateConfig == nil },
            AttributeCase(
                "deploy: {update_config: {parallelism: 0, delay: 10s, failure_action: rollback, monitor: 1m, "
                    + "max_failure_ratio: 0.3, order: start-first}, rollback_config: {failure_action: continue}}"
            ) { service in
                var rules = UpdateRules()
                (rules.parallelism, rules.delay, rules.monitor) = (0, .seconds(10), .seconds(60))
                (rules.failureAction, rules.maxFailureRatio, rules.order) = (.rollback, 0.3, .startFirst)
                return service.updateConfig == rules && service.rollbackConfig?.failureAction == .continue
            },
            AttributeCase(
                "healthcheck: {test: x, interval: 2s, retries: 4, start_period: 1m, start_interval: 1s, timeout: 3s}"
            ) {
                $0.healthcheck?.test == ["CMD-SHELL", "x"] && $0.healthcheck?.retries == 4
                    && $0.healthcheck?.interval == .seconds(2) && $0.healthcheck?.startPeriod == .seconds(60)
                    && $0.healthcheck?.startInterval == .seconds(1) && $0.healthcheck?.timeout == .seconds(3)
            },
            AttributeCase("healthcheck: {disable: true}") { $0.healthcheck?.test == ["NONE"] },
            AttributeCase("stop_signal: SIGINT\n    stop_grace_period: 1m") {
                $0.stopSignal == "SIGINT" && $0.stopGracePeriod == .seconds(60)
            },
            AttributeCase("attach: false") { !$0.attach },
            AttributeCase("logging: {driver: none, options: {n: 1}}") {
                $0.logging == Logging(driver: "none", options: ["n": "1"])
            },
            AttributeCase("depends_on: {b: {condition: service_healthy, restart: true}}", "  b: {image: j}\n") {
                $0.dependsOn == [Dependency(service: "b", condition: .healthy, restart: true)]
            },
            AttributeCase(
                "depends_on: {b: {condition: service_started, required: false}}", "  b: {image: j, profiles: [p]}\n"
            ) {
                $0.dependsOn.isEmpty
            },
            AttributeCase("post_start: [{command: a b, user: u, privileged: true, environment: {X: 1}}]") {
                $0.postStart.first?.command == ["a", "b"] && $0.postStart.first?.environment == ["X": "1"]
            },
            AttributeCase("pre_stop: [{command: [x], working_dir: /w}]") { $0.preStop.first?.workingDir == "/w" },
        ])
    func life(_ the: AttributeCase) throws { #expect(the.check(try service(the))) }

    @Test(
        "storage",
        arguments: [
            AttributeCase("volumes: [\"./d:/d:ro\"]") {
                $0.volumes == [
                    ServiceVolume(
                        kind: .bind(
                            source: "/p/d", createHostPath: true, propagation: nil, recursive: nil, selinux: nil),
                        target: "/d", readOnly: true)
                ]
            },
            AttributeCase("volumes: [\"vol:/d:nocopy\"]", "volumes: {vol: }\n") {
                $0.volumes == [ServiceVolume(kind: .volume(source: "vol", noCopy: true, subpath: nil), target: "/d")]
            },
            AttributeCase("volumes: [/anon]") {
                $0.volumes == [ServiceVolume(kind: .volume(source: nil, noCopy: false, subpath: nil), target: "/anon")]
            },
            AttributeCase("tmpfs: \"/run:size=1m\"") {
                $0.volumes == [ServiceVolume(kind: .tmpfs(size: nil, mode: nil, options: "size=1m"), target: "/run")]
            },
            AttributeCase("volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1k, mode: 0700}}]") {
                $0.volumes == [ServiceVolume(kind: .tmpfs(size: 1024, mode: 0o700, options: nil), target: "/t")]
            },
            AttributeCase("secrets: [s]", "secrets: {s: {file: ./s}}\n") {
                $0.secrets == [FileMount(source: "s", target: "/run/secrets/s")]
            },
            AttributeCase(
                "secrets: [{source: s, target: t, mode: \"0400\", uid: \"5\"}]", "secrets: {s: {file: ./s}}\n"
            ) {
                $0.secrets == [FileMount(source: "s", target: "/run/secrets/t", uid: "5", mode: 0o400)]
            },
            AttributeCase("configs: [c]", "configs: {c: {content: x}}\n") {
                $0.configs == [FileMount(source: "c", target: "/c")]
            },
            AttributeCase("read_only: true") { $0.readOnly },
            AttributeCase("shm_size: 64m") { $0.shmSize == 67_108_864 },
            AttributeCase("volumes_from: [\"container:x\"]") { $0.volumesFrom == ["container:x"] },
            AttributeCase("storage_opt: {size: 1G}") { $0.storageOptions == ["size": "1G"] },
        ])
    func storage(_ the: AttributeCase) throws { #expect(the.check(try service(the))) }

    @Test(
        "network",
        arguments: [
            AttributeCase("network_mode: host") { $0.networkMode == .host && $0.networks.isEmpty },
            AttributeCase("network_mode: none") { $0.networkMode == NetworkMode.none },
            AttributeCase("network_mode: \"service:b\"", "  b: {image: j}\n") {
                $0.networkMode == .service("b") && $0.dependsOn == [Dependency(service: "b", restart: true)]
            },
            AttributeCase("network_mode: \"container:x\"") { $0.networkMode == .container("x") },
            AttributeCase("network_mode: bridge") { $0.networks.map(\.network) == ["default"] },
            AttributeCase(
                "networks: {n: {priority: 1}, m: {priority: 5, aliases: [x], ipv4_address: 10.0.0.2}}",
                "networks: {n: , m: }\n"
            ) {
                $0.networks.map(\.network) == ["m", "n"] && $0.networks[0].aliases == ["x"]
                    && $0.networks[0].ipv4Address == "10.0.0.2"
            },
            AttributeCase("ports: [\"127.0.0.1:8080:80/udp\"]") {
                $0.ports.first?.hostIP == "127.0.0.1" && $0.ports.first?.transport == "udp"
                    && $0.ports.first?.published == "8080"
            },
            AttributeCase("ports: [80]") { $0.ports.first?.target == 80 && $0.ports.first?.published == nil },
            AttributeCase("expose: [80, \"53/udp\", \"90-91\"]") {
                $0.expose == ["80/tcp", "53/udp", "90/tcp", "91/tcp"]
            },
            AttributeCase("links: [\"b:x\"]", "  b: {image: j}\n") { $0.links == [Link(target: "b", alias: "x")] },
            AttributeCase("external_links: [c]") { $0.externalLinks == [Link(target: "c", alias: "c")] },
            AttributeCase("dns: 1.1.1.1\n    dns_search: [a]\n    dns_opt: [b]") {
                $0.dns == ["1.1.1.1"] && $0.dnsSearch == ["a"] && $0.dnsOptions == ["b"]
            },
            AttributeCase("extra_hosts: {a: [1.1.1.1, 2.2.2.2], b: host-gateway}") {
                $0.extraHosts == [
                    ExtraHost(host: "a", addresses: ["1.1.1.1", "2.2.2.2"]),
                    ExtraHost(host: "b", addresses: ["host-gateway"]),
                ]
            },
            AttributeCase("mac_address: \"02:42:ac:11:65:43\"") { $0.macAddress == "02:42:ac:11:65:43" },
        ])
    func network(_ the: AttributeCase) throws { #expect(the.check(try service(the))) }

    @Test(
        "confinement and limits",
        arguments: [
            AttributeCase("privileged: true") { $0.privileged },
            AttributeCase("cap_add: [BPF]\n    cap_drop: [ALL]") { $0.capAdd == ["BPF"] && $0.capDrop == ["ALL"] },
            AttributeCase("security_opt: [x]") { $0.securityOptions == ["x"] },
            AttributeCase("sysctls: [net.a=1]") { $0.sysctls == ["net.a": "1"] },
            AttributeCase("ulimits: {nofile: 5, nproc: {soft: 1, hard: 2}}") {
                $0.ulimits == ["nofile": Ulimit(soft: 5, hard: 5), "nproc": Ulimit(soft: 1, hard: 2)]
            },
            AttributeCase("devices: [\"/dev/a:/dev/b:r\", /dev/c]") {
                $0.devices == [
                    DeviceMapping(source: "/dev/a", target: "/dev/b", permissions: "r"),
                    DeviceMapping(source: "/dev/c", target: "/dev/c"),
                ]
            },
            AttributeCase("device_cgroup_rules: [\"c 1:3 r\"]") { $0.deviceCgroupRules == ["c 1:3 r"] },
            AttributeCase("pid: host\n    ipc: host\n    uts: host\n    cgroup: host\n    userns_mode: host") {
                [$0.pid, $0.ipc, $0.uts, $0.cgroup, $0.usernsMode].allSatisfy { $0 == "host" }
            },
            AttributeCase("cgroup_parent: x\n    runtime: crun") { $0.cgroupParent == "x" && $0.runtime == "crun" },
            AttributeCase("cpus: 0.5") { $0.resources.cpus == 0.5 },
            AttributeCase(
                "deploy: {resources: {limits: {cpus: \"1.5\", memory: 1g, pids: 7}, reservations: {memory: 1m}}}"
            ) {
                $0.resources.cpus == 1.5 && $0.resources.memory == 1 << 30 && $0.resources.pids == 7
                    && $0.resources.memoryReservation == 1 << 20
            },
            AttributeCase("mem_limit: 1m\n    memswap_limit: -1\n    mem_swappiness: 0") {
                $0.resources.memory == 1 << 20 && $0.resources.memorySwap == -1 && $0.resources.memorySwappiness == 0
            },
            AttributeCase("cpu_shares: 5\n    cpu_quota: 6\n    cpu_period: 7\n    cpuset: \"0\"") {
                $0.resources.cpuShares == 5 && $0.resources.cpuQuota == 6 && $0.resources.cpuPeriod == 7
                    && $0.resources.cpuset == "0"
            },
            AttributeCase("cpu_shares: 0\n    cpu_quota: 0\n    cpu_period: 0\n    cpus: 0") {
                $0.resources.cpuShares == nil && $0.resources.cpuQuota == nil && $0.resources.cpuPeriod == nil
                    && $0.resources.cpus == nil
            },
            AttributeCase("cpu_rt_runtime: 0\n    cpu_rt_period: 0\n    mem_limit: 0\n    pids_limit: 0") {
                $0.resources.cpuRealtimeRuntime == nil && $0.resources.cpuRealtimePeriod == nil
                    && $0.resources.memory == nil && $0.resources.pids == nil
            },
            AttributeCase("deploy: {resources: {limits: {pids: 0}}}") { $0.resources.pids == nil },
            AttributeCase("blkio_config: {weight: 0}") { $0.resources.blkioWeight == nil },
            AttributeCase("oom_score_adj: 5\n    oom_kill_disable: true\n    pids_limit: -1") {
                $0.resources.oomScoreAdjust == 5 && $0.resources.oomKillDisable == true && $0.resources.pids == -1
            },
            AttributeCase("blkio_config: {weight: 300}") { $0.resources.blkioWeight == 300 },
            AttributeCase("blkio_config: {device_read_bps: [{path: /dev/sda, rate: 1m}]}") {
                $0.resources.blkioDevices?.readBytes == [.init(path: "/dev/sda", value: 1 << 20)]
            },
            AttributeCase("blkio_config: {weight_device: [{path: /dev/sda, weight: 20}]}") {
                $0.resources.blkioDevices?.weights == [.init(path: "/dev/sda", value: 20)]
            },
            AttributeCase("cpu_rt_period: 5\n    cpu_rt_runtime: 4") {
                $0.resources.cpuRealtimePeriod == 5 && $0.resources.cpuRealtimeRuntime == 4
            },
            AttributeCase("security_opt: [\"seccomp:profile.json\", \"seccomp=unconfined\"]") {
                $0.securityOptions == [#"seccomp={"defaultAction":"SCMP_ACT_ALLOW"}"#, "seccomp=unconfined"]
            },
            AttributeCase("network_mode: container:other", "  other: {image: i, container_name: other}") {
                $0.networkMode == .service("other")
            },
            AttributeCase("pid: container:p-b-1\n    ipc: container:else", "  b: {image: i}") {
                $0.pid == "service:b" && $0.ipc == "container:else"
            },
            AttributeCase("volumes_from: [\"container:other:ro\"]", "  other: {image: i, container_name: other}") {
                $0.volumesFrom == ["other:ro"]
            },
            AttributeCase("networks: [h]", "networks: {h: {external: true, name: host}}") {
                $0.networkMode == .host && $0.networks.isEmpty
            },
            AttributeCase("x-berth: {heal: true}") { $0.heal },
            AttributeCase("x-berth: {stop_programs_of_shell: false}") { $0.stopsProgramsOfShell == false },
        ])
    func confinement(_ the: AttributeCase) throws { #expect(the.check(try service(the))) }

    private static let builds: [(String, @Sendable (BuildDefinition) -> Bool)] = [
        ("context: ./app", { $0.context == "/p/app" }),
        ("dockerfile: D, target: t", { $0.dockerfile == "D" && $0.target == "t" }),
        ("dockerfile_inline: FROM a", { $0.inline == "FROM a" && $0.dockerfile == nil }),
        ("args: {A: 1, B: }", { $0.arguments == ["A": "1"] }),
        ("args: [A=1, B]", { $0.arguments == ["A": "1"] }),
        ("tags: [a:1, b:2]", { $0.tags == ["a:1", "b:2"] }),
        ("labels: [a=b]", { $0.labels == ["a": "b"] }),
        ("network: host", { $0.network == "host" }),
        ("extra_hosts: [\"a:1.2.3.4\"]", { $0.extraHosts == [ExtraHost(host: "a", addresses: ["1.2.3.4"])] }),
        ("secrets: [s]", { $0.secrets.map(\.source) == ["s"] && $0.secrets.first?.target == "/run/secrets/s" }),
        ("ssh: [default, k=/key]", { $0.ssh.keys.sorted() == ["default", "k"] && ($0.ssh["k"] ?? nil) == "/key" }),
        ("additional_contexts: [a=../x]", { $0.additionalContexts == ["a": "/x"] }),
        ("cache_from: [a], cache_to: [b]", { $0.cacheFrom == ["a"] && $0.cacheTo == ["b"] }),
        ("no_cache: true, pull: true, privileged: true", { $0.noCache && $0.pull && $0.privileged }),
        ("no_cache_filter: x", { $0.noCacheFilter == ["x"] }),
        ("no_cache_filter: [x, y]", { $0.noCacheFilter == ["x", "y"] }),
        ("shm_size: 1m", { $0.shmSize == 1 << 20 }),
        ("ulimits: {nofile: 5}", { $0.ulimits == ["nofile": Ulimit(soft: 5, hard: 5)] }),
        ("platforms: [linux/amd64]", { $0.platforms == ["linux/amd64"] }),
        ("entitlements: [network.host]", { $0.entitlements == ["network.host"] }),
        ("provenance: true, sbom: x", { $0.provenance == "true" && $0.sbom == "x" }),
        ("cache_from: [a], cache_to: [b], ssh: [default]", { $0.withoutEffect == [] }),
        ("provenance: mode=max, sbom: true", { $0.withoutEffect == ["provenance", "sbom"] }),
        ("provenance: false, sbom: false, target: t", { $0.withoutEffect == [] }),
    ]

    @Test("every key of a build arrives", arguments: builds.indices)
    func buildKeys(_ row: Int) throws {
        let (text, check) = Self.builds[row]
        let build = try #require(
            try loaded("services: {a: {build: {\(text)}}}\nsecrets: {s: {file: ./s}}").built().project.service("a")?
                .build)
        #expect(check(build), "\(text): \(build)")
    }

    @Test("what an engine stored of a build before it knew more is still read")
    func olderBuilds() throws {
        var service = Service(name: "a")
        for (stored, has) in [("true", true), ("false", false)] {
            let text = String(decoding: try encodeJSON(service), as: UTF8.self)
            let older = text.replacing("\"build\":false", with: "\"build\":\(stored)")
            #expect(try decodeJSON(Service.self, from: Array(older.utf8)).hasBuild == has)
        }
        service.build = BuildDefinition(context: "/p")
        #expect(try decodeJSON(Service.self, from: encodeJSON(service)) == service)
    }

    @Test("a service that is only built is named as docker compose names its image")
    func builtImage() throws {
        let result = try loaded("name: shop\nservices: {web: {build: .}, api: {image: \"\", build: .}}")
        let project = result.built().project
        #expect(project.service("web")?.image == "shop-web" && project.service("api")?.image == "shop-api")
        #expect(try renderListing(result, .images, options: ConfigOptions()) == "shop-api\nshop-web\n")
    }

    @Test(
        "what is not acted on is told apart from what must not be ignored",
        arguments: [
            ("develop: {watch: []}", nil),
            (
                "gpus: all",
                "error: 'gpus' is not supported yet: its programs would find no graphics processor"
            ), ("init: true", nil), ("runtime: crun", nil),
            (
                "runtime: runsc",
                "error: the runtime 'runsc' is not available: berth uses its own, which isolates like runc"
            ),
            ("userns_mode: host", nil),
            ("userns_mode: auto", "error: 'userns_mode: auto' is not supported: only 'host' is"),
            ("security_opt: [no-new-privileges, \"label=disable\", \"seccomp=builtin\"]", nil),
            ("security_opt: [secomp=x]", "error: the security option 'secomp=x' is unknown"),
            (
                "security_opt: [\"seccomp=none.json\"]",
                "error: the seccomp profile /p/none.json cannot be read: No such file or directory"
            ),
            (
                "volumes: [{type: cluster, source: c, target: /x}]",
                "error: a volume of type 'cluster' cannot be mounted here: data written there would be lost"
            ),
            ("isolation: default", nil),
            (
                "network_mode: bridge",
                "warning: there is no bridge that all projects share: the project's default network is used"
            ),
        ] as [(String, String?)])
    func support(_ yaml: String, _ expected: String?) throws {
        let result = try loaded("services:\n  a:\n    image: i\n    \(yaml)\n")
        #expect(result.diagnostics.isEmpty)
        #expect(result.built().unsupported.map { "\($0.severity): \($0.message)" } == (expected.map { [$0] } ?? []))
    }
}
