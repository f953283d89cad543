import Console
import Linux

/// The pages that messages point to, such as `differences`: `berth help differences` prints one.
struct Documents {
    /// Where they are: `share/doc/berth` beside the `bin` that the program is in, or `docs` of the sources it was built from.
    let folder: String

    init?(program: String? = CallingProcess.executablePath) {
        guard let bin = program.flatMap(Self.parent) else { return nil }
        var candidates = Self.parent(bin).map { ["\($0)/share/doc/berth"] } ?? []
        var above = bin
        while let next = Self.parent(above) {
            above = next
            if fileExists("\(above)/Package.swift") { candidates.append("\(above)/docs") }
        }
        guard let folder = candidates.first(where: { fileExists("\($0)/differences.md") }) else { return nil }
        self.folder = folder
    }

    /// Names of the pages, sorted; the overview is not among them.
    var names: [String] {
        ((try? folderEntries(folder)) ?? []).filter { $0.hasSuffix(".md") && $0 != "README.md" }
            .map { String($0.dropLast(3)) }.sorted()
    }

    /// The page of that name.
    /// - Throws: `UsageFailure` when there is none.
    func text(of name: String) throws -> String {
        let names = names
        if name == "pages" { return names.map { "\($0)\n" }.joined() }
        guard names.contains(name) else {
            throw UsageFailure(
                "there is no verb or page \"\(name)\"\(Suggestion.question(for: name, among: names + Berth.verbs.keys))",
                hint: "pages: \(names.joined(separator: ", "))")
        }
        return try readText("\(folder)/\(name).md", limit: 1 << 20)
    }

    private static func parent(_ path: String) -> String? {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return nil }
        return String(path[..<slash])
    }
}
