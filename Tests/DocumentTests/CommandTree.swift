import JSON
import Linux

/// The package's folder, found from this file.
let packageFolder = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }

/// Where this package's programs were built: beside the tests.
let programFolder: String = {
    let path = CallingProcess.executablePath ?? ""
    return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
}()

/// What `berth` itself says of its verbs.
struct CommandTree {
    struct Option {
        /// Without dashes.
        var long: [String] = []
        var short: [Character] = []
        var takesValue = false
        /// Help tells of it.
        var isShown = true
    }

    struct Verb {
        /// `up`, `image ls`.
        var name: String
        var options: [Option]
    }

    /// Every verb by each of its names, those inside groups too.
    let verbs: [Verb]

    init() throws {
        let text = try ProgramOutput.of(
            "\(programFolder)/berth", arguments: ["berth", "--experimental-dump-help"], environment: [], input: [],
            limit: 8 << 20)
        guard let root = try JSONValue(parsing: text)["command"] else { throw Unreadable() }
        var verbs: [Verb] = []
        Self.add(root, prefix: "", to: &verbs)
        self.verbs = verbs
    }

    struct Unreadable: Error, CustomStringConvertible { var description: String { "berth does not tell its verbs" } }

    func verb(_ name: String) -> Verb? { verbs.first { $0.name == name } }

    private static func add(_ command: JSONValue, prefix: String, to verbs: inout [Verb]) {
        for inner in command["subcommands"]?.array ?? [] {
            guard let name = inner["commandName"]?.string, name != "help" else { continue }
            let options = (inner["arguments"]?.array ?? []).compactMap(option)
            for name in [name] + (inner["aliases"]?.array ?? []).compactMap(\.string) {
                verbs.append(Verb(name: prefix + name, options: options))
                add(inner, prefix: "\(prefix)\(name) ", to: &verbs)
            }
        }
    }

    private static func option(_ argument: JSONValue) -> Option? {
        guard let kind = argument["kind"]?.string, kind != "positional" else { return nil }
        var option = Option(
            takesValue: kind == "option", isShown: argument["shouldDisplay"]?.bool ?? true)
        for name in argument["names"]?.array ?? [] {
            guard let text = name["name"]?.string else { continue }
            if name["kind"]?.string == "long" { option.long.append(text) } else { option.short += Array(text) }
        }
        return option
    }
}
