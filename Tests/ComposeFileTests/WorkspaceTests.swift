import ComposeFile
import ProjectModel
import Testing
import YAML

@Suite("Finding a project") struct WorkspaceTests {
    private func images(
        _ files: [String: String], in folder: String = "/p", environment: [String: String] = [:],
        configure: (inout LoadRequest) -> Void = { _ in }
    ) -> [String] {
        var request = LoadRequest(workingDirectory: folder, environment: environment)
        configure(&request)
        do throws(LoadFailure) {
            return try load(request, from: MemoryFiles(texts: files)).built().project.services.map {
                "\($0.name)=\($0.image ?? "")"
            }
        } catch {
            return error.diagnostics.filter { $0.severity == .error }.map(\.message)
        }
    }

    private let a = "services: {a: {image: one}}"
    private let b = "services: {a: {image: two}, b: {image: three}}"

    @Test("the search climbs, and takes the override beside the file it finds")
    func climbs() {
        let files = ["/p/compose.yaml": a, "/p/compose.override.yml": b, "/p/x/y/compose.override.yaml": "{}"]
        #expect(images(files, in: "/p/x/y") == ["a=two", "b=three"])
    }

    @Test("nothing found is said with where it was looked for")
    func nothing() {
        #expect(images([:], in: "/q") == ["there is no compose.yaml in /q or any folder above it"])
    }

    @Test("-f and COMPOSE_FILE take no override file")
    func named() {
        let files = ["/p/compose.yaml": a, "/p/compose.override.yaml": b, "/p/c.yaml": "services: {c: {image: x}}"]
        #expect(images(files) { $0.files = ["compose.yaml"] } == ["a=one"])
        #expect(images(files, environment: ["COMPOSE_FILE": "compose.yaml:c.yaml"]) == ["a=one", "c=x"])
        #expect(
            images(files, environment: ["COMPOSE_FILE": "compose.yaml,c.yaml", "COMPOSE_PATH_SEPARATOR": ","])
                == ["a=one", "c=x"])
    }

    @Test("standard input is a file")
    func standardInput() {
        let text = a
        #expect(
            images([:]) {
                $0.files = ["-"]
                $0.standardInput = Array(text.utf8)
            } == ["a=one"])
    }

    @Test("variables: the environment, then --env-file or .env")
    func variables() {
        let files = [
            "/p/compose.yaml": "services: {a: {image: \"$A$B$C\"}}", "/p/.env": "A=1\nB=2\nC=$B", "/p/x.env": "A=7",
            "/p/y.env": "B=8",
        ]
        #expect(images(files, environment: ["B": "os"]) == ["a=1osos"])
        #expect(images(files) { $0.environmentFiles = ["x.env", "y.env"] } == ["a=78"])
        #expect(images(files, environment: ["COMPOSE_ENV_FILES": "x.env"]) == ["a=7"])
        #expect(images(files) { $0.environmentFiles = ["no.env"] }.count == 1)
    }

    @Test(
        "the name: -p, the environment, the file, the folder",
        arguments: [
            (nil, [:], "", "p"), (nil, [:], "name: Shop.X", "shopx"),
            (nil, ["COMPOSE_PROJECT_NAME": "env"], "name: f", "env"),
            ("flag", ["COMPOSE_PROJECT_NAME": "env"], "name: f", "flag"), ("", [:], "name: f", "f"),
        ] as [(String?, [String: String], String, String)])
    func names(_ flag: String?, _ environment: [String: String], _ line: String, _ expected: String) throws {
        let files = MemoryFiles(texts: ["/p/compose.yaml": "\(line)\nservices: {a: {image: i}}"])
        var request = LoadRequest(workingDirectory: "/p", environment: environment)
        request.projectName = flag
        #expect(try load(request, from: files).built().project.name == expected)
        #expect(try projectNameOnly(request, from: files) == expected)
    }

    @Test("a file that is not there is the only error, also where the folder gives no name")
    func noFileNoName() {
        let request = LoadRequest(files: ["/none.yaml"], workingDirectory: "/", environment: [:])
        let failure = #expect(throws: LoadFailure.self) { try load(request, from: MemoryFiles(texts: [:])) }
        #expect(failure?.diagnostics.map { $0.message } == ["cannot read /none.yaml: No such file or directory"])
    }

    @Test("a name given with -p needs no file")
    func nameAlone() throws {
        #expect(
            try projectNameOnly(LoadRequest(workingDirectory: "/q", projectName: "x"), from: MemoryFiles([:])) == "x")
        #expect(throws: LoadFailure.self) {
            try projectNameOnly(LoadRequest(workingDirectory: "/q", projectName: "Bad.Name"), from: MemoryFiles([:]))
        }
    }

    @Test("profiles: a flag, the environment, or naming the service")
    func profiles() {
        let files = [
            "/p/compose.yaml":
                "services: {a: {image: i}, b: {image: i, profiles: [p], depends_on: [c]}, c: {image: i, profiles: [p]}, d: {image: i, profiles: [p]}}"
        ]
        #expect(images(files) == ["a=i"])
        #expect(images(files) { $0.profiles = ["p"] } == ["a=i", "b=i", "c=i", "d=i"])
        #expect(images(files, environment: ["COMPOSE_PROFILES": "x, p"]).count == 4)
        #expect(images(files) { $0.profiles = ["*"] }.count == 4)
        #expect(images(files) { $0.services = ["b"] } == ["a=i", "b=i", "c=i"])
        let failure = #expect(throws: LoadFailure.self) {
            try load(LoadRequest(workingDirectory: "/p", services: ["zz", "b"]), from: MemoryFiles(texts: files))
        }
        #expect(failure?.unknownServices?.names == ["zz"])
        #expect(failure?.unknownServices?.known.sorted() == ["a", "b", "c", "d"])
    }

    @Test("secrets from variables hold their content, and an unset one is found before anything runs")
    func secrets() throws {
        let yaml = "services: {a: {image: i, secrets: [s]}}\nsecrets: {s: {environment: S}}"
        let result = try loaded(yaml, environment: ["S": "hush"])
        #expect(result.built().project.secrets["s"]?.source == .content("hush") && result.built().unsupported.isEmpty)
        #expect(try loaded(yaml).built().unsupported.map(\.severity) == [.error])
    }
}
