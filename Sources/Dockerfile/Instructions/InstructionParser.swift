import YAML

/// Turns lines into typed instructions.
struct InstructionParser {
    let escape: Unicode.Scalar
    var findings: Findings

    /// nil, with the reason among the findings, when the line is no instruction.
    mutating func instruction(_ line: LogicalLine) -> Instruction? {
        let split = CommandSplit(line.text, escape: escape)
        guard let keyword = Instruction.Keyword(rawValue: split.keyword.text.uppercased()) else {
            unknown(split.keyword)
            return nil
        }
        guard let operation = operation(keyword, split, line) else { return nil }
        return Instruction(
            keyword: keyword, written: split.keyword, text: line.text.trimmed, lines: line.lines,
            comments: line.comments, operation: operation)
    }

    private mutating func unknown(_ word: PlacedText) {
        let near = nearest(to: word.text, among: Instruction.Keyword.allCases.map(\.rawValue))
        var hint = near.map { "did you mean \($0)?" }
        if hint == nil {
            switch word.text {
            case "services:", "version:": hint = "this is a Compose file: name it with -f"
            case "&&", "||", "|": hint = "the line before has to end with \(escape)"
            default: hint = "if it belongs to the instruction above, end the line before it with \(escape)"
            }
        }
        findings.error(word, "unknown instruction '\(word)'", hint: hint)
    }

    private mutating func operation(
        _ keyword: Instruction.Keyword, _ split: CommandSplit, _ line: LogicalLine
    ) -> Instruction.Operation? {
        var flags = Flags(split.flags, of: keyword)
        let arguments = split.arguments
        switch keyword {
        case .from: return from(&flags, arguments, split)
        case .run: return run(&flags, arguments, line)
        case .copy: return copy(&flags, arguments, split, line, isAdd: false)
        case .add: return copy(&flags, arguments, split, line, isAdd: true)
        case .healthcheck: return healthCheck(&flags, arguments, split)
        default: flags.finish(&findings)
        }
        switch keyword {
        case .arg: return declarations(arguments, split)
        case .env: return assignments(arguments, split).map { .env($0) }
        case .label: return assignments(arguments, split).map { .label($0) }
        case .cmd: return commandLine(arguments).map { .cmd($0) }
        case .entrypoint: return commandLine(arguments).map { .entrypoint($0) }
        case .shell: return shell(arguments, split)
        case .workdir: return single(arguments, split, example: "WORKDIR /app").map { .workdir($0) }
        case .user: return single(arguments, split, example: "USER app").map { .user($0) }
        case .stopsignal: return single(arguments, split, example: "STOPSIGNAL SIGTERM").map { .stopSignal($0) }
        case .maintainer: return single(arguments, split, example: "LABEL maintainer=…").map { .maintainer($0.text) }
        case .volume: return volumes(arguments, split)
        case .expose:
            return list(arguments, split, example: "EXPOSE 8080").map { .expose($0.sorted { $0.text < $1.text }) }
        case .onbuild: return onBuild(arguments, split, line)
        case .from, .run, .copy, .add, .healthcheck: return nil
        }
    }

    // MARK: Shapes of arguments

    /// Text that may have blanks.
    private mutating func single(_ text: PlacedText, _ split: CommandSplit, example: String) -> PlacedText? {
        guard text.isEmpty else { return text }
        findings.error(split.keyword, "\(split.keyword) needs an argument", hint: "write \(example)")
        return nil
    }

    /// Words, or a JSON list of them.
    mutating func list(_ text: PlacedText, _ split: CommandSplit, example: String) -> [PlacedText]? {
        switch ExecForm(text) {
        case .list(let strings) where strings.isEmpty: break
        case .list(let strings):
            let start = text.place(at: 0)
            return strings.map { PlacedText($0.unicodeScalars, line: start.line, column: start.column) }
        case .mixedList:
            mixed(text)
            return nil
        case .none where !text.isEmpty: return text.split()
        case .none: break
        }
        findings.error(split.keyword, "\(split.keyword) needs an argument", hint: "write \(example)")
        return nil
    }

    private mutating func mixed(_ text: PlacedText) {
        findings.error(text, "a list of arguments can only hold strings", hint: "put each item in double quotes")
    }

