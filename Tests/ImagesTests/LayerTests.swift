import Glibc
import Images
import Linux
import OCI
import Testing

/// Unpacks `archive` as an image's only layer and gives `body` its folder.
private func withLayer(_ archive: [UInt8], _ body: (String) throws -> Void) async throws {
    try await withStore { store, _ in
        let image = try await store.importArchive(from: stream(archive), reference: Reference("x"))
        try body(try #require(await store.snapshot(for: image).lower.first))
    }
}

private func status(_ path: String) -> stat? {
    var result = stat()
    return lstat(path, &result) == 0 ? result : nil
}

private func isWhiteout(_ path: String) -> Bool {
    status(path).map { $0.st_mode & S_IFMT == S_IFCHR && $0.st_rdev == 0 } ?? false
}

private func attribute(_ name: String, of path: String) throws -> String? {
    try openFile(path, O_RDONLY).attribute(name).map { String(decoding: $0, as: UTF8.self) }
}

struct HostileCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let archive: [UInt8]
    let reason: String

    init(_ title: String, _ reason: String, _ build: (inout TarWriter) -> Void) {
        testDescription = title
        archive = TarWriter.archive(build)
        self.reason = reason
    }
}

@Suite(.enabled(if: isPrivileged)) struct LayerTests {
    @Test(arguments: [
        HostileCase("a name with ..", "leads out of the archive") { $0.file("../escaped", "x") },
        HostileCase("a name with .. further on", "leads out of the archive") { $0.file("a/../../escaped", "x") },
        HostileCase("a name with .., a mark that combines with its slash", "leads out of the archive") {
            $0.file("../\u{301}escaped", "x")
        },
        HostileCase("a hard link with ..", "leads out of the archive") { $0.hardLink("a", to: "../../etc/passwd") },
        HostileCase("a hard link to nothing", "which is not there") { $0.hardLink("a", to: "/etc/shadow") },
        HostileCase("a hard link through a link out of the root", "which is not there") {
            $0.symbolicLink("out", to: "/etc")
            $0.hardLink("a", to: "out/passwd")
        },
        HostileCase("a hard link to a folder", "a hard link to the folder") {
            $0.folder("d")
            $0.hardLink("a", to: "d")
        },
        HostileCase("a hard link to the root", "a hard link to") { $0.hardLink("a", to: ".") },
        HostileCase("a whiteout as a device", "device 0:0") { $0.add("a", type: "3") },
        HostileCase("a whiteout of ..", "a whiteout of nothing") { $0.file(".wh...", "") },
        HostileCase("a whiteout of nothing", "a whiteout of nothing") { $0.file(".wh.", "") },
        HostileCase("a file in a whiteout", "is inside a whiteout") { $0.file(".wh.a/b", "") },
        HostileCase("a hard link to a whiteout", "a hard link to") {
            $0.file(".wh.a", "")
            $0.hardLink("b", to: ".wh.a")
        },
        HostileCase("symbolic links in a circle", "symbolic links") {
            $0.symbolicLink("a", to: "b")
            $0.symbolicLink("b", to: "a")
            $0.file("a/c", "x")
        },
        HostileCase("a name longer than a file system has", "a file name of 300 bytes") {
            $0.file(String(repeating: "n", count: 300), "x")
        },
        HostileCase("a path longer than the kernel takes", "a name of") {
            $0.file(String(repeating: "a/", count: 3000) + "f", "x")
        },
        HostileCase("a file larger than the limit", "too large") {
            $0.add("a", records: [("size", Array("999999999999999".utf8))])
        },
        HostileCase("a pax header of two megabytes", "") {
            $0.add("a", records: [("comment", [UInt8](repeating: 0x61, count: 2 << 20))])
            $0.file("../escaped", "x")
        },
        HostileCase("a name that is not UTF-8", "not UTF-8") { $0.add("a", records: [("path", [0x61, 0xFF, 0xFE])]) },
    ])
    func anArchiveThatTriesToEscapeIsRefused(_ the: HostileCase) async throws {
        try await withStore { store, folder in
            let error = await #expect(throws: ImageError.self) {
                try await store.importArchive(from: stream(the.archive), reference: Reference("x"))
            }
            expectText(error, has: the.reason)
            let remains = try folderEntries("\(folder)/store/snapshots")
            #expect(remains == ["empty"])
            #expect(try folderEntries("\(folder)/store/content/blobs/sha256") == [])
            #expect(try folderEntries(folder) == ["store"])
        }
    }

    @Test func linksThatPointOutsideStayInside() async throws {
        let archive = TarWriter.archive { tar in
            tar.symbolicLink("abs", to: "/berth-hostile")
            tar.file("abs/file", "1")
            tar.symbolicLink("up", to: "../../../../../berth-up")
            tar.file("up/file", "2")
            tar.file("/rooted", "3")
            tar.symbolicLink("etc", to: "/proc/self/root/etc")
            tar.file("etc/made", "4")
        }
        try await withLayer(archive) { root throws in
            #expect(try readText("\(root)/berth-hostile/file") == "1")
            #expect(try readText("\(root)/berth-up/file") == "2")
            #expect(try readText("\(root)/rooted") == "3")
            #expect(try readText("\(root)/proc/self/root/etc/made") == "4")
            #expect(!fileExists("/berth-hostile") && !fileExists("/berth-up") && !fileExists("/etc/made"))
        }
    }

    @Test func aFileOverALinkReplacesTheLinkAndNotItsTarget() async throws {
        let archive = TarWriter.archive { tar in
            tar.file("target", "kept")
            tar.symbolicLink("link", to: "target")
            tar.file("link", "new")
            tar.symbolicLink("folder", to: "elsewhere")
            tar.folder("elsewhere")
            tar.folder("folder")
            tar.file("folder/f", "x")
            tar.file("plain", "1")
            tar.file("plain/child", "2")
        }
        try await withLayer(archive) { root throws in
            #expect(try readText("\(root)/target") == "kept")
            #expect(try readText("\(root)/link") == "new")
            #expect(status("\(root)/folder").map { $0.st_mode & S_IFMT } == S_IFDIR)
            #expect(!fileExists("\(root)/elsewhere/f"))
            #expect(try readText("\(root)/plain/child") == "2")
        }
    }

    @Test func whiteoutsHideWhatIsBelowAndNothingOfTheirOwnLayer() async throws {
        let archive = TarWriter.archive { tar in
            tar.file("d/.wh.gone", "")
            tar.file("d/own", "x")
            tar.file("d/.wh.own", "")
            tar.file("d/.wh.folder", "")
            tar.file("d/folder/f", "y")
            tar.folder("later")
            tar.file(".wh.later", "")
            tar.file("o/.wh..wh..opq", "")
            tar.file(".wh..wh.plnk/1.2", "")
        }
        try await withLayer(archive) { root throws in
            #expect(isWhiteout("\(root)/d/gone"))
            #expect(try readText("\(root)/d/own") == "x")
            #expect(try readText("\(root)/d/folder/f") == "y")
            for folder in ["d/folder", "later", "o"] {
                #expect(try attribute("trusted.overlay.opaque", of: "\(root)/\(folder)") == "y")
            }
            #expect(try attribute("trusted.overlay.opaque", of: "\(root)/d") == nil)
            #expect(try folderEntries(root) == ["d", "later", "o"])
        }
    }

    @Test func attributesAreKeptExceptOverlayfssOwn() async throws {
        // cap_net_bind_service=ep, linux/capability.h: revision 2
        let capability: [UInt8] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        let archive = TarWriter.archive { tar in
            tar.add(
                "ping", mode: 0o755, uid: 7, data: [1],
                records: [
                    ("SCHILY.xattr.security.capability", capability), ("SCHILY.xattr.user.note", Array("hi".utf8)),
                    ("SCHILY.xattr.trusted.overlay.opaque", Array("y".utf8)),
                    ("SCHILY.xattr.user.overlay.opaque", Array("y".utf8)),
                    ("SCHILY.xattr.trusted.overlay.redirect", Array("/x".utf8)),
                    ("SCHILY.xattr.trusted.other", Array("y".utf8)),
                ])
        }
        try await withLayer(archive) { root throws in
            let file = try openFile("\(root)/ping", O_RDONLY)
            #expect(try file.attributeNames().sorted() == ["security.capability", "user.note"])
            #expect(try file.attribute("security.capability") == capability)
        }
    }

    @Test func devicesAndFifosAreMade() async throws {
        let archive = TarWriter.archive { tar in
            tar.add("null", type: "3", mode: 0o666, major: 1, minor: 3)
            tar.add("loop", type: "4", mode: 0o660, gid: 6, major: 7, minor: 0)
            tar.add("fifo", type: "6", mode: 0o600)
        }
        try await withLayer(archive) { root throws in
            #expect(status("\(root)/null")?.st_rdev == deviceNumber(major: 1, minor: 3))
            #expect(status("\(root)/null").map { $0.st_mode } == S_IFCHR | 0o666)
            #expect(status("\(root)/loop").map { $0.st_mode } == S_IFBLK | 0o660)
            #expect(status("\(root)/loop")?.st_gid == 6)
            #expect(status("\(root)/fifo").map { $0.st_mode } == S_IFIFO | 0o600)
        }
    }

    @Test("a slash is a slash, whatever mark combines with it, and names that look alike are two")
    func bytes() async throws {
        let outside = "/tmp/berth-outside-\(getpid())"
        try makeFolders(outside)
        defer { try? removeTree(outside) }
        let archive = TarWriter.archive {
            $0.symbolicLink("out", to: outside)
            $0.file("out/\u{301}x", "x")
            $0.file("e\u{301}/1", "decomposed")
            $0.file("\u{e9}/2", "composed")
            $0.file("e\u{301}/3", "decomposed")
            $0.file("gone/.wh.\u{301}a", "")
        }
        try await withLayer(archive) { layer throws in
            #expect(try folderEntries(outside) == [])
            #expect(try readText("\(layer)\(outside)/\u{301}x") == "x")
            #expect(try folderEntries("\(layer)/e\u{301}") == ["1", "3"])
            #expect(try folderEntries("\(layer)/\u{e9}") == ["2"])
            #expect(isWhiteout("\(layer)/gone/\u{301}a"))
            #expect(try layerPaths(of: "/e\u{301}/1", in: [layer]) == ["\(layer)/e\u{301}/1"])
            #expect(try layerPaths(of: "/gone/../e\u{301}/\u{301}", in: [layer]) == nil)
        }
    }
}
