import ProjectModel
import Reconcile
import Testing

@Suite struct DependencyGraphTests {
    static func graph(_ edges: [String: [String]]) -> DependencyGraph {
        DependencyGraph(
            services: edges.map { name, needs in
                var spec = Service(name: name)
                spec.dependsOn = needs.map { Dependency(service: $0, restart: true) }
                return spec
            })
    }

    @Test(
        "dependencies come first, then names",
        arguments: [
            ([:], []), (["b": [], "a": []], ["a", "b"]), (["a": ["b"], "b": []], ["b", "a"]),
            (["a": ["z"], "m": [], "z": []], ["m", "z", "a"]),
            (["a": ["b", "c"], "b": ["c"], "c": [], "d": ["c"]], ["c", "b", "d", "a"]),
            (["a": ["nobody"]], ["a"]),
        ] as [([String: [String]], [String])])
    func order(edges: [String: [String]], order: [String]) { #expect(Self.graph(edges).order == order) }

    @Test(
        "cycles are told, and every service still has a place",
        arguments: [
            (["a": ["a"]], [["a", "a"]]), (["a": ["b"], "b": ["a"]], [["a", "b", "a"]]),
            (["a": ["b"], "b": ["c"], "c": ["b"]], [["b", "c", "b"]]), (["a": ["b"], "b": []], []),
        ] as [([String: [String]], [[String]])])
    func cycles(edges: [String: [String]], cycles: [[String]]) {
        let graph = Self.graph(edges)
        #expect(graph.cycles == cycles)
        #expect(Set(graph.order) == Set(edges.keys))
    }

    @Test("reach goes down for dependencies and up for restarts")
    func reach() {
        let graph = Self.graph(["web": ["api"], "api": ["db"], "db": [], "other": []])
        #expect(graph.closure(of: ["api"]) == ["api", "db"])
        #expect(graph.restarting(with: ["api"]) == ["api", "web"])
    }

    @Test("a chain of twenty thousand does not exhaust the stack")
    func deep() {
        let services = (0..<20_000).map { index in
            var spec = Service(name: "s\(index)")
            if index < 19_999 { spec.dependsOn = [Dependency(service: "s\(index + 1)")] }
            return spec
        }
        #expect(DependencyGraph(services: services).order.first == "s19999")
    }
}
