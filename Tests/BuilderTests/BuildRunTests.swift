import Builder
import Dockerfile
import EngineWire
import Glibc
import Images
import Linux
import OCI
import Synchronization
import Testing

/// A folder as a client reads it.
struct FolderSource: ContextSource {
    let root: String

    private struct Tree: SourceTree {
        let root: String

        func entry(_ path: String) throws -> SourceEntry? {
            var status = stat()
            guard lstat("\(root)/\(path)", &status) == 0 else { return nil }
            let kind: SourceEntry.Kind = status.st_mode & S_IFMT == S_IFDIR ? .folder : .file
            return SourceEntry(
                path: path, kind: kind, mode: status.st_mode & 0o7777, size: Int64(status.st_size),
                modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000,
                stamp: "\(status.st_ino) \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)")
        }

        func names(in path: String) throws -> [String] { try folderEntries("\(root)/\(path)") }
    }

    /// Files whose content was asked for.
    let fetched = Counter()

    func list(_ query: SourceQuery, in context: String) throws -> [[SourceMatch]] {
        try SourceMatcher(Tree(root: root)).matches(query)
    }

    func deliver(
        _ output: Int, _ write: (_ piece: @escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        try write { [delivered] piece in delivered.bytes.withLock { $0 += Array(piece) } }
    }

    /// Files vanish between being found and being read.
    let vanishing = Vanishing()

    final class Vanishing: Sendable { let isOn = Atomic(false) }

    /// What was handed out as an output.
    let delivered = Delivered()

    final class Delivered: Sendable { let bytes = Mutex<[UInt8]>([]) }

    func fetch(_ paths: [String], in context: String, _ take: (Int, () throws -> [UInt8]?) throws -> Void) throws {
        if vanishing.isOn.load(ordering: .relaxed) {
            throw SourceFailure.unreadable("\(paths[0]) cannot be read: it is gone")
        }
        for (index, path) in paths.enumerated() {
            fetched.add(path)
            // A layout lies beside the context.
            let root = context.hasPrefix("layout") ? "\(root)/../\(context)" : root
            var pieces: [[UInt8]] = [try readFile("\(root)/\(path)")]
            try take(index) { pieces.popLast() }
        }
    }
}

final class Counter: Sendable {
    private let names = Mutex<[String]>([])
    func add(_ name: String) { names.withLock { $0.append(name) } }
    func take() -> [String] {
        names.withLock { all in
            defer { all = [] }
            return all.sorted()
        }
    }
}

/// Runs `touch PATH`, `fail` and `rm PATH` on the upper folder alone: what a step does is not what is tested here.
final class PlainHost: BuildHost {
    let images: ImageStore
    let ran = Counter()

    private let root: String
    private let blobs = Mutex<[Digest: [UInt8]]>([:])

    init(images: ImageStore, root: String) {
        self.images = images
        self.root = root
    }

    func image(_ reference: String, platform: String?, pull: Bool) async throws -> Image {
        guard let image = try await images.resolve(reference) else {
            throw EngineFailure(code: .imageMissing, message: "there is no local image \(reference)")
        }
        return image
    }

    func run(_ step: RunStep, in room: StepRoom, output: @escaping StepOutput) async throws -> StepEnd {
        let line = step.arguments.last ?? ""
        ran.add(line)
        output(Array("ran \(line)\n".utf8), false)
        let words = line.split(separator: " ").map(String.init)
        switch words.first {
        case "touch": try writeFileAtomically("\(room.upper)/\(words[1])", Array(line.utf8))
        case "fail": return StepEnd(code: 3)
        default: break
        }
        return StepEnd(code: 0)
    }

    func download(_ url: String, to path: String) async throws -> Download {
        try writeFileAtomically(path, Array(url.utf8))
        return Download(modified: 0)
    }

    func emulates(_ platform: Platform) async -> Bool { platform.architecture == "riscv64" }

    /// What registries have, by name.
    let registries = Mutex<[String: OutsideCache]>([:])

    func cache(_ reference: String, platform: String?) async throws -> OutsideCache {
        guard let cache = registries.withLock({ $0[reference] }) else { throw ImageError.notFound(reference) }
        return cache
    }

    func fetch(_ blob: Descriptor, of reference: String) async throws {
        guard let bytes = blobs.withLock({ $0[blob.digest] }) else { throw ImageError.notFound("\(blob.digest)") }
        var pieces = [bytes]
        try images.take(blob) { pieces.popLast() }
    }

