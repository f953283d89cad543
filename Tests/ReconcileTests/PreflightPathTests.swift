import ProjectModel
import Reconcile
import Testing

@Suite struct PreflightPathTests {
    @Test("every finding names the attribute that it is about", arguments: PreflightTests.rows)
    func hasPath(_ row: PreflightCase) { #expect(row.paths().allSatisfy { $0 != nil }) }

    @Test(
        "the path is the attribute's",
        arguments: [
            ("an image that cannot be pulled", "services.web.image"),
            ("an image that would have to be built", "services.web.build"),
            ("the missing socket of a daemon", "services.web.volumes[0].source"),
            ("health that nothing tells", "services.api.depends_on.db"),
            ("a port that somebody else holds", "services.web.ports[0]"),
            ("two services of the project want one port", "services.b.ports[0]"),
            ("replicas with a container name", "services.web.container_name"),
            ("a name made by hand", "services.web"),
            ("a bind source that must exist", "services.web.volumes[0].source"),
            ("a secret's file is missing", "secrets.pw.file"),
            ("a subnet against a route", "networks.back.ipam.config[0].subnet"),
            ("a fixed address outside its network", "services.web.networks.back.ipv4_address"),
            ("an external network that is not there", "networks.back.external"),
            ("another project's volume", "volumes.data"),
            ("a cycle", "services.a.depends_on.b"),
            ("a namespace that nobody has", "services.side.network_mode"),
            ("more cores than there are", "services.web.cpus"),
            ("a limit above the engine's own", "services.web.ulimits.nofile"),
            ("a score that protects", "services.web.oom_score_adj"),
        ])
    func path(_ claim: String, _ path: String) throws {
        let row = try #require(PreflightTests.rows.first { $0.claim == claim })
        #expect(row.paths().map { $0?.description } == [path])
    }
}

extension PreflightCase {
    func paths() -> [AttributePath?] {
        let plan = plan(desired: scene.desired, observed: scene.observed)
        return preflight(desired: scene.desired, observed: scene.observed, plan: plan, facts: facts).map(\.path)
    }
}
