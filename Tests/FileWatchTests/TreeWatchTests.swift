import Glibc
import Linux
import Testing

@testable import FileWatch

/// Real folders and real events; a change is looked for until it is there, never waited for by the clock.
@Suite struct TreeWatchTests {
    /// A folder of its own, and what follows it.
    private final class Bench {
        let root: String
        let tree: TreeWatch

        init(
            _ name: String, below: [String] = [""], files: [String] = [],
            skips: @escaping (String) -> Bool = { _ in false }
        )
            throws
        {
            root = "/tmp/berth-tree-\(getpid())-\(name)"
            try removeTree(root)
            try makeFolders("\(root)/w")
            let folder = "\(root)/w"
            for file in files { try Self.write("\(folder)/\(file)") }
            tree = try TreeWatch(below.map { $0.isEmpty ? folder : "\(folder)/\($0)" }, skips: skips)
        }

        deinit { try? removeTree(root) }

        static func write(_ path: String, _ text: String = "x") throws {
            if let slash = path.lastIndex(of: "/") { try makeFolders(String(path[..<slash])) }
            let file = try openFile(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
            try file.write(Array(text.utf8))
        }

        func write(_ name: String, _ text: String = "x") throws { try Self.write("\(root)/w/\(name)", text) }
        func path(_ name: String) -> String { "\(root)/w/\(name)" }

        /// Changes as `+a` and `-a`; events of a call are there when it returns.
        func changes() -> [String] {
            _ = tree.takeEvents()
            return tree.takeChanges().map { ($0.kind == .removed ? "-" : "+") + $0.path.dropFirst("\(root)/w/".count) }
        }
    }

    @Test("what is there at the beginning is no change; a file that is written, made and removed is")
    func simple() throws {
        let bench = try Bench("simple", files: ["a", "d/b"])
        #expect(bench.changes() == [])
        try bench.write("a", "longer")
        try bench.write("d/c")
        unlink(bench.path("d/b"))
        #expect(bench.changes() == ["+a", "-d/b", "+d/c"])
        #expect(bench.changes() == [])
        chmod(bench.path("a"), 0o755)
        #expect(bench.changes() == ["+a"])
    }

    @Test("new folders are followed at once, with what came before they were")
    func newFolders() throws {
        let bench = try Bench("new")
        try bench.write("x/y/z/1")
        #expect(bench.changes() == ["+x", "+x/y", "+x/y/z", "+x/y/z/1"])
        try bench.write("x/y/z/2")
        try bench.write("x/y/3")
        #expect(bench.changes() == ["+x/y/3", "+x/y/z/2"])
    }

    @Test("an editor that writes another file and renames it over the first one")
    func renameOver() throws {
        let bench = try Bench("over", files: ["a"])
        try bench.write(".a.tmp", "new")
        rename(bench.path(".a.tmp"), bench.path("a"))
        #expect(bench.changes() == ["+a"])
        // One that keeps the old one under another name.
        rename(bench.path("a"), bench.path("a.bak"))
        try bench.write("a", "newer")
        #expect(bench.changes() == ["+a", "+a.bak"])
    }

    @Test("a folder that is renamed is gone there and new here, and is followed under its new name only")
    func renamedFolder() throws {
        let bench = try Bench("renamed", files: ["d/e/1", "d/2"])
        rename(bench.path("d"), bench.path("n"))
        #expect(bench.changes() == ["-d", "-d/2", "-d/e", "-d/e/1", "+n", "+n/2", "+n/e", "+n/e/1"])
        try bench.write("n/e/1", "changed")
        #expect(bench.changes() == ["+n/e/1"])
        // Out of what is followed: its events are nobody's.
        rename(bench.path("n"), "\(bench.root)/away")
        #expect(bench.changes() == ["-n", "-n/2", "-n/e", "-n/e/1"])
        try Bench.write("\(bench.root)/away/e/1", "more")
        #expect(bench.changes() == [])
    }

    @Test("a folder that is replaced by another one of its name: only what differs")
    func replacedFolder() throws {
        let bench = try Bench("replaced", files: ["d/1", "d/2", "d/e/3"])
        try removeTree(bench.path("d"))
        try bench.write("d/1", "other")
        try bench.write("d/e/4")
        let changes = bench.changes()
        #expect(changes.contains("+d/1") && changes.contains("-d/2") && changes.contains("-d/e/3"))
        #expect(changes.contains("+d/e/4") && !changes.contains("-d") && !changes.contains("-d/e"))
        try bench.write("d/e/5")
        #expect(bench.changes() == ["+d/e/5"])
    }