    func push(_ cache: StepCache, to reference: String, in lease: BuildLease) async throws {
        guard reference != "broken" else { throw ImageError.registry("it takes nothing") }
        for layer in cache.layers {
            let bytes = try readFile("\(root)/content/blobs/sha256/\(layer.blob.digest.hex)")
            blobs.withLock { $0[layer.blob.digest] = bytes }
        }
        registries.withLock { $0[reference] = OutsideCache(steps: cache) }
    }

    func now() -> Int64 { Int64(time(nil)) * 1_000_000_000 }
}

@Suite(.enabled(if: geteuid() == 0)) struct BuildRunTests {
    /// A machine for builds: a store with a base image, a cache, a context.
    final class World: Sendable {
        let folder: String
        let images: ImageStore
        let pool = BlockingPool(name: "test", limit: 8)
        let cache: BuildCache
        let host: PlainHost
        let context: FolderSource
        let events = Mutex<[BuildEvent]>([])

        init(_ folder: String) async throws {
            self.folder = folder
            images = try ImageStore(root: "\(folder)/store", blockingOn: BlockingPool(name: "images", limit: 4))
            cache = BuildCache(root: "\(folder)/store/builds", images: images, pool: pool) { Int64(time(nil)) }
            host = PlainHost(images: images, root: "\(folder)/store")
            context = FolderSource(root: "\(folder)/context")
            try makeFolders("\(folder)/context")
            let lease = await images.beginLease()
            try makeFolders("\(folder)/store/base/etc")
            try writeFileAtomically("\(folder)/store/base/etc/passwd", Array("app:x:7:8::/:\n".utf8))
            let layer = try #require(
                try await images.commitLayer(upper: "\(folder)/store/base", above: [], in: lease))
            var config = ImageConfig(architecture: "amd64", rootfs: .init(diffIDs: []))
            config.created = "2020-01-01T00:00:00Z"
            _ = try await images.store([layer], config, names: [Reference("base")], in: lease)
            await images.end(lease)
        }

        func write(_ path: String, _ text: String) throws {
            let parent = path.lastIndex(of: "/").map { "/\(path[..<$0])" } ?? ""
            try makeFolders("\(folder)/context\(parent)")
            try writeFileAtomically("\(folder)/context/\(path)", Array(text.utf8), mode: 0o644)
        }

        /// Builds and tells: the steps that ran, the files that were sent, and the steps from the cache.
        func build(
            _ dockerfile: String, _ change: (inout BuildRequest) -> Void = { _ in }
        ) async throws -> (image: Image, root: String) {
            var request = BuildRequest(title: "t", dockerfile: dockerfile, file: "Dockerfile")
            request.context = "\(folder)/context"
            request.tags = ["made"]
            change(&request)
            events.withLock { $0 = [] }
            let image = try await BuildRun.build(
                request, host: host, images: images, cache: cache, contexts: context, pool: pool
            ) { event in self.events.withLock { $0.append(event) } }
            return (image, try await images.snapshot(for: image).lower[0])
        }

        /// Steps by state, their numbers left out.
        func steps(_ state: BuildStepProgress.State) -> [String] {
            events.withLock { events in
                events.compactMap { event in
                    guard case .step(let step) = event, step.state == state else { return nil }
                    return step.title.split(separator: "] ", maxSplits: 1).last.map(String.init)
                }.sorted()
            }
        }

        var reasons: [String] {
            events.withLock { events in
                events.flatMap { event -> [String] in
                    guard case .step(let step) = event else { return [] }
                    return step.reasons
                }
            }
        }
    }

    func withWorld(_ body: (World) async throws -> Void) async throws {
        let folder = "/tmp/berth-builder-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? removeTree(folder) }
        try makeFolders(folder)
        try await body(World(folder))
    }

