import ComposeFile
import JSON
import ProjectModel
import Testing
import YAML

@Suite("Places of attributes") struct AttributePlaceTests {
    static let yaml = """
        services:
          web:
            image: nginx
            ports: ["8080:80", "9090:90"]
            deploy:
              resources:
                limits: {pids: 5}
            security_opt:
              - apparmor=strict
            sysctls: {net.core.somaxconn: 1024}
            volumes: ["./conf:/etc/conf:ro"]
        networks:
          front:
            driver: ipvlan
        """

    @Test(
        "a path leads to the line and column, and to the spelling of the file",
        arguments: [
            ("networks.front.driver", "14:13 networks.front.driver"),
            ("services.web.image", "3:12 services.web.image"),
            ("services.web.ports[1]", "4:24 services.web.ports[1]"),
            ("services.web.ports[1].published", "4:24 services.web.ports[1]"),
            ("services.web.pids_limit", "7:24 services.web.deploy.resources.limits.pids"),
            ("services.web.security_opt[0]", "9:9 services.web.security_opt[0]"),
            (#"services.web.sysctls["net.core.somaxconn"]"#, #"10:35 services.web.sysctls["net.core.somaxconn"]"#),
            ("services.web.volumes[0].source", "11:15 services.web.volumes[0]"),
            ("services.web.volumes", "11:5 services.web.volumes"),
            ("services.web.user", "2:3 services.web.user"),
            ("services.web.ports[7]", "4:5 services.web.ports[7]"),
            ("networks.default", nil), ("services.gone.image", nil), ("secrets.pw.file", nil),
        ] as [(String, String?)])
    func place(_ path: String, _ expected: String?) throws {
        let result = try loaded(Self.yaml)
        let place = result.place(of: try #require(AttributePath(parsing: path)))
        #expect(place.map { "\($0.range.line):\($0.range.column) \($0.path)" } == expected)
    }

    @Test("a path through an included file tells how that file was reached")
    func included() throws {
        let result = try loaded(
            "include: [more.yaml]\n", ["more.yaml": "services: {web: {image: nginx, oom_score_adj: -5}}\n"])
        let place = try #require(result.place(of: .service("web", "oom_score_adj")))
        #expect(place.range.file == "/p/more.yaml")
        #expect(place.notes.map(\.message) == ["included from here"])
    }

    @Test(
        "a path is read as it is written",
        arguments: [
            "services.web.ports[1]", #"services.web.sysctls["net.core.somaxconn"]"#, #"labels[""]"#,
            #"services.web.labels["a\"b\\c"].x[0][1]"#, "networks",
        ])
    func spelling(_ text: String) throws {
        let path = try #require(AttributePath(parsing: text))
        #expect(path.description == text)
        #expect(try decodeJSON(AttributePath.self, from: try encodeJSON(path)) == path)
    }

    @Test(
        "what is no path is none", arguments: ["a..b", "a[", "a[x]", "a[-1]", #"a["b]"#, #"a["b"x"#, ".a", "a]", "a b"])
    func noPath(_ text: String) { #expect(AttributePath(parsing: text) == nil) }
}
