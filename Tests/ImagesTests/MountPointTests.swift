import Glibc
import Images
import Linux
import Testing

struct MountPointCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let archive: [UInt8]
    /// Lines of `path kind mode owner`, sorted by path.
    let shown: [String]

    init(_ title: String, _ shown: [String], _ build: (inout TarWriter) -> Void) {
        testDescription = title
        archive = TarWriter.archive(build)
        self.shown = shown
    }
}

@Suite(.enabled(if: isPrivileged)) struct MountPointTests {
    @Test(
        "the layer with mount points adds what is missing and changes nothing else",
        arguments: [
            MountPointCase(
                "an image without anything of the kind",
                [
                    ".dockerenv file 755 0:0", "bin folder 755 0:0", "dev folder 755 0:0", "etc folder 755 0:0",
                    "etc/hostname file 644 0:0", "etc/hosts file 644 0:0", "etc/mtab link",
                    "etc/resolv.conf file 644 0:0", "proc folder 755 0:0", "sys folder 755 0:0",
                ]
            ) { $0.folder("bin") },
            MountPointCase(
                "an image with some of it",
                [
                    ".dockerenv file 755 0:0", "dev folder 700 5:6", "etc folder 750 3:4", "etc/hostname file 644 0:0",
                    "etc/hosts file 600 7:8", "etc/mtab file 644 0:0", "etc/resolv.conf file 644 0:0",
                    "proc folder 755 0:0", "sys folder 755 0:0",
                ]
            ) {
                $0.folder("dev", mode: 0o700, uid: 5, gid: 6)
                $0.folder("etc", mode: 0o750, uid: 3, gid: 4)
                $0.file("etc/hosts", "127.0.0.1 here", mode: 0o600, uid: 7, gid: 8)
                $0.file("etc/mtab", "x")
            },
            MountPointCase(
                "an image with links in the way",
                [
                    ".dockerenv file 755 0:0", "dev link", "etc link", "proc folder 755 0:0", "real folder 755 0:0",
                    "real/x file 644 0:0",
                    "sys folder 755 0:0",
                ]
            ) {
                $0.symbolicLink("dev", to: "real")
                $0.symbolicLink("etc", to: "real")
                $0.file("real/x", "x")
            },
            MountPointCase(
                "an image whose resolv.conf is a link",
                [
                    ".dockerenv file 755 0:0", "dev folder 755 0:0", "etc folder 755 0:0", "etc/hostname file 644 0:0",
                    "etc/hosts file 644 0:0", "etc/mtab link", "etc/resolv.conf link", "proc folder 755 0:0",
                    "sys folder 755 0:0",
                ]
            ) {
                $0.folder("etc")
                $0.symbolicLink("etc/resolv.conf", to: "../run/resolv.conf")
            },
        ])
    func addsWhatIsMissing(_ given: MountPointCase) async throws {
        try await withStore { store, folder in
            let archive = try ArchiveBuilder.archive([ArchiveBuilder(layers: [given.archive], tags: ["it:1"])])
            let image = try await store.load(from: stream(archive))[0].image
            let snapshot = try await store.snapshot(for: image)
            #expect(snapshot.mounted.count == 2 && snapshot.lower == Array(snapshot.mounted.dropFirst()))
            #expect(try await store.snapshot(for: image).mounted == snapshot.mounted)
            for name in ["upper", "work", "merged"] { try makeFolders("\(folder)/\(name)") }
            let shown = try await runOnPrivateThread(mounts: true) {
                let merged = "\(folder)/merged"
                try mountLayers(snapshot.mounted, upper: "\(folder)/upper", work: "\(folder)/work", at: merged)
                return try lines(of: "", in: merged)
            }
            #expect(shown == given.shown)
            // Nothing was made in the container's own layer.
            #expect(try folderEntries("\(folder)/upper").isEmpty)
            _ = try await store.remove("it:1")
            #expect(try folderEntries("\(folder)/store/snapshots") == ["empty"])
        }
    }

    @Test("two containers that begin at once share one layer") func sharedLayer() async throws {
        try await withStore { store, folder in
            let archive = try ArchiveBuilder.archive([ArchiveBuilder(layers: [baseLayer], tags: ["it:1"])])
            let image = try await store.load(from: stream(archive))[0].image
            let layers = try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 0..<8 { group.addTask { try await store.snapshot(for: image).mounted } }
                return try await group.reduce(into: Set<[String]>()) { $0.insert($1) }
            }
            #expect(layers.count == 1)
            let top = try #require(layers.first?.first)
            #expect(try folderEntries("\(top)/etc") == ["hostname", "hosts", "mtab", "resolv.conf"])
            #expect(try folderEntries("\(folder)/store/snapshots").filter { $0.hasPrefix(".new-") }.isEmpty)
        }
    }

    @Test("kernels before 6.5 mount as many layers as an image may have", arguments: [1, 40, 130])
    func classicMount(_ count: Int) async throws {
        try await withTemporaryFolder { folder in
            let name = String(repeating: "a", count: 64)
            let layers = (0..<count).map { "\(folder)/snapshots/\(name)\($0)/fs" }
            for (index, layer) in layers.enumerated() {
                try makeFolders(layer)
                try writeFileAtomically("\(layer)/f\(index)", Array("\(index)".utf8))
                try writeFileAtomically("\(layer)/top", Array("\(index)".utf8))
            }
            for name in ["upper", "work", "merged"] { try makeFolders("\(folder)/\(name)") }
            let (names, top) = try await runOnPrivateThread(mounts: true) {
                let merged = "\(folder)/merged"
                try mountLayersClassic(layers, upper: "\(folder)/upper", work: "\(folder)/work", at: merged)
                try writeFileAtomically("\(merged)/new", [])
                return (try folderEntries(merged), try readText("\(merged)/top"))
            }
            #expect(names.count == count + 2 && top == "0")
            #expect(try folderEntries("\(folder)/upper") == ["new"])
        }
    }
}

/// What is below `folder`, one line each.
private func lines(of folder: String, in root: String) throws -> [String] {
    try folderEntries("\(root)/\(folder)").sorted().flatMap { name -> [String] in
        let path = folder.isEmpty ? name : "\(folder)/\(name)"
        var status = stat()
        try syscall("lstat", on: path) { lstat("\(root)/\(path)", &status) }
        let owner = "\(String(status.st_mode & 0o7777, radix: 8)) \(status.st_uid):\(status.st_gid)"
        switch status.st_mode & S_IFMT {
        case S_IFLNK: return ["\(path) link"]
        case S_IFDIR: return ["\(path) folder \(owner)"] + (try lines(of: path, in: root))
        default: return ["\(path) file \(owner)"]
        }
    }
}
