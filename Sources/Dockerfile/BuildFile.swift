import YAML

/// A Dockerfile: its directives, the arguments before the first stage, its stages.
package struct BuildFile: Sendable {
    package let source: SourceLines
    package let directives: Directives
    /// `ARG` instructions before the first `FROM`: their values are for FROM lines alone, unless a stage declares them anew.
    package private(set) var globalArguments: [Instruction] = []
    package private(set) var stages: [Stage] = []
    /// Numbers of empty lines inside instructions.
    package private(set) var emptyContinuations: [Int] = []

    package var file: String { source.file }

    /// Reads a Dockerfile. If `findings` has errors, the result is what could be understood.
    package init(file: String, bytes: [UInt8], findings: inout Findings) {
        source = SourceLines(file: file, bytes: bytes)
        directives = Directives.read(source, into: &findings)
        if let line = source.tooLong {
            findings.error(
                SourceRange(file: file, line: line, column: 1, length: 1),
                "this line is longer than \(SourceLines.longest) bytes", hint: "put the text into a file and COPY it")
            return
        }
        var joiner = LineJoiner(source, directives)
        joiner.join(into: &findings)
        guard !joiner.lines.isEmpty else {
            findings.error(
                SourceRange(file: file, line: 1, column: 1, length: 1), "the file has no instructions",
                hint: "start with FROM image")
            return
        }
        emptyContinuations = joiner.lines.compactMap(\.emptyContinuation)
        var parser = InstructionParser(escape: directives.escape, findings: findings)
        var isHeadless = false
        for line in joiner.lines {
            guard let instruction = parser.instruction(line) else {
                // Do not report instructions after an invalid FROM as outside of a stage.
                isHeadless = isHeadless || stages.isEmpty
                continue
            }
            take(instruction, isHeadless: isHeadless, into: &parser.findings)
        }
        findings = parser.findings
        if stages.isEmpty, !findings.hasErrors {
            findings.error(
                joiner.lines[0].text, "the file has no stage", hint: "add FROM image after its arguments")
        }
    }

    private mutating func take(_ instruction: Instruction, isHeadless: Bool, into findings: inout Findings) {
        switch instruction.operation {
        case .from(let base):
            stages.append(Stage(index: stages.count, base: base, instruction: instruction))
        case .arg where stages.isEmpty:
            globalArguments.append(instruction)
        default:
            if stages.isEmpty {
                guard !isHeadless else { return }
                findings.error(
                    instruction.written, "\(instruction.written) before the first FROM",
                    hint: "start the file with FROM image; only ARG may come before it")
                return
            }
            stages[stages.count - 1].instructions.append(instruction)
        }
    }
}

/// A stage: what it is built from and the instructions in it.
package struct Stage: Sendable {
    /// Its number in the file, from 0.
    package let index: Int
    package var base: Base
    /// The FROM that begins it.
    package var instruction: Instruction
    package var instructions: [Instruction] = []

    /// Its name in lower case; nil without one.
    package var name: String? { base.name?.text.lowercased() }
    /// Its name, or `stage-N`.
    package var title: String { name ?? "stage-\(index)" }
}
