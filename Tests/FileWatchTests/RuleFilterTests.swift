import Dockerfile
import FileWatch
import ProjectModel
import Testing

@Suite struct RuleFilterTests {
    private func filter(
        include: [String] = [], ignore: [String] = [], dockerignore: String? = nil, root: String = "/p/src"
    ) throws -> RuleFilter {
        var rule = WatchRule(path: root, action: .sync, target: "/app")
        rule.include = include
        rule.ignore = ignore
        var context: RuleFilter.ContextIgnore?
        if let dockerignore {
            var findings = Findings(file: "x")
            context = RuleFilter.ContextIgnore(
                folder: "/p", file: IgnoreFile(file: "x", bytes: Array(dockerignore.utf8), findings: &findings))
        }
        return try RuleFilter(rule, root: root, context: context)
    }

    @Test(
        "a rule is about what is below its path",
        arguments: [
            ("/p/src", true), ("/p/src/a", true), ("/p/src/a/b.c", true), ("/p/srcs", false), ("/p", false),
            ("/", false), ("/p/src2/a", false),
        ])
    func below(path: String, isAccepted: Bool) throws { #expect(try filter().accepts(path) == isAccepted) }

    @Test(
        "what editors and repositories write for themselves counts for no rule",
        arguments: [
            ".git/HEAD", "lib/.git", "a.py~", ".a.py.swp", ".a.swx", "sub/.a.swo", ".a.swn", "4913", ".#a", "#a#",
            "a___jb_tmp___", "a___jb_old___", ".idea/x.xml", ".a.kate-swp", "1-go-tmp-umask",
        ])
    func editors(path: String) throws { #expect(try !filter().accepts("/p/src/\(path)")) }

    @Test("their likes count", arguments: ["a.swp", "a.swf", ".gitignore", "#a", "49130", "git/a", ".env"])
    func likes(path: String) throws { #expect(try filter().accepts("/p/src/\(path)")) }

    @Test(
        "patterns are relative to the rule's path, in the language of .dockerignore",
        arguments: [
            (["*.py"], "a.py", true), (["*.py"], "sub/a.py", false), (["**/*.py"], "sub/a.py", true),
            (["node_modules/"], "node_modules/x/y", true), (["node_modules"], "sub/node_modules/x", false),
            (["**/node_modules"], "sub/node_modules/x", true), (["*.md", "!README.md"], "README.md", false),
            (["*.md", "!README.md"], "a.md", true), (["/a"], "a", true),
        ])
    func patterns(patterns: [String], path: String, matches: Bool) throws {
        #expect(try filter(ignore: patterns).accepts("/p/src/\(path)") == !matches)
        #expect(try filter(include: patterns).accepts("/p/src/\(path)") == matches)
    }

    @Test("what the build's .dockerignore leaves out counts for no rule")
    func dockerignore() throws {
        let filter = try filter(dockerignore: "src/gen\n**/*.log\n!src/keep.log\n")
        #expect(!filter.accepts("/p/src/gen/a"))
        #expect(!filter.accepts("/p/src/x.log"))
        #expect(filter.accepts("/p/src/keep.log"))
        #expect(filter.accepts("/p/src/a"))
    }

    @Test("folders in which nothing counts are not looked into")
    func skipping() throws {
        let filter = try filter(ignore: ["node_modules", "data", "!data/keep"], dockerignore: "src/gen")
        for path in [".git", "node_modules", "gen", "a/.git"] {
            #expect(filter.skipsAll(in: "/p/src/\(path)"), "\(path)")
        }
        for path in ["", "/a", "/data"] { #expect(!filter.skipsAll(in: "/p/src\(path)"), "\(path)") }
        #expect(filter.skipsAll(in: "/q"))
        #expect(!filter.skipsAll(in: "/p"))
        #expect(!filter.skipsAll(in: "/"))
    }

    @Test("a path keeps its place below the target")
    func targets() throws {
        let filter = try filter()
        #expect(filter.target(of: "/p/src/a/b", below: "/app") == "/app/a/b")
        #expect(filter.target(of: "/p/src/a", below: "/app/") == "/app/a")
        #expect(filter.target(of: "/p/src", below: "/app") == "/app")
        #expect(filter.target(of: "/p/src/a", below: "/") == "/a")
        #expect(filter.target(of: "/q", below: "/app") == nil)
    }

    @Test("a pattern that is none is told with its place")
    func invalid() throws {
        do {
            _ = try filter(ignore: ["a", "[b"])
            Issue.record("accepted")
        } catch let error as RuleFilter.InvalidPattern {
            #expect(error.attribute == "ignore" && error.index == 1 && error.pattern == "[b")
        }
    }
}