    mutating func commandLine(_ text: PlacedText) -> CommandLine? {
        switch ExecForm(text) {
        case .list(let strings): return .exec(strings)
        case .mixedList:
            mixed(text)
            return nil
        case .none(let looksLikeList): return .shell(text.text, looksLikeList: looksLikeList)
        }
    }

    private mutating func shell(_ text: PlacedText, _ split: CommandSplit) -> Instruction.Operation? {
        switch ExecForm(text) {
        case .list(let strings) where !strings.isEmpty: return .shell(strings)
        case .mixedList: mixed(text)
        default:
            findings.error(
                text.isEmpty ? split.keyword : text, "SHELL takes a JSON list",
                hint: "write SHELL [\"/bin/bash\", \"-c\"]")
        }
        return nil
    }

    // MARK: Names and values

    private mutating func declarations(_ text: PlacedText, _ split: CommandSplit) -> Instruction.Operation? {
        let words = WordSplit(text, escape: escape).words
        guard !words.isEmpty else {
            findings.error(split.keyword, "ARG needs a name", hint: "write ARG NAME or ARG NAME=default")
            return nil
        }
        var arguments: [Argument] = []
        for word in words {
            guard let equals = word.firstIndex(of: "=") else {
                arguments.append(Argument(name: word, value: nil))
                continue
            }
            guard equals > 0 else {
                findings.error(word, "an argument needs a name before the '='", hint: "write ARG NAME=default")
                continue
            }
            arguments.append(Argument(name: word[0..<equals], value: word[equals + 1..<word.count]))
        }
        return .arg(arguments)
    }

    private mutating func assignments(_ text: PlacedText, _ split: CommandSplit) -> [Assignment]? {
        let words = WordSplit(text, escape: escape).words
        guard let first = words.first else {
            findings.error(
                split.keyword, "\(split.keyword) needs a name and a value", hint: "write \(split.keyword) NAME=value")
            return nil
        }
        guard first.firstIndex(of: "=") != nil else {
            let parts = text.split(limit: 2)
            guard parts.count == 2 else {
                findings.error(first, "'\(first)' has no value", hint: "write \(split.keyword) \(first)=value")
                return nil
            }
            return [Assignment(name: parts[0], value: parts[1], isLegacy: true)]
        }
        var assignments: [Assignment] = []
        for word in words {
            guard let equals = word.firstIndex(of: "="), equals > 0 else {
                let hint =
                    word.firstIndex(of: "=") == nil
                    ? "put a value with spaces in double quotes: \(split.keyword) NAME=\"a b\""
                    : "write \(split.keyword) NAME=value"
                findings.error(word, "'\(word)' is not NAME=value", hint: hint)
                continue
            }
            assignments.append(
                Assignment(name: word[0..<equals], value: word[equals + 1..<word.count], isLegacy: false))
        }
        return assignments
    }

    private mutating func volumes(_ text: PlacedText, _ split: CommandSplit) -> Instruction.Operation? {
        guard let words = list(text, split, example: "VOLUME /data") else { return nil }
        for word in words where word.trimmed.isEmpty {
            findings.error(text, "a volume needs a path", hint: "write VOLUME /data")
        }
        return .volume(words.map(\.trimmed))
    }

    private mutating func onBuild(
        _ text: PlacedText, _ split: CommandSplit, _ line: LogicalLine
    ) -> Instruction.Operation? {
        guard !text.isEmpty else {
            findings.error(split.keyword, "ONBUILD needs an instruction", hint: "write ONBUILD COPY . /app")
            return nil
        }
        let word = CommandSplit(text, escape: escape).keyword
        switch word.text.uppercased() {
        case "ONBUILD", "FROM", "MAINTAINER":
            findings.error(
                word, "ONBUILD cannot run \(word.text.uppercased())", hint: "put it into a stage of its own")
            return nil
        default: break
        }
        var inner = line
        inner.text = text
        guard let instruction = instruction(inner) else { return nil }
        var trigger = text.text
        for document in line.documents { trigger += "\n" + document.content + document.name }
        return .onBuild(text: trigger, instruction)
    }
}
