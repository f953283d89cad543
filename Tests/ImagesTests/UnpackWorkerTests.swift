import Glibc
import Images
import Linux
import OCI
import Synchronization
import Testing

/// The engine's program as this build made it; a test run that did not build it skips what needs it.
private let engine =
    "\(#filePath.prefix(#filePath.count - "Tests/ImagesTests/UnpackWorkerTests.swift".count)).build/debug/berthd"

@Suite(.enabled(if: isPrivileged && fileExists(engine))) struct UnpackWorkerTests {
    private func withWorker(_ body: (ImageStore, String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let store = try ImageStore(
                root: "\(folder)/store", blockingOn: BlockingPool(name: "test", limit: 4),
                unpackWorker: .process(program: engine))
            try await body(store, folder)
        }
    }

    @Test func aWorkerUnpacksWhatThisProcessUnpacks() async throws {
        let archive = TarWriter.archive { tar in
            tar.folder("etc", mode: 0o750, uid: 3)
            tar.file("etc/ä", "text", mode: 0o4711, uid: 5)
            tar.file("etc/.wh.gone", "")
            tar.file("o/.wh..wh..opq", "")
            tar.add("null", type: "3", mode: 0o666, major: 1, minor: 3)
            tar.symbolicLink("out", to: "/etc/passwd")
        }
        try await withWorker { store, _ in
            let image = try await store.importArchive(from: stream(archive), reference: Reference("x"))
            let root = try await store.snapshot(for: image).lower[0]
            #expect(image.config.rootfs.diffIDs == [digest(of: archive)])
            #expect(try folderEntries(root) == ["etc", "null", "o", "out"])
            #expect(try readText("\(root)/etc/ä") == "text")
            var status = stat()
            #expect(
                lstat("\(root)/etc/gone", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR && status.st_rdev == 0)
            #expect(lstat("\(root)/etc/ä", &status) == 0 && status.st_mode & 0o7777 == 0o4711 && status.st_uid == 5)
            #expect(try openFile("\(root)/o", O_RDONLY).attribute("trusted.overlay.opaque") == [UInt8(ascii: "y")])
        }
    }

    @Test("who shares a layer with somebody that gives up goes on", .timeLimit(.minutes(1)))
    func sharing() async throws {
        try await withTemporaryFolder { folder in
            let program = "\(folder)/worker"
            let script = """
                #!/bin/sh
                if [ -e \(folder)/hang ]; then : > \(folder)/began; exec sleep infinity; fi
                exec \(engine) "$@"
                """
            try writeFileAtomically(program, Array(script.utf8), mode: 0o755)
            try writeFileAtomically("\(folder)/hang", [])
            let store = try ImageStore(
                root: "\(folder)/store", blockingOn: BlockingPool(name: "test", limit: 8),
                unpackWorker: .process(program: program))
            let archive = TarWriter.archive { $0.file("a", "b") }
            let first = Task { try await store.importArchive(from: stream(archive), reference: Reference("first")) }
            while !fileExists("\(folder)/began") { try await Task.sleep(for: .milliseconds(5)) }
            let second = Task { try await store.importArchive(from: stream(archive), reference: Reference("second")) }
            // Until the second one waits for the layer of the first; one that comes later has nothing to share.
            try await Task.sleep(for: .milliseconds(200))
            unlink("\(folder)/hang")
            first.cancel()
            await #expect(throws: CancellationError.self) { try await first.value }
            #expect(try await store.snapshot(for: second.value).lower.count == 1)
        }
    }

    @Test func severalLayersAreUnpackedByWorkersSideBySide() async throws {
        try await withWorker { store, _ in
            let archive = try ArchiveBuilder.archive([ArchiveBuilder(layers: [baseLayer, topLayer], tags: ["a"])])
            let image = try await store.load(from: stream(archive))[0].image
            let top = try await store.snapshot(for: image).lower[0]
            #expect(try readText("\(top)/etc/link") == "base b")
        }
    }

    @Test(arguments: [
        (TarWriter.archive { $0.file("../x", "") }, "invalid archive: \"../x\": \"../x\" leads out of the archive"),
        (Array("nonsense, and enough of it".utf8), "invalid archive: Unrecognized archive format"),
    ])
    func whatAWorkerRefusesIsToldAsByThisProcess(_ archive: [UInt8], _ message: String) async throws {
        try await withWorker { store, folder in
            let error = await #expect(throws: ImageError.self) {
                try await store.importArchive(from: stream(archive), reference: Reference("x"))
            }
            #expect(error?.description == message)
            let remains = try folderEntries("\(folder)/store/snapshots")
            #expect(remains == ["empty"])
        }
    }

    @Test func aWorkerThatDiesIsAnErrorAndLeavesNothing() async throws {
        try await withTemporaryFolder { folder in
            let store = try ImageStore(
                root: "\(folder)/store", blockingOn: BlockingPool(name: "test", limit: 4),
                unpackWorker: .process(program: "/bin/false"))
            let error = await #expect(throws: ImageError.self) {
                try await store.importArchive(from: stream(baseLayer), reference: Reference("x"))
            }
            expectText(error, has: "the process that unpacked the layer exited with 1")
            let remains = try folderEntries("\(folder)/store/snapshots")
            #expect(remains == ["empty"])
        }
    }

    @Test(
        "archives of every form are taken apart by workers, too", arguments: ["/bin/gzip", "/usr/bin/xz", "/bin/bzip2"])
    func compressed(compressor: String) async throws {
        guard fileExists(compressor) else { return }
        try await withWorker { store, folder in
            let image = try await store.importArchive(
                from: stream(try run(compressor, ["-c"], input: baseLayer)), reference: Reference("imported"))
            #expect(image.config.rootfs.diffIDs == [digest(of: baseLayer)])
            let archive = try ArchiveBuilder.archive([ArchiveBuilder(layers: [baseLayer, topLayer], tags: ["a"])])
            let loaded = try await store.load(from: stream(try run(compressor, ["-c"], input: archive)))
            #expect(loaded.map(\.references) == [[try Reference("a")]])
            let top = try await store.snapshot(for: loaded[0].image).lower[0]
            #expect(try readText("\(top)/etc/link") == "base b")
            #expect(try folderEntries("\(folder)/store/content/ingest") == [])
        }
    }

    @Test("what was unpacked once is not unpacked again: an import, a load, under whatever name")
    func onlyOnce() async throws {
        let archive = try ArchiveBuilder.archive([ArchiveBuilder(layers: [baseLayer, topLayer], tags: ["a"])])
        try await withTemporaryFolder { folder in
            func open(_ worker: UnpackWorker) throws -> ImageStore {
                try ImageStore(
                    root: "\(folder)/store", blockingOn: BlockingPool(name: "test", limit: 4), unpackWorker: worker)
            }
            let zipped = try run("/bin/gzip", ["-c"], input: baseLayer)
            let first = try open(.process(program: engine))
            let image = try await first.importArchive(from: stream(zipped), reference: Reference("x"))
            _ = try await first.load(from: stream(archive))
            // This one could unpack nothing.
            let second = try open(.process(program: "/bin/false"))
            let again = try await second.importArchive(
                from: stream(zipped), reference: Reference("y"), changes: ["CMD x"])
            #expect(again.chainIDs == image.chainIDs && again.size == image.size && again.id != image.id)
            #expect(try await second.snapshot(for: again).lower.count == 1)
            let third = try open(.inProcess)
            let steps = Steps()
            _ = try await third.load(from: stream(archive)) { steps.add($0) }
            #expect(steps.all == [.found(["a:latest"]), .complete("a:latest")])
        }
    }
}

private final class Steps: Sendable {
    private let steps = Mutex<[ImportStep]>([])
    var all: [ImportStep] { steps.withLock { $0 } }
    func add(_ step: ImportStep) { steps.withLock { $0.append(step) } }
}
