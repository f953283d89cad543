import Dockerfile
import Testing
import YAML

@Suite("Stages form a graph") struct StageGraphTests {
    /// The order in which stages are built, by title, and what is wrong.
    private func order(
        _ text: String, target: String? = nil, contexts: Set<String> = [], given: [String: String] = [:]
    ) -> (order: [String], findings: Findings, graph: StageGraph) {
        var (build, findings) = read(text)
        let arguments = BuildArguments(build, given: given, automatic: ["TARGETARCH": "amd64"], findings: &findings)
        let bases = arguments.bases(of: build, findings: &findings)
        let graph = StageGraph(build, bases: bases, contexts: contexts, target: target, findings: &findings)
        return (graph.order().map { build.stages[$0].title }, findings, graph)
    }

    @Test(
        "only what is needed is built, behind what it needs",
        arguments: [
            ("FROM a", nil, ["stage-0"]), ("FROM a AS x\nFROM b", nil, ["stage-1"]),
            ("FROM a AS x\nFROM x", nil, ["x", "stage-1"]),
            ("FROM a AS x\nFROM b\nCOPY --from=x a b", nil, ["x", "stage-1"]),
            ("FROM a AS x\nFROM b\nCOPY --from=0 a b", nil, ["x", "stage-1"]),
            ("FROM a AS X\nFROM b\nCOPY --from=x a b", nil, ["x", "stage-1"]),
            ("FROM a AS x\nFROM X", nil, ["x", "stage-1"]),
            ("FROM a AS x\nFROM b AS y\nFROM c\nCOPY --from=y a b", nil, ["y", "stage-2"]),
            ("FROM a AS x\nFROM b AS y\nFROM c AS z", "y", ["y"]),
            ("FROM a AS x\nFROM b AS y\nFROM c AS z", "X", ["x"]),
            ("FROM a AS x\nFROM b AS y", "0", ["x"]),
            ("FROM a AS x\nFROM b\nRUN --mount=from=x,target=/m c", nil, ["x", "stage-1"]),
            ("FROM a\nCOPY --from=y a b\nFROM b AS y\nFROM c\nCOPY --from=0 a b", nil, ["y", "stage-0", "stage-2"]),
            ("FROM a AS x\nFROM x AS y\nFROM y AS z\nCOPY --from=x a b", nil, ["x", "y", "z"]),
            ("ARG B=x\nFROM a AS x\nFROM $B", nil, ["x", "stage-1"]),
            ("FROM a AS x\nFROM b AS x\nFROM x", nil, ["x", "stage-2"]),
        ] as [(String, String?, [String])])
    func needed(text: String, target: String?, expected: [String]) {
        let (order, findings, _) = order(text, target: target)
        #expect(findings.diagnostics == [])
        #expect(order == expected)
    }

    @Test(
        "what cannot be is told",
        arguments: [
            ("FROM a AS x\nCOPY --from=«x» a b", "the stage 'x' takes files from itself"),
            ("FROM a AS x\nCOPY --from=«y» a b\nFROM b AS y\nCOPY --from=x a b", "stages need each other: x → y → x"),
            ("FROM a\nCOPY --from=«3» a b", "there is no stage 3"),
            ("FROM «$NONE»", "the name of the base image is empty: '$NONE' has no value"),
            ("FROM «${A»", "'}' is missing at the end of the variable"), ("FROM a:«${V:?version}»", "V: version"),
        ])
    func mistakes(marked: String, message: String) {
        let marked = Marked(marked)
        let findings = order(marked.text).findings
        #expect(findings.diagnostics.map(\.message) == [message])
        #expect(findings.diagnostics.first?.place == marked.place)
    }

    @Test("an unknown target is told with the nearest name")
    func target() {
        #expect(
            order("FROM a AS builder", target: "bilder").findings.diagnostics.map(\.hint) == ["did you mean 'builder'?"]
        )
        #expect(order("FROM a AS b", target: "other").findings.diagnostics.map(\.hint) == ["its stages: b"])
    }

    @Test("a base whose stage comes later is an image, and that is said")
    func laterBase() {
        let (_, findings, graph) = order("FROM x\nFROM a AS x")
        #expect(findings.diagnostics.map(\.severity) == [.warning])
        #expect(graph.nodes[0].base == .image("x"))
    }

    @Test("names of contexts stand for stages and images")
    func contexts() {
        let graph = order("FROM a AS x\nFROM b\nCOPY --from=c a b\nCOPY --from=x a b", contexts: ["a", "c", "x"]).graph
        #expect(graph.nodes[0].base == .context("x"))
        #expect(graph.nodes[1].sources == [.context("c"), .context("x")])
    }

    @Test(
        "arguments before the first stage",
        arguments: [
            ("ARG A=1\nFROM x:$A", [:], "x:1"), ("ARG A=1\nFROM x:$A", ["A": "2"], "x:2"),
            ("ARG A=1\nARG B=$A.2\nFROM x:$B", [:], "x:1.2"),
            ("ARG A\nFROM x:${A:-3}", [:], "x:3"), ("FROM x:$TARGETARCH", [:], "x:amd64"),
            ("ARG A=\"q r\"\nFROM $A", [:], "q r"),
            ("FROM x:$A", ["A": "2"], "x:"),
        ] as [(String, [String: String], String)])
    func globalArguments(text: String, given: [String: String], expected: String) {
        var (build, findings) = read(text)
        let arguments = BuildArguments(build, given: given, automatic: ["TARGETARCH": "amd64"], findings: &findings)
        #expect(arguments.bases(of: build, findings: &findings) == [expected])
    }

    @Test("arguments that nothing declares are known")
    func unused() {
        let (build, _) = read("ARG A\nFROM x\nARG B")
        var findings = Findings(file: "Dockerfile")
        let given = ["A": "", "B": "", "C": "", "HTTP_PROXY": "", "BUILDKIT_X": ""]
        let arguments = BuildArguments(build, given: given, automatic: [:], findings: &findings)
        #expect(arguments.unused(in: build) == ["C"])
    }

    @Test("a variable of ENV wins over an argument; an argument without a value takes the one from before the stages")
    func scopes() throws {
        var (build, findings) = read("ARG G=global\nFROM x\nARG G\nARG A=$G-1\nENV A=env")
        let arguments = BuildArguments(build, given: [:], automatic: [:], findings: &findings)
        var state = StageVariables(environment: [("P", "p")], build: arguments, escape: "\\")
        guard case .arg(let first) = build.stages[0].instructions[0].operation,
            case .arg(let second) = build.stages[0].instructions[1].operation
        else {
            Issue.record("no arguments")
            return
        }
        try state.declare(first[0])
        try state.declare(second[0])
        #expect(state.value(of: "A") == "global-1")
        state.set("A", to: "env")
        #expect(state.value(of: "A") == "env")
        #expect(state.value(of: "NONE") == nil)
    }

    @Test(
        "TARGETSTAGE is the stage that the caller names, or else the last one",
        arguments: [
            ("FROM a AS one\nFROM b AS Two", nil, "two"), ("FROM a AS one\nFROM b", nil, "default"),
            ("FROM a AS one\nFROM b AS two", "one", "one"),
        ] as [(String, String?, String)])
    func targetStage(text: String, target: String?, expected: String) {
        let automatic = BuildArguments.automatic(read(text).0, target: nil, stage: target)
        #expect(automatic["TARGETSTAGE"] == expected)
    }
}
