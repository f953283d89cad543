import Console
import Testing

@Suite("Where a copy goes")
struct CopyRouteTests {
    struct Row: Sendable {
        var source: CopyEnd
        var target: CopyEnd
        /// Folder, then name; nil: refused.
        var route: [String]?

        init(
            _ source: String, isFolder: Bool = false, _ target: String, _ route: [String]?, there: String = "nothing"
        ) {
            self.source = CopyEnd(path: source, exists: true, isFolder: isFolder)
            self.target = CopyEnd(path: target, exists: there != "nothing", isFolder: there == "folder")
            self.route = route
        }
    }

    static let rows = [
        Row("a/file", "/data", ["/data", "file"], there: "folder"),
        Row("a/file", "/data/", ["/data/", "file"], there: "folder"),
        Row("a/file", "/data/new", ["/data", "new"]), Row("a/file", "/new", ["/", "new"]),
        Row("a/file", "/data/old", ["/data", "old"], there: "file"), Row("a/file", "/data/new/", nil),
        Row("a/file", "/data/old/", nil, there: "file"), Row("a/file/", "/data", nil, there: "folder"),
        Row("a/folder", isFolder: true, "/data", ["/data", "folder"], there: "folder"),
        Row("a/folder/", isFolder: true, "/data", ["/data", "folder"], there: "folder"),
        Row("a/folder/.", isFolder: true, "/data", ["/data", ""], there: "folder"),
        Row("a/folder", isFolder: true, "/data/new", ["/data", "new"]),
        Row("a/folder", isFolder: true, "/data/new/", ["/data", "new"]),
        Row("a/folder/.", isFolder: true, "/data/new", ["/data", "new"]),
        Row("a/folder", isFolder: true, "/data/old", nil, there: "file"),
        Row(".", isFolder: true, "/data", ["/data", ""], there: "folder"), Row("/", isFolder: true, "x", [".", "x"]),
        Row("a/file", "new", [".", "new"]), Row("a/file", "b/new", ["b", "new"]),
    ]

    @Test("goes by the rules of cp -r", arguments: rows)
    func route(_ row: Row) throws {
        guard let route = row.route else {
            #expect(throws: UsageFailure.self) { try CopyRoute(from: row.source, to: row.target) }
            return
        }
        let found = try CopyRoute(from: row.source, to: row.target)
        #expect([found.folder, found.name] == route)
    }

    @Test(
        "tells services, paths and streams apart",
        arguments: [
            ("-", CopyPlace.stream), ("web:/a", .container("web", path: "/a")),
            ("web:a", .container("web", path: "/a")),
            ("./web:a", .local("./web:a")), ("/a:b", .local("/a:b")), ("a/b:c", .local("a/b:c")), (":a", .local(":a")),
            ("web:", .container("web", path: "/")), ("file", .local("file")),
        ])
    func place(_ text: String, _ expected: CopyPlace) { #expect(CopyPlace(text) == expected) }
}
