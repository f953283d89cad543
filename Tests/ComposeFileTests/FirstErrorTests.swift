import ComposeFile
import ProjectModel
import Testing
import YAML

@Suite("What stands first and what is known of it") struct FirstErrorTests {
    private func failure(_ yaml: String, _ more: [String: String] = [:]) -> [Diagnostic] {
        do throws(LoadFailure) { return try loaded(yaml, more).diagnostics } catch { return error.diagnostics }
    }

    @Test(
        "the path names an attribute that is in the file",
        arguments: [
            ("services: {a: {image: i, pid: 'service:nope'}}", "services.a.pid"),
            ("services: {a: {image: i, ipc: 'service:nope'}}", "services.a.ipc"),
            ("services: {a: {image: i, network_mode: 'service:nope'}}", "services.a.network_mode"),
            ("services: {a: {image: i, links: [b, nope]}, b: {image: i}}", "services.a.links[1]"),
            ("services: {a: {image: i, volumes_from: ['nope:ro']}}", "services.a.volumes_from[0]"),
            ("services: {a: {image: i, depends_on: [nope]}}", "services.a.depends_on.nope"),
            ("services: {a: {image: i, env_file: nope.env}}", "services.a.env_file"),
            ("services: {a: {image: i, env_file: [nope.env]}}", "services.a.env_file[0]"),
            ("services: {a: {image: i, env_file: [bad.env]}}", "services.a.env_file[0]"),
            ("services: {a: {image: i, label_file: nope}}", "services.a.label_file"),
            ("services: {a: {image: i, dns: nope}}", "services.a.dns"),
            ("services: {a: {image: i, dns: [nope]}}", "services.a.dns[0]"),
            ("services: {a: {image: i, tmpfs: nope}}", "services.a.tmpfs"),
            ("services: {a: {image: i, environment: [A, '=x']}}", "services.a.environment[1]"),
            ("services: {a: {image: i, depends_on: [b]}, b: {image: i, depends_on: [a]}}", "services.b.depends_on.a"),
            ("services: {a: {image: i, links: [b]}, b: {image: i, links: [a]}}", "services.b.links[0]"),
            ("services: {a: {extends: a}}", "services.a.extends.service"),
            ("servces: {}", "servces"), ("services: [a]", "services"), ("volumes: []\nservices: {}", "volumes"),
            ("services: {a: {image: i, network_mode: host, networks: [default]}}", "services.a.network_mode"),
            ("services: {a: {image: i, scale: 2, container_name: aa}}", "services.a.container_name"),
            ("services: {a: {image: i, cpus: 1, deploy: {resources: {limits: {cpus: 2}}}}}", "services.a.cpus"),
            ("services:\n  a:\n    image: i\n    image: j\n", "services.a.image"),
            ("services:\n  a:\n    image: i\n    command: [a\n    tty: true\n", "services.a.command"),
            ("services:\n  a:\n    image: i\n\ttty: true\n", "services.a"),
            ("include: [more.yaml]\nservices: {}", "services.b.imge"),
            ("services: {a: {extends: {file: base.yaml, service: b}}}", "services.b.restart"),
        ])
    func paths(_ yaml: String, _ path: String) throws {
        let more = [
            "bad.env": "A B\n", "more.yaml": "services: {b: {imge: x}}",
            "base.yaml": "services: {b: {image: i, restart: sometimes}}",
        ]
        let found = try #require(failure(yaml, more).first { $0.severity == .error })
        #expect(found.path == path)
        #expect(found.hint != nil)
        #expect(found.render(over: nil).contains("path: \(path)"))
    }

    @Test("a syntax error comes first, and what was read of the rest of its file is not judged")
    func syntaxFirst() {
        let found = failure("services:\n  web:\n    env_file: missing.env\n    dns: [a, b\n    restart: always\n")
        #expect(
            found.map(\.message) == [
                "the brackets that open here are not closed",
                "cannot read the environment file /p/missing.env: No such file or directory",
            ])
    }

    @Test("warnings stand before errors, so that what has to be done is the last thing on the screen")
    func warningsFirst() {
        let found = failure("services:\n  a: {imge: i}\n  b: {image: \"x:$TAG\", tty: yes}\nversion: '3'\n")
        #expect(found.map(\.severity) == [.warning, .warning, .warning, .error])
    }

    private func yaml(_ count: Int) -> String {
        "services:\n  a:\n    image: i\n    environment:\n"
            + (1...count).map { "      E\($0): ${V\($0)}\n" }.joined() + "    labels: {x: \"$V1\"}\n"
    }

    @Test("forty variables that nobody set are one warning")
    func collected() {
        let found = failure(yaml(40))
        #expect(
            found.map(\.message) == [
                "40 variables are not set, an empty string is used for each: V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, "
                    + "V11, V12, V13, V14, V15, V16, V17, V18, V19, V20 … and 20 more"
            ])
        #expect(found.first?.place?.line == 5 && found.first?.notes.isEmpty == true)
        #expect(found.first?.hint == "set them in the environment or in .env, or give defaults: ${V1:-…}")
    }

    @Test("of two or three variables each has its place")
    func few() {
        let found = failure(yaml(2))
        #expect(found.map(\.message) == ["2 variables are not set, an empty string is used for each: V1, V2"])
        #expect(found.first?.notes.map { "\($0.place?.line ?? 0) \($0.message)" } == ["6 V2 is used here"])
        let one = failure(yaml(1))
        #expect(one.map(\.message) == ["the variable V1 is not set: an empty string is used"])
        #expect(one.first?.notes.map { "\($0.place?.line ?? 0) \($0.message)" } == ["6 also used here"])
    }

    @Test(
        "the hint for variables knows the files of the project",
        arguments: [
            ([".env.example"], "there is an example: `cp .env.example .env`, and fill it in"),
            (["env.sample"], "there is an example: `cp env.sample .env`, and fill it in"),
            ([".env", ".env.dist"], "set it in .env, as .env.dist shows"),
            ([".env"], "set it in the environment or in .env, or give a default: ${V1:-…}"),
        ])
    func examples(_ files: [String], _ hint: String) {
        let more = Dictionary(files.map { ($0, "OTHER=1\n") }) { first, _ in first }
        #expect(failure(yaml(1), more).first?.hint == hint)
    }

    @Test(
        "tags that a merge key brings hold where it stands, through two of them, too",
        arguments: [
            "x-r: &r {ports: !reset [], environment: !override {C: 3}}\nservices: {a: {<<: *r}}",
            "x-r: &r {ports: !reset [], environment: !override {C: 3}}\nx-s: &s {<<: *r, tty: true}\nservices: {a: {<<: *s}}",
            "services: {a: {<<: {<<: {ports: !reset []}, environment: !override {C: 3}}}}",
        ])
    func tags(_ over: String) throws {
        let result = try loaded(
            "services: {a: {image: i, ports: ['1:1'], environment: {A: 1}}}", ["o.yaml": over]
        ) { $0.files = ["compose.yaml", "o.yaml"] }
        let service = try #require(result.built().project.services.first)
        #expect(service.ports.isEmpty)
        #expect(service.environment == ["C": "3"])
    }

    @Test("a key that is written beside such a merge key forgets what earlier files said")
    func tagsBeside() throws {
        let result = try loaded(
            "services: {a: {image: i, ports: ['1:1']}}",
            ["o.yaml": "services: {a: {<<: {ports: !reset []}, ports: ['2:2']}}"]
        ) { $0.files = ["compose.yaml", "o.yaml"] }
        #expect(result.built().project.services.first?.ports.map(\.target) == [2])
    }
}
