import Linux
import Testing

/// Every option, attribute and stored property is read by somebody, or stands in a list of those without effect.
@Suite struct UseTests {
    /// Options that are accepted because docker compose has them, and do nothing here.
    private static let withoutEffect: Set<String> = [
        "menu",  // there is none
        "prune",  // images without a name go by themselves
        "builder", "memory", "load",  // berth builds by itself, and what it builds is in its store
    ]

    @Test("every option and argument of every verb is read, or stands in the list of those without effect")
    func options() throws {
        let files = try SourceFile.all(of: "berth").map { file in (file.path, try readText(file.path)) }
        var unread: Set<String> = []
        var count = 0
        for (path, text) in files {
            for name in Self.declared(in: text) {
                count += 1
                let own = Self.count(of: name, in: text)
                let elsewhere =
                    path.contains("/Arguments/")
                    ? files.filter { $0.0 != path }.reduce(0) { $0 + Self.count(of: name, in: $1.1, after: ".") } : 0
                if own < 2, elsewhere == 0 { unread.insert(name) }
            }
        }
        #expect(count > 250)
        #expect(unread == Self.withoutEffect)
    }

    /// Properties that only keep what a file says, each with the reason in its attribute's standing or in a warning.
    private static let kept: Set<String> = [
        "storageOptions", "usernsMode", "isolation", "appProtocol", "provenance", "sbom",
    ]

    @Test("every property of the model is read by what acts on it, or only kept")
    func properties() throws {
        let acting = try ["Engine", "Reconcile", "Builder", "Networking", "Runtime", "EngineAPI", "FileWatch", "berth"]
            .flatMap { try SourceFile.all(of: $0) }.map { try readText($0.path) }
        let read = Set(acting.flatMap(Self.members))
        var unread: Set<String> = []
        var count = 0
        for file in try SourceFile.all(of: "ProjectModel") {
            for line in try readText(file.path).split(separator: "\n") {
                let words = line.split(separator: " ", maxSplits: 3)
                guard words.count > 2, words[0] == "package", words[1] == "var", !line.hasSuffix("}"),
                    !line.hasSuffix("{")
                else { continue }
                let name = String(words[2].prefix { $0 != ":" })
                guard words[2].hasSuffix(":") else { continue }
                count += 1
                if !read.contains(name) { unread.insert(name) }
            }
        }
        #expect(count > 150)
        #expect(unread == Self.kept)
    }

    /// Inside of sections that have no effect as a whole, or that nothing acts on yet.
    private static let insideUnacted: Set<String> = [
        "discrete_resource_spec", "preferences", "spread", "max_replicas_per_node", "registry", "endpoint_var",
        "model_var", "context_size", "runtime_flags",
    ]

    @Test("every attribute of the format that is acted on is read after the file was loaded")
    func attributes() throws {
        let files = try SourceFile.all(of: "ComposeFile")
        let reading = try files.filter { !$0.path.contains("/Format/") && !$0.path.contains("/Config/") }
            .map { try readText($0.path) }.joined()
        var unread: Set<String> = []
        var count = 0
        for file in files where file.path.contains("/Format/Format") {
            let parts = try readText(file.path).split(separator: "Attribute(")
            for part in parts.dropFirst() {
                let text = part.drop { $0.isWhitespace }
                guard text.first == "\"", let name = text.dropFirst().split(separator: "\"").first else { continue }
                count += 1
                if part.contains("standing:") { continue }
                if !reading.contains("\"\(name)\"") { unread.insert(String(name)) }
            }
        }
        #expect(count > 250)
        #expect(unread == Self.insideUnacted)
    }

    // MARK: Reading source text

    /// The names behind `@Option`, `@Flag` and `@Argument`.
    private static func declared(in text: String) -> [String] {
        var names: [String] = []
        for mark in ["@Option", "@Flag", "@Argument"] {
            for part in text.split(separator: mark, omittingEmptySubsequences: false).dropFirst() {
                // `@OptionGroup` is no option.
                guard part.first.map({ !$0.isLetter }) == true, let place = part.firstRange(of: "var ") else {
                    continue
                }
                names.append(String(part[place.upperBound...].prefix { $0.isLetter || $0.isNumber }))
            }
        }
        return names
    }

    private static func words(_ text: some StringProtocol) -> [Substring] {
        Substring(text).split { !$0.isLetter && !$0.isNumber && $0 != "_" }
    }

    private static func count(of name: String, in text: String, after mark: String = "") -> Int {
        if mark.isEmpty { return words(text).count { $0 == name } }
        return members(text).count { $0 == name }
    }

    /// What stands behind a dot.
    private static func members(_ text: String) -> [String] {
        text.split(separator: ".").dropFirst().map { String($0.prefix { $0.isLetter || $0.isNumber }) }
    }
}