    @Test("a second build takes every step from the cache and is the same image")
    func cached() async throws {
        try await withWorld { world in
            try world.write("src/a", "1")
            let text = "FROM base\nWORKDIR /w\nCOPY src .\nRUN touch made\nENV A=1\nCMD [\"x\"]\n"
            let first = try await world.build(text)
            #expect(world.host.ran.take() == ["touch made"] && world.context.fetched.take() == ["src/a"])
            #expect(fileExists("\(first.root)/made"))
            let second = try await world.build(text)
            #expect(world.host.ran.take() == [] && world.context.fetched.take() == [])
            #expect(second.image.id == first.image.id)
            #expect(world.steps(.cached) == ["COPY src .", "RUN touch made", "WORKDIR /w"])
            #expect(
                second.image.config.history?.suffix(5).map { $0.emptyLayer ?? false } == [
                    false, false, false, true, true,
                ])
            #expect(second.image.config.config?.cmd == ["x"] && second.image.config.rootfs.diffIDs.count == 4)
        }
    }

    @Test(
        "only what changed counts: a touched file does not, its content and mode do, and only the file that changed is sent"
    )
    func content() async throws {
        try await withWorld { world in
            try world.write("a", "1")
            try world.write("b", "2")
            let text = "FROM base\nCOPY . /src/\nRUN touch x\n"
            _ = try await world.build(text)
            _ = world.context.fetched.take()
            _ = world.host.ran.take()
            utimes("\(world.folder)/context/a", nil)
            _ = try await world.build(text)
            #expect(world.context.fetched.take() == ["a"] && world.host.ran.take() == [])
            try world.write("b", "other")
            let third = try await world.build(text)
            #expect(world.context.fetched.take() == ["b"] && world.host.ran.take() == ["touch x"])
            #expect(world.reasons == ["src/b has changed", "a step before it has another result"])
            let layers = try await world.images.snapshot(for: third.image).lower
            #expect(try readText("\(layers[1])/src/b") == "other" && readText("\(layers[1])/src/a") == "1")
            chmod("\(world.folder)/context/a", 0o755)
            _ = try await world.build(text)
            #expect(world.reasons.first == "src/a changed its mode 644 → 755")
        }
    }

    @Test("a stage that is to ignore the cache runs again and says by which option, the others do not")
    func ignoredCache() async throws {
        try await withWorld { world in
            let text = "FROM base AS one\nRUN touch a\nFROM base\nCOPY --from=one /a /a\nRUN touch b\n"
            _ = try await world.build(text)
            _ = world.host.ran.take()
            _ = try await world.build(text) { $0.noCacheFilter = ["ONE"] }
            #expect(world.host.ran.take() == ["touch a"])
            #expect(world.reasons == ["the cache is not used for this stage: --no-cache-filter"])
            _ = try await world.build(text) { $0.noCache = true }
            #expect(world.host.ran.take().sorted() == ["touch a", "touch b"])
            #expect(Set(world.reasons) == ["the cache is not used: --no-cache"])
        }
    }

    @Test("stages that nobody needs are not run, and others come together")
    func stages() async throws {
        try await withWorld { world in
            let text = """
                FROM base AS one
                RUN touch one
                FROM base AS unused
                RUN fail
                FROM one AS two
                RUN touch two
                FROM scratch
                COPY --from=two /one /two /got/
                COPY --from=base /etc/passwd /
                """
            let made = try await world.build(text)
            #expect(world.host.ran.take() == ["touch one", "touch two"])
            let layers = try await world.images.snapshot(for: made.image).lower
            #expect(fileExists("\(layers[1])/got/one") && fileExists("\(layers[1])/got/two"))
            #expect(fileExists("\(layers[0])/passwd"))
            let other = try await world.build(text) { $0.target = "one" }
            #expect(other.image.config.rootfs.diffIDs.count == 2 && world.host.ran.take() == [])
        }
    }

    @Test("a failure tells the step, its place and what it wrote, and is not kept")
    func failure() async throws {
        try await withWorld { world in
            let failure = await #expect(throws: BuildFailure.self) {
                try await world.build("FROM base\n\nRUN touch a\nRUN fail\n")
            }
            let note = try #require(failure?.notes.first)
            #expect(note.place?.line == 4 && note.log == ["ran fail"] && note.message.contains("exit code 3"))
            #expect(world.host.ran.take() == ["fail", "touch a"])
            _ = try? await world.build("FROM base\n\nRUN touch a\nRUN fail\n")
            #expect(world.host.ran.take() == ["fail"])
            #expect(try folderEntries("\(world.folder)/store/builds/work") == [])
        }
    }

    @Test("a base that is neither an image nor a stage is told with the stage that was meant")
    func mistypedStage() async throws {
        try await withWorld { world in
            let failure = await #expect(throws: BuildFailure.self) {
                try await world.build("FROM base AS tools\nRUN touch /a\nFROM tolls\nRUN touch /b")
            }
            let note = try #require(failure?.notes.first)
            #expect(note.hint == "did you mean the stage \"tools\"?" && note.place?.line == 3, "\(note)")
        }
    }

    @Test("owners, modes, documents, links and what is in the way")
    func copying() async throws {
        try await withWorld { world in
            try world.write("d/sub/f", "x")
            let made = try await world.build(
                """
                FROM base
                COPY --chown=app --chmod=u=rwX,go=rX d /deep/er
                COPY <<one <<two /docs/
                1
                one
                2 $PATH
                two
                ADD http://host/name.txt /docs/
                """)
            let layers = try await world.images.snapshot(for: made.image).lower
            var status = stat()
            lstat("\(layers[2])/deep/er/sub/f", &status)
            #expect(status.st_uid == 7 && status.st_gid == 8 && status.st_mode & 0o7777 == 0o644)
            lstat("\(layers[2])/deep", &status)
            #expect(status.st_uid == 7 && status.st_gid == 8 && status.st_mode & 0o7777 == 0o755)
            #expect(try readText("\(layers[1])/docs/one") == "1\n")
            #expect(try readText("\(layers[1])/docs/two").hasPrefix("2 /usr/local"))
            lstat("\(layers[0])/docs/name.txt", &status)
            #expect(status.st_mode & 0o7777 == 0o600)
            for (line, message) in [
                ("COPY d/sub/f /etc", ""), ("COPY nope /", "there is no 'nope'"), ("COPY ../x /", "there is no '../x'"),
                ("COPY --chown=nobody d /x", "unable to find user nobody"),
                ("COPY d /etc/passwd", "/etc/passwd is not a folder"),
                ("COPY d/sub/f /etc/passwd/x", "/etc/passwd is not a folder"),
            ] {
                do {
                    _ = try await world.build("FROM base\n\(line)\n")
                    #expect(message.isEmpty, "\(line) worked")
                } catch let error as BuildFailure {
                    #expect(!message.isEmpty && error.description.contains(message), "\(line): \(error)")
                    #expect(error.notes[0].place?.line == 2)
                }
            }
        }
    }

    @Test("two builds of one thing at once run each step once; a build that is given up spoils nothing")
    func together() async throws {
        try await withWorld { world in
            let text = "FROM base\nRUN touch once\n"
            async let one = world.build(text)
            async let two = world.build(text)
            let images = try await [one.image.id, two.image.id]
            #expect(images[0] == images[1] && world.host.ran.take() == ["touch once"])
            let given = Task { try await world.build("FROM base\nRUN touch other\n") }
            given.cancel()
            _ = await given.result
            #expect(try await fileExists("\(world.build("FROM base\nRUN touch other\n").root)/other"))
        }
    }

    @Test("the cache is there after a restart, and pruned it is gone")
    func restart() async throws {
        try await withWorld { world in
            let text = "FROM base\nRUN touch a\n"
            let first = try await world.build(text)
            let images = try ImageStore(root: "\(world.folder)/store", blockingOn: BlockingPool(name: "i", limit: 4))
            let cache = BuildCache(root: "\(world.folder)/store/builds", images: images, pool: world.pool) { 0 }
            try await cache.load()
            _ = try await images.remove("made")
            let host = PlainHost(images: images, root: "\(world.folder)/store")
            var request = BuildRequest(title: "t", dockerfile: text, file: "Dockerfile")
            request.context = "\(world.folder)/context"
            let again = try await BuildRun.build(
                request, host: host, images: images, cache: cache, contexts: world.context, pool: world.pool
            ) { _ in }
            #expect(host.ran.take() == [] && again.config.rootfs == first.image.config.rootfs)
            #expect(try await cache.prune { _ in true }.count == 1)
            _ = try await images.prune(includingNamed: false, keeping: [])
            _ = try await BuildRun.build(
                request, host: host, images: images, cache: cache, contexts: world.context, pool: world.pool
            ) { _ in }
            #expect(host.ran.take() == ["touch a"])
        }
    }

    @Test("an output is given to the client, and without a name in the store nothing stays")
    func outputs() async throws {
        try await withWorld { world in
            let made = try await world.build("FROM base\nRUN touch y\n") { $0.outputs = [.oci, .tree] }
            let bytes = world.context.delivered.bytes.withLock { $0 }
            #expect(bytes.count % 512 == 0 && bytes.starts(with: Array("oci-layout".utf8)))
            #expect(try await world.images.resolve("made") == nil)
            let again = try await world.build("FROM base\nRUN touch y\n") { $0.annotations = ["a": "b"] }
            #expect(again.image.id == made.image.id && again.image.manifestDigest != made.image.manifestDigest)
        }
    }

    @Test("the cache is made smaller from what was used least on")
    func shrink() async throws {
        try await withWorld { world in
            _ = try await world.build("FROM base\nRUN touch aaaa\n")
            let size = try #require(await world.cache.all().first?.size)
            #expect(try await world.cache.shrink(to: size) == 0)
            _ = try await world.build("FROM base\nRUN touch bbbb\n")
            #expect(try await world.cache.shrink(to: size) == size)
            #expect(await world.cache.all().count == 1)
            #expect(try await world.cache.shrink(to: 0) == size)
            #expect(await world.cache.all().isEmpty)
        }
    }

    @Test("of a build the last step goes first: what is above a step that went is of no use")
    func shrinkFromTheEnd() async throws {
        try await withWorld { world in
            let file = "FROM base\nRUN touch aaaa\nRUN touch bbbb\nRUN touch cccc\n"
            _ = try await world.build(file)
            let size = await world.cache.all().reduce(0) { $0 + $1.size }
            try await world.cache.shrink(to: size - 1)
            let left = await world.cache.all().map(\.title).sorted()
            #expect(left.count == 2 && left[0].contains("aaaa") && left[1].contains("bbbb"), "\(left)")
            try await world.cache.shrink(to: size / 3)
            #expect(await world.cache.all().map { $0.title.contains("aaaa") } == [true])
        }
    }

    @Test(
        "a name that no image can have is refused before anything is built",
        arguments: ["BAD:1", "a@sha256:\(String(repeating: "0", count: 64))"])
    func badName(_ name: String) async throws {
        try await withWorld { world in
            let failure = await #expect(throws: BuildFailure.self) {
                try await world.build("FROM base\nRUN touch a\n") { $0.tags = ["good", name] }
            }
            #expect(failure?.notes.first?.message.contains(name) == true)
            #expect(world.host.ran.take() == [] && world.steps(.done) == [])
        }
    }

    @Test("a file that cannot be read any more fails its step, with its line and what to do")
    func changed() async throws {
        try await withWorld { world in
            try world.write("a", "1")
            world.context.vanishing.isOn.store(true, ordering: .relaxed)
            let failure = await #expect(throws: BuildFailure.self) { try await world.build("FROM base\nCOPY a /\n") }
            let note = try #require(failure?.notes.first)
            #expect(note.code == .unreadable && note.place?.line == 2 && note.hint?.contains("build again") == true)
            world.context.vanishing.isOn.store(false, ordering: .relaxed)
            let made = try await world.build("FROM base\nCOPY a /\n")
            #expect(try readText("\(made.root)/a") == "1")
        }
    }

    @Test("with an epoch two machines make one image: layers, configuration, history")
    func twoMachines() async throws {
        let text = """
            FROM scratch AS one
            COPY . /src/
            RUN touch made
            WORKDIR /new
            FROM scratch
            LABEL z=1 a=2
            ENV B=1
            COPY --from=one / /all/
            """
        var images: [Image] = []
        for time in [1_600_000_000, 1_700_000_000] {
            try await withWorld { world in
                for name in ["x", "d/y", "d/z"] {
                    try world.write(name, name)
                    var times = [timeval(tv_sec: time, tv_usec: 1), timeval(tv_sec: time, tv_usec: 1)]
                    utimes("\(world.folder)/context/\(name)", &times)
                }
                images.append(try await world.build(text) { $0.epoch = 1_500_000_000 }.image)
            }
        }
        #expect(images[0].manifestDigest == images[1].manifestDigest && images[0].config == images[1].config)
    }

    @Test("with an epoch two builds are one image, whenever they are made")
    func epoch() async throws {
        try await withWorld { world in
            try world.write("f", "x")
            let text = "FROM base\nCOPY f /\nRUN touch y\nWORKDIR /new\n"
            let first = try await world.build(text) { $0.epoch = 1_500_000_000 }
            let second = try await world.build(text) {
                $0.epoch = 1_500_000_000
                $0.noCache = true
            }
            #expect(first.image.id == second.image.id)
            #expect(first.image.config.created == "2017-07-14T02:40:00Z")
        }
    }
}
