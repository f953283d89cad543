import YAML

/// The flags of one instruction. Reports unknown and duplicate ones.
struct Flags {
    private struct Given {
        let word: PlacedText
        let name: PlacedText
        let value: PlacedText?
        var isTaken = false
    }

    private let keyword: String
    private var given: [Given] = []
    private var known: [String] = []

    init(_ words: [PlacedText], of keyword: Instruction.Keyword) {
        self.keyword = keyword.rawValue
        for word in words {
            let equals = word.firstIndex(of: "=")
            given.append(
                Given(
                    word: word, name: word[min(2, word.count)..<(equals ?? word.count)],
                    value: equals.map { word[$0 + 1..<word.count] }))
        }
    }

    /// A flag that may be given once.
    mutating func value(_ name: String, _ findings: inout Findings) -> PlacedText? {
        let values = all(name, findings: &findings)
        if values.count > 1 {
            findings.error(values[1], "duplicate flag --\(name)", hint: "remove one of them")
        }
        return values.first
    }

    /// A flag that may be given several times.
    mutating func values(_ name: String, _ findings: inout Findings) -> [PlacedText] { all(name, findings: &findings) }

    private mutating func all(_ name: String, findings: inout Findings) -> [PlacedText] {
        known.append(name)
        var values: [PlacedText] = []
        for index in given.indices where given[index].name.text == name {
            given[index].isTaken = true
            guard let value = given[index].value else {
                findings.error(given[index].word, "--\(name) needs a value", hint: "write --\(name)=…")
                continue
            }
            values.append(value)
        }
        return values
    }

    /// `--name`, `--name=true` or `--name=false`; nil when it is not given.
    mutating func boolean(_ name: String, _ findings: inout Findings) -> Bool? {
        known.append(name)
        var result: Bool?
        for index in given.indices where given[index].name.text == name {
            given[index].isTaken = true
            let (word, value) = (given[index].word, given[index].value)
            if result != nil { findings.error(word, "duplicate flag --\(name)", hint: "remove one of them") }
            switch value?.text.lowercased() {
            case nil, "true": result = true
            case "false": result = false
            default:
                findings.error(
                    word, "--\(name) is true or false, not '\(value?.text ?? "")'",
                    hint: "write --\(name) or --\(name)=false")
            }
        }
        return result
    }

    /// Reports what nobody took.
    func finish(_ findings: inout Findings) {
        for flag in given where !flag.isTaken {
            let near = nearest(to: flag.name.text, among: known).map { "did you mean --\($0)?" }
            let all =
                known.isEmpty
                ? "\(keyword) has no flags" : "\(keyword) has " + known.map { "--\($0)" }.joined(separator: ", ")
            let text = PlacedText.string(flag.word.scalars.prefix { $0 != "=" })
            findings.error(flag.word, "\(keyword) has no flag '\(text)'", hint: near ?? all)
        }
    }
}
