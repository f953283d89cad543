import ComposeFile
import ProjectModel
import Testing
import YAML

@Suite("Merging") struct MergeTests {
    /// The canonical text of service `a` in flow form, after merging the second text onto the first.
    private func merged(_ base: String, _ over: String, _ tail: String = "") throws -> String {
        let files = [
            "/p/1.yaml": "services: {a: {image: i, \(base)}}\n\(tail)", "/p/2.yaml": "services: {a: {\(over)}}\n",
        ]
        let request = LoadRequest(files: ["1.yaml", "2.yaml"], workingDirectory: "/p")
        let result = try load(request, from: MemoryFiles(texts: files))
        var service = try #require(result.model["services"]?["a"])
        service.updateMapping { mapping in
            mapping.remove("image")
            mapping.remove("networks")
        }
        return flow(service)
    }

    private func flow(_ node: Node) -> String {
        switch node.value {
        case .mapping(let mapping):
            let members = mapping.entries.sorted { $0.key < $1.key }.map { "\($0.key): \(flow($0.value))" }
            return "{" + members.joined(separator: ", ") + "}"
        case .sequence(let nodes): return "[" + nodes.map(flow).joined(separator: ", ") + "]"
        case .string(let text): return text
        case .null: return "~"
        case .bool(let value): return "\(value)"
        case .integer(let value): return "\(value)"
        default: return "?"
        }
    }

    @Test(
        "follows each attribute's rule",
        arguments: [
            ("command: [a, b]", "command: [c]", "{command: [c]}"), ("command: a", "command: null", "{command: ~}"),
            ("environment: {A: 1, B: 2}", "environment: [B=3, C=4]", "{environment: {A: 1, B: 3, C: 4}}"),
            ("environment: {A: 1}", "environment: {A: null}", "{environment: {A: ~}}"),
            ("labels: [a=1]", "labels: {a: 2, b: 3}", "{labels: {a: 2, b: 3}}"),
            ("hostname: a", "hostname: b", "{hostname: b}"),
            ("cap_add: [KILL, BPF]", "cap_add: [BPF, LEASE]", "{cap_add: [KILL, BPF, LEASE]}"),
            ("dns: 1.1.1.1", "dns: [2.2.2.2, 1.1.1.1]", "{dns: [1.1.1.1, 2.2.2.2]}"),
            ("tmpfs: [\"/x:uid=1\", /y]", "tmpfs: \"/x:uid=2\"", "{tmpfs: [/x:uid=2, /y]}"),
            ("expose: [1, 2]", "expose: [\"2\", 3]", "{expose: [1, 2, 3]}"),
            ("security_opt: [a]", "security_opt: [b, a]", "{security_opt: [a, b]}"),
            (
                "devices: [\"/a:/x\", \"/b:/y\"]", "devices: [\"/c:/x:r\"]",
                "{devices: [{permissions: r, source: /c, target: /x}, {permissions: rwm, source: /b, target: /y}]}"
            ),
            (
                "ulimits: {nofile: 5}", "ulimits: {nofile: {soft: 1, hard: 2}}",
                "{ulimits: {nofile: {hard: 2, soft: 1}}}"
            ),
            (
                "healthcheck: {test: a, retries: 2}", "healthcheck: {test: [CMD, b]}",
                "{healthcheck: {retries: 2, test: [CMD, b]}}"
            ),
            (
                "logging: {driver: x, options: {a: b}}", "logging: {options: {c: d}}",
                "{logging: {driver: x, options: {a: b, c: d}}}"
            ),
            (
                "logging: {driver: x, options: {a: b}}", "logging: {driver: y, options: {c: d}}",
                "{logging: {driver: y, options: {c: d}}}"
            ),
            ("extra_hosts: [\"a=1.1.1.1\"]", "extra_hosts: {a: 2.2.2.2}", "{extra_hosts: [a=1.1.1.1, a=2.2.2.2]}"),
            ("build: ./x", "build: {dockerfile: D}", "{build: {context: /p/x, dockerfile: D}}"),
            (
                "deploy: {replicas: 2, labels: [a=1]}", "deploy: {replicas: 3, labels: {b: 2}}",
                "{deploy: {labels: {a: 1, b: 2}, replicas: 3}}"
            ),
            ("ports: [\"1:1\"]", "ports: !reset []", "{}"),
            ("environment: {A: 1, B: 2}", "environment: {A: !reset null}", "{environment: {B: 2}}"),
            (
                "ports: [\"1:1\"]", "ports: !override [\"2:2\"]",
                "{ports: [{mode: ingress, protocol: tcp, published: 2, target: 2}]}"
            ),
            ("environment: {A: 1}", "environment: !override {B: 2}", "{environment: {B: 2}}"),
            (
                "volumes: [\"/a:/x\", /y]", "volumes: [\"/b:/x:ro\"]",
                "{volumes: [{bind: {create_host_path: true}, read_only: true, source: /b, target: /x, type: bind}, {target: /y, type: volume}]}"
            ),
            (
                "ports: [\"8080:80\"]", "ports: [{target: 80, published: \"8080\", mode: host}]",
                "{ports: [{mode: host, protocol: tcp, published: 8080, target: 80}]}"
            ),
            (
                "post_start: [{command: a}]", "post_start: [{command: b}]",
                "{post_start: [{command: [a]}, {command: [b]}]}"
            ),
            ("x-a: [1]", "x-a: [2]", "{x-a: [1, 2]}"), ("ipc: host", "ipc: null", "{ipc: host}"),
        ])
    func rules(_ base: String, _ over: String, _ expected: String) throws {
        #expect(try merged(base, over) == expected)
    }

    @Test("an extended service is merged under the one that extends it, paths from its own folder")
    func extends() throws {
        let result = try loaded(
            "services: {a: {extends: {file: sub/b.yaml, service: x}, environment: {B: 2}}}",
            [
                "sub/b.yaml":
                    "services: {x: {extends: y, volumes: [\"./d:/d\"]}, y: {image: i, environment: {A: 1, B: 1}}, z: {imge: 1}}"
            ])
        let service = try #require(result.built().project.service("a"))
        #expect(service.image == "i" && service.environment == ["A": "1", "B": "2"])
        #expect(
            service.volumes.first?.kind
                == .bind(source: "/p/sub/d", createHostPath: true, propagation: nil, recursive: nil, selinux: nil))
    }

    @Test("an included project keeps its own folder and variables, and can be overridden and extended")
    func include() throws {
        let result = try loaded(
            "include: [inc/c.yaml]\nservices: {b: {environment: {X: y}}, e: {extends: b}}",
            [
                "inc/c.yaml": "name: other\nservices: {b: {image: \"$V\", volumes: [\"./d:/d\"]}}",
                "inc/.env": "V=inner",
            ])
        #expect(result.built().project.services.map(\.name) == ["b", "e"] && result.built().project.name == "p")
        let service = try #require(result.built().project.service("b"))
        #expect(service.image == "inner" && service.environment == ["X": "y"])
        #expect(result.built().project.service("e")?.image == "inner")
    }

    @Test("a build that names no folder is of its file's project, an included one too")
    func includedBuild() throws {
        let result = try loaded(
            "include: [inc/c.yaml]\nservices: {a: {build: {target: t}}}",
            ["inc/c.yaml": "services: {b: {build: {target: t}}}"])
        let folder = { (name: String) in result.model["services"]?[name]?["build"]?["context"]?.string }
        #expect(folder("a") == "/p" && folder("b") == "/p/inc")
    }
}
