import Engine
import EngineWire
import Glibc
import Linux
import Logging
import Networking
import ProjectModel
import Testing

/// What the engine finds before the first change, asked for by `plan` on a machine that exists only in memory.
@Suite struct PreflightAttemptTests {
    private static func withEngine<Answer>(
        _ name: String, _ body: (Engine, SimulatedMachine) async throws -> Answer
    ) async throws -> Answer {
        let folder = "/tmp/berth-preflight-\(getpid())-\(name)"
        try makeFolders(folder, mode: 0o700)
        defer { try? removeTree(folder) }
        let machine = SimulatedMachine(seed: 1)
        machine.addImage("busybox", id: "sha256:1", platform: "linux/amd64")
        let store = try Store(path: "\(folder)/engine.db")
        var settings = EngineSettings()
        (settings.root, settings.run) = (folder, folder)
        let engine = Engine(
            settings: settings, store: store, content: try await store.load(), machine: machine,
            resolver: { .init() }, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        return try await body(engine, machine)
    }

    private static func project(image: String = "busybox", _ edit: (inout Service) -> Void) -> Project {
        var service = Service(name: "web", image: image)
        service.networks = [NetworkAttachment(network: "front")]
        edit(&service)
        var project = Project(name: "demo", services: [service])
        project.networks["front"] = NetworkDefinition(name: "demo_front")
        return project
    }

    @Test("users and groups that the image does not know are found before anything is made")
    func accounts() async throws {
        try await Self.withEngine("accounts") { engine, machine in
            machine.setAccounts(["root", "www"], of: "sha256:1")
            for (user, groups, errors) in [
                (nil, [], []), ("www", ["www", "12"], []), ("1000:1000", ["44"], []),
                ("ngnix", ["www", "vidoe"], ["services.web.user", "services.web.group_add[1]"]),
                ("www:staff", [], ["services.web.user"]),
            ] as [(String?, [String], [String])] {
                let project = Self.project {
                    $0.user = user
                    $0.groupAdd = groups
                }
                let request = OperationRequest(key: "plan", verb: .up(UpOptions()), project: project)
                let plan = try await engine.plan(request, for: "demo")
                #expect((plan.errors ?? []).map { $0.path?.description ?? "" } == errors, "\(plan)")
            }
        }
    }

    struct Row: CustomTestStringConvertible, Sendable {
        let claim: String
        let edit: @Sendable (inout Service) -> Void
        let errors: [String]

        init(_ claim: String, _ edit: @escaping @Sendable (inout Service) -> Void, errors: [String]) {
            self.claim = claim
            self.edit = edit
            self.errors = errors
        }

        var testDescription: String { claim }
    }

    static let rows = [
        Row("nothing asked for", { _ in }, errors: []),
        Row(
            "options of security", { $0.securityOptions = ["no-new-privileges", "seccomp={}", "privleged"] },
            errors: [
                "services.web.security_opt[1]: service \"web\": the seccomp profile does not have the expected form",
                "services.web.security_opt[2]: service \"web\": security_opt \"privleged\" is unknown",
            ]),
        Row(
            "capabilities",
            {
                $0.capAdd = ["ALL", "net_admin", "NET_ADMN"]
                $0.capDrop = ["CAP_FOO"]
            },
            errors: [
                "services.web.cap_add[2]: service \"web\": unknown capability CAP_NET_ADMN",
                "services.web.cap_drop[0]: service \"web\": unknown capability CAP_FOO",
            ]),
        Row(
            "devices",
            {
                $0.devices = [
                    DeviceMapping(source: "/dev/null", target: "/dev/null"),
                    DeviceMapping(source: "/dev/nosuch", target: "/dev/x"),
                    DeviceMapping(source: "vendor.com/gpu=all", target: "vendor.com/gpu=all"),
                ]
                $0.deviceCgroupRules = ["c 1:3 mr", "x"]
            },
            errors: [
                "services.web.devices[1]: service \"web\": device /dev/nosuch does not exist",
                "services.web.devices[2]: service \"web\": device vendor.com/gpu=all: devices by name (CDI) are not supported",
                "services.web.device_cgroup_rules[1]: service \"web\": device_cgroup_rules: \"x\" is not a device rule",
            ]),
        Row(
            "block devices",
            {
                var devices = Resources.BlockDevices()
                devices.reads = [.init(path: "/dev/null", value: 5)]
                $0.resources.blkioDevices = devices
            },
            errors: [
                "services.web.blkio_config.device_read_iops[0].path: service \"web\": blkio_config: /dev/null is not a block device"
            ]),
        Row(
            "parameters that every container would get",
            { $0.sysctls = ["net.core.somaxconn": "1", "vm.swappiness": "1", "kernel.shmmax": "1"] },
            errors: [
                #"services.web.sysctls["vm.swappiness"]: service "web": sysctl vm.swappiness does not belong to any namespace"#
            ]),
        Row(
            "parameters of the host's own namespaces",
            {
                $0.ipc = "host"
                $0.sysctls = ["kernel.shmmax": "1"]
            },
            errors: [
                #"services.web.sysctls["kernel.shmmax"]: service "web": sysctl kernel.shmmax needs a ipc namespace"#
            ]),
        Row(
            "addresses and names of interfaces",
            {
                $0.macAddress = "01:00:5e:00:00:01"
                $0.networks[0].macAddress = "02:42:ac:11:00:02"
                $0.networks[0].interfaceName = "a name"
            },
            errors: [
                "services.web.mac_address: service \"web\": mac_address \"01:00:5e:00:00:01\" is not the Ethernet address",
                "services.web.networks.front.interface_name: service \"web\": \"a name\" cannot be an interface's name",
            ]),
        Row(
            "options of a log",
            {
                $0.logging = Logging(
                    driver: "json-file", options: ["max-size": "big", "max-fil": "3", "mode": "blocking"])
            },
            errors: [
                "services.web.logging.options.max-fil: service \"web\": the logging driver json-file has no option",
                "services.web.logging.options.max-size: service \"web\": the logging option max-size cannot be \"big\"",
            ]),
    ]

    @Test("each part of a service that cannot be had is told, at its place", arguments: rows)
    func attempts(_ row: Row) async throws {
        let plan = try await Self.withEngine("row-\(row.claim.hashValue)") { engine, _ in
            try await engine.plan(
                OperationRequest(key: "1", verb: .up(UpOptions()), project: Self.project(row.edit), dryRun: true),
                for: "demo")
        }
        let found = (plan.errors ?? []).map { ($0.path.map { "\($0): " } ?? "") + $0.message }
        #expect(found.count == row.errors.count && zip(found, row.errors).allSatisfy { $0.hasPrefix($1) }, "\(found)")
    }

    @Test("a logging driver that is not there is a warning at its place")
    func loggingDriver() async throws {
        let project = Self.project { $0.logging = Logging(driver: "gelf", options: ["tag": "x"]) }
        let plan = try await Self.withEngine("driver") { engine, _ in
            try await engine.plan(
                OperationRequest(key: "1", verb: .up(UpOptions()), project: project, dryRun: true), for: "demo")
        }
        #expect(plan.errors == [])
        #expect(plan.warnings?.compactMap(\.path) == [.service("web", "logging", "driver")])
    }

    @Test("an image is not fetched for what cannot be made, and is not missing from a plan")
    func order() async throws {
        var project = Self.project(image: "elsewhere") { _ in }
        project.networks["front"]?.driver = "overlay"
        let bad = project
        try await Self.withEngine("order") { engine, machine in
            let operation = try await engine.submit(
                OperationRequest(key: "1", verb: .up(UpOptions()), project: bad), to: "demo")
            for await _ in operation.events() {}
            #expect(operation.outcome?.status == .failed)
            #expect(operation.outcome?.errors.map(\.path) == [AttributePath("networks", "front", "driver")])
            #expect(machine.world.journal.isEmpty, "\(machine.world.journal)")

            let good = Self.project(image: "elsewhere") { _ in }
            let plan = try await engine.plan(
                OperationRequest(key: "2", verb: .up(UpOptions()), project: good, dryRun: true), for: "demo")
            #expect(plan.errors == [] && !plan.actions.isEmpty)
        }
    }

    @Test("a one-off that cannot be made leaves nothing behind")
    func oneOff() async throws {
        let project = Self.project { $0.devices = [DeviceMapping(source: "/dev/nosuch", target: "/dev/x")] }
        try await Self.withEngine("one-off") { engine, machine in
            let service = try #require(project.service("web"))
            let operation = try await engine.run(
                RunRequest(key: "1", project: project, service: service), in: "demo")
            for await _ in operation.events() {}
            let place = AttributePath.service("web", "devices").appending(0)
            #expect(operation.outcome?.errors.map(\.path) == [place])
            #expect(machine.world.journal.isEmpty, "\(machine.world.journal)")
        }
    }
}
