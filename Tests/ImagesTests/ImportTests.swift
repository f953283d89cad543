import Glibc
import Images
import Linux
import OCI
import Testing

private let rootfs = TarWriter.archive { tar in
    tar.folder("./")
    tar.folder("./bin")
    tar.file("./bin/busybox", "#!", mode: 0o4755)
    tar.symbolicLink("./bin/sh", to: "/bin/busybox")
    tar.hardLink("./bin/ls", to: "./bin/busybox")
    tar.folder("./tmp", mode: 0o1777)
    tar.folder("./home", mode: 0o700, uid: 1000, gid: 1000)
    tar.file("./home/ä", "text", uid: 1000, gid: 1000)
}

@Suite(.enabled(if: isPrivileged)) struct ImportTests {
    @Test func anImportedArchiveIsOneLayerThatCanBeMounted() async throws {
        try await withStore { store, _ in
            let image = try await store.importArchive(from: stream(rootfs), reference: Reference("busybox"))
            let snapshot = try await store.snapshot(for: image)
            let lower = try #require(snapshot.lower.first)
            #expect(snapshot.lower.count == 1)
            #expect(lower.hasSuffix("/snapshots/\(image.chainIDs[0].hex)/fs"))
            #expect(try readText("\(lower)/home/ä") == "text")
            var status = stat()
            #expect(stat("\(lower)/bin/busybox", &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o4755)
            #expect(status.st_nlink == 2)
            #expect(status.st_mtim.tv_sec == 1_700_000_000)
            #expect(stat("\(lower)/home", &status) == 0)
            #expect(status.st_uid == 1000)
            #expect(status.st_mtim.tv_sec == 1_700_000_000)
            #expect(stat("\(lower)/tmp", &status) == 0 && status.st_mode & 0o7777 == 0o1777)
        }
    }

    @Test(arguments: [("/bin/gzip", ["-c"]), ("/usr/bin/xz", ["-c"]), ("/usr/bin/zstd", ["-c"])])
    func compressionDoesNotChangeTheLayer(_ program: String, _ arguments: [String]) async throws {
        try await withStore { store, _ in
            let packed = try run(program, arguments, input: rootfs)
            #expect(packed != rootfs)
            let plain = try await store.importArchive(from: stream(rootfs), reference: Reference("a"))
            let other = try await store.importArchive(from: stream(packed, piece: 7), reference: Reference("b"))
            #expect(other.config.rootfs == plain.config.rootfs)
        }
    }

    @Test func whatWasImportedIsThereAfterAReopen() async throws {
        try await withTemporaryFolder { folder in
            let file = "\(folder)/x.tar"
            try writeFileAtomically(file, rootfs)
            let input = try openFile(file, O_RDONLY)
            let image = try await makeStore("\(folder)/s").importArchive(
                from: .descriptor(input.raw), reference: Reference("x:1"), changes: ["CMD sh"],
                message: "made by a test")
            let store = try makeStore("\(folder)/s")
            #expect(try await store.resolve("x:1") == image)
            #expect(try await store.resolve("\(image.id)") == image)
            #expect(try await store.resolve(image.id.short) == image)
            #expect(try await store.resolve("x:2") == nil)
            #expect(image.config.config?.cmd == ["/bin/sh", "-c", "sh"])
            #expect(image.config.history?.first?.comment == "made by a test")
            let names = await store.list().map(\.reference.familiar)
            #expect(names == ["x:1"])
        }
    }

    @Test(arguments: [
        ([UInt8](), "it is empty"),
        (Array("not a tar at all, but long enough to be looked at".utf8), "Unrecognized archive format"),
        (Array(rootfs.prefix(1537)), "it ends in the middle of a file"),
    ])
    func aBrokenArchiveIsRefusedAndLeavesNothing(_ bytes: [UInt8], _ reason: String) async throws {
        try await withStore { store, folder in
            let error = await #expect(throws: ImageError.self) {
                try await store.importArchive(from: stream(bytes), reference: Reference("x"))
            }
            expectText(error, has: reason)
            let remains = try folderEntries("\(folder)/store/content/ingest")
            #expect(remains == [])
            #expect(try folderEntries("\(folder)/store/snapshots") == ["empty"])
            let list = await store.list()
            #expect(list.isEmpty)
        }
    }

    @Test func anImageWithoutFilesIsMadeOfAnEmptyArchive() async throws {
        try await withStore { store, _ in
            let image = try await store.importArchive(
                from: stream([UInt8](repeating: 0, count: 10240)), reference: Reference("scratch-like"))
            #expect(image.size == 0)
            #expect(try await store.snapshot(for: image).lower.count == 1)
        }
    }
}
