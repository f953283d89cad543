import Dockerfile
import Testing

/// A tree in memory: paths that end with a slash are folders, `a -> b` is a link.
private struct MemoryTree: SourceTree {
    let entries: [String: SourceEntry]

    init(_ lines: [String]) {
        var entries = ["": SourceEntry(path: "", kind: .folder, mode: 0o755)]
        for line in lines {
            let parts = line.split(separator: " -> ").map(String.init)
            let path = parts[0].hasSuffix("/") ? String(parts[0].dropLast()) : parts[0]
            let names = path.split(separator: "/").map(String.init)
            for count in 1..<max(1, names.count) {
                let parent = names[..<count].joined(separator: "/")
                entries[parent] = entries[parent] ?? SourceEntry(path: parent, kind: .folder, mode: 0o755)
            }
            let kind: SourceEntry.Kind =
                parts.count == 2 ? .link(parts[1]) : parts[0].hasSuffix("/") ? .folder : .file
            entries[path] = SourceEntry(path: path, kind: kind, mode: 0o644)
        }
        self.entries = entries
    }

    func entry(_ path: String) -> SourceEntry? { entries[path] }

    func names(in path: String) -> [String] {
        entries.keys.filter { key in
            guard !key.isEmpty, key != path else { return false }
            let parent = key.lastIndex(of: "/").map { String(key[..<$0]) } ?? ""
            return parent == path
        }.map { String($0.split(separator: "/").last ?? "") }.sorted()
    }
}

@Suite struct SourceMatcherTests {
    private static let tree = MemoryTree([
        "a.txt", "b.txt", "src/main.c", "src/lib/x.c", "src/lib/x.h", "src/empty/", "link -> src", "out -> ../../etc",
        "loop -> loop", "node_modules/p/i.js", "doc -> a.txt", "we[ird",
    ])

    @Test(
        "patterns lead to what they name",
        arguments: [
            (["a.txt"], "a.txt"), (["./a.txt"], "a.txt"), (["/a.txt"], "a.txt"), (["../a.txt"], "a.txt"),
            (["src/../a.txt"], "a.txt"), (["src"], "src(empty,lib,lib/x.c,lib/x.h,main.c)"),
            (["src/"], "src(empty,lib,lib/x.c,lib/x.h,main.c)"), (["*.txt"], "a.txt b.txt"),
            (["src/*"], "src/empty() src/lib(x.c,x.h) src/main.c"), (["s?c/m*.c"], "src/main.c"),
            (["[ab].txt"], "a.txt b.txt"), (["link"], "src(empty,lib,lib/x.c,lib/x.h,main.c)"),
            (["link/main.c"], "src/main.c"), (["doc"], "a.txt"), (["we[[]ird"], "we[ird"),
            (["a.txt", "src/main.c"], "a.txt src/main.c"), (["*.none"], ""),
            (["a*/x"], ""),
        ])
    func matches(_ patterns: [String], _ expected: String) throws {
        #expect(try text(SourceQuery(patterns: patterns)) == expected)
    }

    @Test("with --parents two stars span folders, and the way is kept")
    func parents() throws {
        let query = SourceQuery(patterns: ["src/**/*.c", "./src/./lib/x.h"], keepsParents: true)
        let matches = try SourceMatcher(Self.tree).matches(query)
        #expect(
            matches[0].map(\.path) == ["src/main.c", "src/lib/x.c"]
                || matches[0].map(\.path) == ["src/lib/x.c", "src/main.c"])
        #expect(matches[1].map(\.path) == ["lib/x.h"] && matches[1][0].parents.map(\.path) == ["lib"])
    }

    @Test("what is ignored or excluded stays out")
    func ignored() throws {
        var findings = Findings(file: "i")
        let ignore = IgnoreFile(
            file: "i", bytes: Array("node_modules\n*.txt\n!b.txt\nsrc/lib/*.c\n".utf8), findings: &findings)
        let all = try SourceMatcher(Self.tree, ignoring: ignore).matches(SourceQuery(patterns: ["."]))[0][0].below.map(
            \.path)
        #expect(all.contains("b.txt") && all.contains("src/lib/x.h"))
        #expect(!all.contains { $0.hasPrefix("node_modules") || $0 == "a.txt" || $0 == "src/lib/x.c" })
        #expect(throws: SourceFailure.missing(pattern: 0, nearest: nil, isIgnored: true)) {
            try SourceMatcher(Self.tree, ignoring: ignore).matches(SourceQuery(patterns: ["a.txt"]))
        }
        #expect(try text(SourceQuery(patterns: ["src"], excluded: ["**/*.c"])) == "src(empty,lib,lib/x.h)")
    }

    @Test(
        "what is missing is told, with the name that looks like it",
        arguments: [
            ("a.txs", SourceFailure.missing(pattern: 0, nearest: "a.txt", isIgnored: false)),
            ("src/mian.c", .missing(pattern: 0, nearest: "src/main.c", isIgnored: false)),
            ("out", .missing(pattern: 0, nearest: nil, isIgnored: false)), ("loop", .tooManyLinks(pattern: 0)),
            ("[a", .invalidPattern(0)),
        ])
    func missing(_ pattern: String, _ failure: SourceFailure) {
        #expect(throws: failure) { try SourceMatcher(Self.tree).matches(SourceQuery(patterns: [pattern])) }
    }

    private func text(_ query: SourceQuery) throws -> String {
        try SourceMatcher(Self.tree).matches(query).flatMap { $0 }.map { match in
            guard match.entry.isFolder else { return match.entry.path }
            return "\(match.entry.path)(\(match.below.map(\.path).joined(separator: ",")))"
        }.joined(separator: " ")
    }
}
