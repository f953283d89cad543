import Dockerfile
import Testing
import YAML

@Suite("Ignore files match as the real ones") struct IgnoreFileTests {
    @Test(
        "paths",
        arguments: [
            ("a", "a", true), ("a", "b", false), ("a", "a/b", true), ("a/b", "a", false), ("/a", "a", true),
            ("a/", "a", true), ("./a", "a", true),
            ("*", "a", true), ("*", "a/b", true), ("*.txt", "a.txt", true), ("*.txt", "d/a.txt", false),
            ("*/a", "d/a", true), ("*/a", "d/e/a", false),
            ("**/a", "a", true), ("**/a", "d/a", true), ("**/a", "d/e/a", true), ("**/a", "d/e/xa", false),
            ("**.txt", "d/a.txt", true),
            ("**", "a/b", true), ("a/**", "a/b/c", true), ("a/**", "a", false), ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true), ("a/**/b", "a/x/c", false),
            ("a**", "abc", true), ("a**", "a/b", true), ("a**b", "ab", true), ("a**b", "axb", false),
            ("a**b", "ax/b", true),
            ("?", "a", true), ("?", "ab", false), ("[a-c]", "b", true), ("[a-c]", "d", false), ("[^a]", "b", true),
            ("[^a]", "a", false),
            ("a\\*", "a*", true), ("a\\*", "ab", false), ("#x", "#x", false), ("\\#x", "#x", true),
            ("a\n!a", "a", false), ("a\n!a/b", "a/b", false),
            ("a\n!a/b", "a/c", true), ("!a\na", "a", true), ("*\n!*.md", "README.md", false),
            ("*\n!*.md\nREADME.md", "README.md", true),
            ("**/*.go\n!x/**", "x/y.go", false), ("  a  ", "a", true), ("! a\n", "a", false), ("a/../b", "b", true),
            ("\u{FEFF}a", "a", true),
            ("a\r\nb\r\n", "b", true), ("node_modules", "src/node_modules", false),
            ("**/node_modules", "src/node_modules/x", true), ("a b", "a b", true),
            ("ä*", "äö", true), (".git", ".git/config", true), ("*.*", "ab", false), ("dir/*", "dir/x/y", true),
            ("dir/*\n!dir/x", "dir/x/y", false),
            ("a/\u{301}b", "a/\u{301}b", true), ("a", "a/\u{301}b", true), ("a/*", "a/\u{301}b", true),
        ])
    func path(rules: String, path: String, isExcluded: Bool) {
        var findings = Findings(file: ".dockerignore")
        let ignore = IgnoreFile(file: ".dockerignore", bytes: Array(rules.utf8), findings: &findings)
        #expect(findings.diagnostics == [])
        #expect(ignore.excludes(path) == isExcluded)
    }

    @Test(
        "what makes no sense is told at its place", arguments: [("!", 1), ("a\n  [a", 2), ("x\n\n[]", 3), ("a\\", 1)])
    func mistakes(text: String, line: Int) {
        var findings = Findings(file: ".dockerignore")
        _ = IgnoreFile(file: ".dockerignore", bytes: Array(text.utf8), findings: &findings)
        #expect(findings.diagnostics.map { $0.place?.line } == [line])
    }

    @Test(
        "a folder is not looked into when nothing in it can stay",
        arguments: [
            ("a", "a", true), ("a\n!b", "a", true), ("a\n!a/b", "a", false), ("*\n!a/b/c", "a", false),
            ("*\n!a/b/c", "x", true), ("*\n!a/b/c", "a/b", false),
            ("*\n!**/x", "a", false), ("a\n!*/x", "a", false), ("x", "a", false), ("*\n!src/*.c", "src", false),
            ("*\n!src/*/x.c", "src/deep", false),
        ])
    func folders(rules: String, path: String, isSkipped: Bool) {
        var findings = Findings(file: ".dockerignore")
        let ignore = IgnoreFile(file: ".dockerignore", bytes: Array(rules.utf8), findings: &findings)
        #expect(ignore.excludesAll(in: path) == isSkipped)
    }

    @Test("a pattern of many stars is no slower than its length")
    func stars() {
        let pattern = PathPattern(String(repeating: "*a", count: 500), spansFolders: true)
        #expect(pattern?.matches(String(repeating: "a", count: 5_000) + "b") == false)
    }

    @Test(
        "patterns of COPY stop at slashes",
        arguments: [
            ("*", "a", true), ("*", "a/b", false), ("a/*", "a/b", true), ("**", "a/b", false), ("[^/]", "a", true),
            ("a?c", "a/c", false),
        ])
    func copying(pattern: String, path: String, matches: Bool) {
        #expect(PathPattern(pattern, spansFolders: false)?.matches(path) == matches)
    }
}
