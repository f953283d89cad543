import Console
import Linux

/// The pages that messages refer to, such as `differences`: `berth help differences` prints one.
struct Documents {
    /// The folder of the pages: `share/doc/berth` beside the `bin` folder of the program, or `docs` in the sources that
    /// it was built from.
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

    /// Sorted names of the pages, without the overview.
    var names: [String] {
        ((try? folderEntries(folder)) ?? []).filter { $0.hasSuffix(".md") && $0 != "README.md" }
            .map { String($0.dropLast(3)) }.sorted()
    }

    /// The text of the page `name`.
    /// - Throws: `UsageFailure` when there is no such page.
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
