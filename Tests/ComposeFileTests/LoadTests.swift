import ComposeFile
import ProjectModel
import Testing
import YAML

@Suite("Loading") struct LoadTests {
    @Test("a small project becomes services, networks and volumes with their full names")
    func small() throws {
        let result = try loaded(
            """
            name: shop
            services:
              web:
                image: nginx
                ports: ["8080:80", "127.0.0.1::443/udp"]
                environment: {A: 1, B: "${C:-two}"}
                depends_on: [db]
              db:
                image: postgres:16
                volumes: ["data:/var/lib/data", "./conf:/etc/conf:ro"]
                restart: unless-stopped
                command: postgres -c 'max connections=5'
                healthcheck: {test: pg_isready, interval: 1m30s}
            volumes: {data: }
            """)
        let project = result.built().project
        #expect(project.name == "shop")
        #expect(project.services.map(\.name) == ["db", "web"])
        let web = try #require(project.service("web"))
        #expect(web.ports.map(\.target) == [80, 443])
        #expect(web.ports[0].published == "8080" && web.ports[1].hostIP == "127.0.0.1")
        #expect(web.environment == ["A": "1", "B": "two"])
        #expect(web.dependsOn == [Dependency(service: "db")])
        #expect(web.networks.map(\.network) == ["default"])
        let db = try #require(project.service("db"))
        #expect(db.command == ["postgres", "-c", "max connections=5"])
        #expect(db.restart == .unlessStopped)
        #expect(db.healthcheck?.test == ["CMD-SHELL", "pg_isready"])
        #expect(db.healthcheck?.interval == .seconds(90))
        #expect(db.volumes.map(\.target) == ["/var/lib/data", "/etc/conf"])
        #expect(project.volumes["data"]?.name == "shop_data")
        #expect(project.networks["default"]?.name == "shop_default")
        #expect(result.diagnostics.isEmpty)
    }

    @Test("every error of a file is found at once, in order, each at its place")
    func allErrors() {
        let found = findings(
            """
            services:
              web:
                imge: nginx
                ports: 80
                restart: sometimes
              db: {image: postgres, mem_limit: 5zz}
            netwoks: {}
            """)
        #expect(
            found == [
                "3:5: error: 'imge' is not an attribute of a service",
                "4:12: error: expected a list, found an integer: 80",
                "5:14: error: 'sometimes' is not a restart policy",
                "6:36: error: '5zz' is not a size",
                "7:1: error: 'netwoks' is not an attribute of a Compose file",
            ])
    }

    @Test(
        "without interpolation mistakes that no variable can mend are found",
        arguments: [
            ("ports: [{published: \"${P}\"}]", "a port needs 'target', the port in the container"),
            ("ports: [\"${P}:80\"]", nil), ("ports: [{target: 80, host_ip: \"${H}\"}]", nil),
            ("ports: [{target: 80, host_ip: x}]", "'x' is not an IP address"),
            ("oom_score_adj: 2000", "expected a number from -1000 to 1000, found 2000"),
            ("oom_score_adj: \"${O}\"", nil),
            ("pull_policy: sometimes", "'sometimes' is not a pull policy"), ("pull_policy: \"${P}\"", nil),
            ("post_start: [{user: root}]", "a hook needs 'command'"), ("devices: [\"a:b:c:d\"]", nil),
        ] as [(String, String?)])
    func raw(_ attribute: String, _ expected: String?) {
        var found: String?
        do throws(LoadFailure) {
            _ = try loaded("services: {a: {image: i, \(attribute)}}") { $0.steps.interpolate = false }
        } catch {
            found = error.diagnostics.first?.message
        }
        #expect(found == expected)
    }
}
