import ComposeFile
import ProjectModel
import Testing
import YAML

@Suite("Lists of config") struct ListingTests {
    private func text(
        _ listing: ConfigListing, _ yaml: String, _ more: [String: String] = [:],
        options: ConfigOptions = ConfigOptions(),
        configure: (inout LoadRequest) -> Void = { _ in }
    ) throws -> String {
        let result = try loaded(yaml, more, configure: configure)
        return try renderListing(result, listing, options: options)
    }

    private let shop = """
        services:
          web: {image: "nginx:1", depends_on: [db], networks: [front], volumes: ["data:/d"]}
          db: {build: ., profiles: [a], volumes: [{type: image, source: seed, target: /s}]}
          app: {image: app, pre_start: [{image: tool, command: x}], profiles: [b]}
          one: {image: "nginx:1", models: [m]}
        networks: {front: {}, unused: {}}
        volumes: {data: {}, spare: {}}
        models: {m: {model: ai/x}, n: {model: ai/y}}
        """

    @Test(
        "names",
        arguments: [
            (ConfigListing.services, "one\ndb\nweb\n"), (.networks, "default\nfront\n"), (.volumes, "data\n"),
            (.profiles, "a\nb\n"), (.models, "ai/x\n"), (.images, "p-db\nseed\nnginx:1\nnginx:1\n"),
        ])
    func names(_ listing: ConfigListing, _ expected: String) throws {
        let lines = expected.split(separator: "\n").sorted()
        let found = try text(listing, shop) { $0.profiles = ["a"] }
        #expect(found.split(separator: "\n").sorted() == lines)
        #expect(found.hasSuffix("\n"))
    }

    @Test("services come after those they depend on")
    func order() throws {
        let found = try text(
            .services, "services: {a: {image: i, depends_on: [b]}, b: {image: i, links: [c]}, c: {image: i}}")
        #expect(found == "c\nb\na\n")
    }

    @Test("with all resources also what nobody uses")
    func allResources() throws {
        let options = ConfigOptions(allResources: true)
        #expect(try text(.volumes, shop, options: options) { $0.profiles = ["a"] } == "data\nspare\n")
    }

    private let variables = """
        name: ${NAME:-x}
        include: [b.yaml]
        services:
          a: {image: "${IMG:-foo}:${TAG:?which}", environment: {A: "$$NO", B: "${C:+alt}", D: "${E:-${F:-<g>}}"}}
          b: {extends: {file: c.yaml, service: c}}
        """
    private let others = [
        "b.yaml": "services: {i: {image: \"$INCLUDED\"}}", "c.yaml": "services: {c: {image: \"${EXTENDED?}\"}}",
    ]

    @Test("variables of all files, with what each needs")
    func variableTable() throws {
        let found = try text(.variables(.table), variables, others) { $0.steps.interpolate = false }
        let lines = found.split(separator: "\n").map { "\($0)|" }
        #expect(
            lines == [
                "NAME                REQUIRED            DEFAULT VALUE       ALTERNATE VALUE|",
                "C                   false                                   alt|",
                "E                   false               ${F:-<g>}           |",
                "EXTENDED            true                                    |",
                "F                   false               <g>                 |",
                "IMG                 false               foo                 |",
                "INCLUDED            false                                   |",
                "NAME                false               x                   |",
                "TAG                 true                                    |",
            ])
    }

    @Test("variables as JSON and YAML have docker compose's keys")
    func variableForms() throws {
        let yaml = "services: {a: {image: \"${A:-<b>}\"}}"
        #expect(
            try text(.variables(.json), yaml) { $0.steps.interpolate = false } == """
                {
                    "A": {
                        "Name": "A",
                        "DefaultValue": "<b>",
                        "PresenceValue": "",
                        "Required": false
                    }
                }


                """)
        #expect(
            try text(.variables(.yaml), yaml) { $0.steps.interpolate = false } == """
                A:
                    name: A
                    defaultvalue: <b>
                    presencevalue: ""
                    required: false

                """)
    }

    @Test("the environment is all that interpolation sees")
    func environment() throws {
        let found = try text(.environment, "services: {a: {image: i}}", [".env": "B=2\nA=1"])
        #expect(found == "A=1\nB=2\nCOMPOSE_PROJECT_NAME=p\nPWD=/p\n")
    }

    @Test("hashes are docker compose's, and an unknown service is named")
    func hashes() throws {
        let hash = "d5457d0b2799957b606d2ac4ed52d85a1e75799490e56229948300b9a59e8953"
        #expect(try text(.hash(["*"]), "services: {b: {image: x}, a: {image: x}}") == "a \(hash)\nb \(hash)\n")
        #expect(throws: Diagnostic.self) { try text(.hash(["c"]), "services: {a: {image: x}}") }
    }
}

@Suite("Images of a project") struct ImageReferenceTests {
    private let yaml = """
        services:
          a: {image: one, volumes: [{type: image, source: two, target: /x}, {type: image, source: b, target: /y}]}
          b: {build: ., pre_start: [{image: three, command: x}]}
        """

    @Test("services, hooks and volumes name images, a service that a volume names is none")
    func all() throws {
        #expect(ImageReferences.all(in: try loaded(yaml)) == ["one", "three", "two"])
    }

    @Test("an override file pins them and says nothing else")
    func pinned() throws {
        var result = try loaded(yaml)
        ImageReferences.replace(["one": "one@sha256:1", "two": "two@sha256:2", "b": "no"], in: &result)
        #expect(
            renderConfig(result, options: ConfigOptions(imagesOnly: true)) == """
                services:
                  a:
                    image: one@sha256:1
                    volumes:
                      - type: image
                        source: two@sha256:2
                        target: /x
                      - type: image
                        source: b
                        target: /y
                  b: {}

                """)
    }
}

@Suite("COMPOSE variables") struct ComposeVariableTests {
    @Test(
        "on or off", arguments: [("1", true), ("True", true), (" t ", true), ("yes", false), ("0", false), ("", false)])
    func isOn(_ text: String, _ expected: Bool) { #expect(ComposeVariable.isOn(text) == expected) }

    @Test(".env sets what flags would set, unless the environment does or another file is named")
    func added() {
        let files = MemoryFiles(texts: [
            "/p/.env": "COMPOSE_PARALLEL_LIMIT=2\nCOMPOSE_ANSI=never\nOTHER=1", "/p/x.env": "COMPOSE_MENU=0",
        ])
        var request = LoadRequest(workingDirectory: "/p", environment: ["COMPOSE_ANSI": "always"])
        #expect(composeVariables(request, from: files) == ["COMPOSE_PARALLEL_LIMIT": "2"])
        request.environmentFiles = ["x.env"]
        #expect(composeVariables(request, from: files) == ["COMPOSE_MENU": "0"])
        request.environmentFiles = ["missing.env"]
        #expect(composeVariables(request, from: files).isEmpty)
    }

    @Test("COMPOSE_DISABLE_ENV_FILE leaves .env out")
    func disabled() throws {
        let result = try loaded(
            "services: {a: {image: \"i$A\"}}", [".env": "A=1"], environment: ["COMPOSE_DISABLE_ENV_FILE": "true"])
        #expect(result.built().project.service("a")?.image == "i")
    }
}
