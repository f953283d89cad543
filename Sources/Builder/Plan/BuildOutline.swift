import Dockerfile
import EngineWire
import OCI
import YAML

/// The instructions that a build carries out, in the order of the file, for those who show them one after the other.
package struct BuildOutline: Sendable {
    package struct Step: Hashable, Sendable {
        /// The number of its stage in the file; nil before the first one.
        package var stage: Int?
        /// Where it begins.
        package var line: Int
        /// All of it as one line.
        package var text: String
        /// It changes files or fetches an image, so events of the build report it.
        package var isToldOf: Bool

        package init(stage: Int?, line: Int, text: String, isToldOf: Bool) {
            self.stage = stage
            self.line = line
            self.text = text
            self.isToldOf = isToldOf
        }
    }

    package private(set) var steps: [Step] = []

    /// Reads the Dockerfile of `request`; stages that its target does not need are left out.
    /// - Throws: `BuildFailure` with all mistakes in it.
    package init(_ request: BuildRequest) throws {
        var findings = Findings(file: request.file)
        let build = BuildFile(file: request.file, bytes: Array(request.dockerfile.utf8), findings: &findings)
        try Self.check(findings)
        let automatic = BuildArguments.automatic(
            build, target: request.platform.flatMap(Platform.init), stage: request.target)
        let arguments = BuildArguments(build, given: request.arguments, automatic: automatic, findings: &findings)
        let bases = arguments.bases(of: build, findings: &findings)
        let graph = StageGraph(
            build, bases: bases, contexts: Set(request.contexts.keys), target: request.target, findings: &findings)
        try Self.check(findings)
        for instruction in build.globalArguments { add(instruction, stage: nil, isToldOf: false) }
        for index in graph.order().sorted() {
            let stage = build.stages[index]
            var isImage = false
            if case .image = graph.nodes[index].base { isImage = true }
            if case .context = graph.nodes[index].base { isImage = true }
            add(stage.instruction, stage: index, isToldOf: isImage)
            for instruction in stage.instructions {
                switch instruction.operation {
                case .run, .copy, .add, .workdir: add(instruction, stage: index, isToldOf: true)
                default: add(instruction, stage: index, isToldOf: false)
                }
            }
        }
    }

    private mutating func add(_ instruction: Instruction, stage: Int?, isToldOf: Bool) {
        steps.append(
            Step(
                stage: stage, line: instruction.lines.lowerBound, text: instruction.text.text, isToldOf: isToldOf))
    }

    private static func check(_ findings: Findings) throws {
        guard findings.hasErrors else { return }
        throw BuildFailure(findings.sorted.filter { $0.severity == .error }.map { BuildNote($0) })
    }
}