    @Test("a file becomes a folder, and a folder a link")
    func kinds() throws {
        let bench = try Bench("kinds", files: ["a", "d/1"])
        unlink(bench.path("a"))
        try bench.write("a/b")
        try removeTree(bench.path("d"))
        symlink("a", bench.path("d"))
        #expect(bench.changes() == ["-a", "+a", "+a/b", "-d", "+d", "-d/1"])
        // A link is what is followed, not where it leads.
        try bench.write("a/b", "more")
        #expect(bench.changes() == ["+a/b"])
        unlink(bench.path("d"))
        symlink("nowhere", bench.path("d"))
        #expect(bench.changes() == ["+d"])
    }

    @Test("one file is followed: written, renamed over, gone and back; its neighbours are not")
    func oneFile() throws {
        let bench = try Bench("file", below: ["conf"], files: ["conf", "other"])
        try bench.write("conf", "2")
        try bench.write("other", "2")
        #expect(bench.changes() == ["+conf"])
        try bench.write("new", "3")
        rename(bench.path("new"), bench.path("conf"))
        #expect(bench.changes() == ["+conf"])
        unlink(bench.path("conf"))
        #expect(bench.changes() == ["-conf"])
        try bench.write("conf", "4")
        #expect(bench.changes() == ["+conf"])
    }

    @Test("what is not there yet is followed when it comes, and again after it went")
    func later() throws {
        let bench = try Bench("later", below: ["a/b/src"])
        #expect(bench.changes() == [])
        try bench.write("a/x")
        #expect(bench.changes() == [])
        try bench.write("a/b/src/1")
        #expect(bench.changes() == ["+a/b/src", "+a/b/src/1"])
        try bench.write("a/b/src/1", "more")
        #expect(bench.changes() == ["+a/b/src/1"])
        try removeTree(bench.path("a"))
        #expect(bench.changes() == ["-a/b/src", "-a/b/src/1"])
        try bench.write("a/b/src/2")
        #expect(bench.changes() == ["+a/b/src", "+a/b/src/2"])
        rename(bench.path("a/b"), bench.path("a/c"))
        #expect(bench.changes() == ["-a/b/src", "-a/b/src/2"])
        rename(bench.path("a/c"), bench.path("a/b"))
        #expect(bench.changes() == ["+a/b/src", "+a/b/src/2"])
    }

    @Test("when the kernel dropped events, a look at everything finds what they would have told")
    func overflow() throws {
        let bench = try Bench("overflow", files: ["a", "d/1", "d/2", "e/f/3"])
        // The events themselves are thrown away.
        func lose(_ body: () throws -> Void) rethrows {
            try body()
            Inotify.read(bench.tree.descriptor) { _ in }
        }
        try lose {
            try bench.write("a", "other")
            unlink(bench.path("d/2"))
            try bench.write("g/h/4")
            try removeTree(bench.path("e"))
        }
        #expect(bench.changes() == [])
        bench.tree.noteOverflow()
        #expect(bench.changes() == ["+a", "-d/2", "-e", "-e/f", "-e/f/3", "+g", "+g/h", "+g/h/4"])
        // What was found that way is followed like the rest.
        try bench.write("g/h/5")
        #expect(bench.changes() == ["+g/h/5"])
    }

    @Test("folders that are skipped cost no watch and bring no change")
    func skipped() throws {
        let bench = try Bench("skipped", files: ["m/1", "n/2"]) { $0.hasSuffix("/m") }
        try bench.write("m/3")
        try bench.write("n/4")
        #expect(bench.changes() == ["+n/4"])
    }

    @Test("20,000 files that come, change and go at once are each told once")
    func many() throws {
        let bench = try Bench("many")
        for index in 0..<20_000 { try bench.write("d\(index % 100)/f\(index)") }
        #expect(bench.changes().count == 20_100)
        for index in stride(from: 0, to: 20_000, by: 2) { try bench.write("d\(index % 100)/f\(index)", "other") }
        #expect(bench.changes().count == 10_000)
        for folder in 0..<100 { try removeTree(bench.path("d\(folder)")) }
        #expect(bench.changes().count == 20_100)
        #expect(bench.tree.files(below: "\(bench.root)/w").isEmpty)
    }
}
