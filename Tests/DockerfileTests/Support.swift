import Dockerfile
import Testing
import YAML

/// A Dockerfile with the place of the one expected finding marked: `FROM «»`.
struct Marked: Sendable, CustomTestStringConvertible {
    let text: String
    let place: SourceRange

    init(_ marked: String) {
        var text = ""
        var (line, column) = (1, 1)
        var start = (line: 0, column: 0)
        var length = 0
        for scalar in marked.unicodeScalars {
            switch scalar {
            case "«": start = (line, column)
            case "»": length = column - start.column
            default:
                text.unicodeScalars.append(scalar)
                (line, column) = scalar == "\n" ? (line + 1, 1) : (line, column + 1)
            }
        }
        self.text = text
        place = SourceRange(file: "Dockerfile", line: start.line, column: start.column, length: length)
    }

    var testDescription: String { text }
}

/// What reading a Dockerfile gives.
func read(_ text: String) -> (BuildFile, Findings) {
    var findings = Findings(file: "Dockerfile")
    let build = BuildFile(file: "Dockerfile", bytes: Array(text.utf8), findings: &findings)
    return (build, findings)
}

/// Values of variables, written `A=1 B=`.
func variables(_ text: String) -> [String: String] {
    text.split(separator: " ").reduce(into: [:]) { values, pair in
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        values[String(parts[0])] = String(parts[1])
    }
}

extension CommandLine: CustomStringConvertible {
    public var description: String {
        switch self {
        case .exec(let words): "exec\(words)"
        case .shell(let text, _): "shell(\(text))"
        }
    }
}

/// An instruction as a line of text, for tables.
func describe(_ instruction: Instruction) -> String {
    func pairs(_ pairs: [Assignment]) -> String { pairs.map { "[\($0.name)]=[\($0.value)]" }.joined(separator: " ") }
    func words(_ words: [PlacedText]) -> String { words.map { "[\($0)]" }.joined(separator: " ") }
    switch instruction.operation {
    case .from(let base):
        return "from \(base.image)" + (base.name.map { " as \($0)" } ?? "") + (base.platform.map { " on \($0)" } ?? "")
    case .arg(let arguments):
        return "arg " + arguments.map { "[\($0.name)]" + ($0.value.map { "=[\($0)]" } ?? "") }.joined(separator: " ")
    case .env(let assignments): return "env " + pairs(assignments)
    case .label(let assignments): return "label " + pairs(assignments)
    case .run(let run):
        return "run \(run.command)" + run.documents.map { " <\($0.name)|\($0.text)>" }.joined()
            + run.mounts.map { " mount[\($0.place)]" }.joined()
            + (run.network == .default ? "" : " network \(run.network)")
            + (run.security == .sandbox ? "" : " security \(run.security)")
    case .copy(let copy), .add(let copy):
        let sources = copy.sources.map {
            switch $0 {
            case .path(let path): "[\(path)]"
            case .document(let document): "<\(document.name)|\(document.text)|\(document.expands)>"
            }
        }
        var text = "\(instruction.keyword) \(sources.joined(separator: " ")) to [\(copy.destination)]"
        if let from = copy.from { text += " from \(from)" }
        if let owner = copy.owner { text += " owner \(owner)" }
        if let mode = copy.mode { text += " mode \(mode)" }
        if copy.isLinked { text += " linked" }
        if copy.keepsParents { text += " parents" }
        if let checksum = copy.checksum { text += " checksum \(checksum)" }
        if let unpacks = copy.unpacks { text += " unpack \(unpacks)" }
        if let keeps = copy.keepsGitFolder { text += " git \(keeps)" }
        return text + (copy.excluded.isEmpty ? "" : " but " + words(copy.excluded))
    case .cmd(let line): return "cmd \(line)"
    case .entrypoint(let line): return "entrypoint \(line)"
    case .healthcheck(.none): return "healthcheck none"
    case .healthcheck(.check(let line, let timing)):
        let values = [timing.interval, timing.timeout, timing.startPeriod, timing.startInterval]
        return "healthcheck \(line) " + values.map { $0.map { "\($0)" } ?? "-" }.joined(separator: " ")
            + " \(timing.retries ?? 0)"
    case .shell(let words): return "shell \(words)"
    case .workdir(let word): return "workdir [\(word)]"
    case .user(let word): return "user [\(word)]"
    case .volume(let list): return "volume " + words(list)
    case .expose(let list): return "expose " + words(list)
    case .stopSignal(let word): return "stopsignal [\(word)]"
    case .maintainer(let name): return "maintainer [\(name)]"
    case .onBuild(let text, let inner): return "onbuild [\(text)] \(describe(inner))"
    }
}
