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

/// Runs `touch PATH`, `fail` and `leave-and-fail PATH` on the upper folder alone: these tests are not about what a step does.
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
            throw EngineFailure(code: .imageMissing, message: "there is no image \(reference) here")
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
        case "leave-and-fail":
            try writeFileAtomically("\(room.upper)/\(words[1])", [])
            return StepEnd(code: 3)
        case "fail": return StepEnd(code: 3)
        default: break
        }
        return StepEnd(code: 0)
    }

    /// What a shell does in the room of a failed step.
    let shell = Mutex<(@Sendable (RunStep, StepRoom) async throws -> Void)?>(nil)

    func openShell(_ step: RunStep, in room: StepRoom, because note: BuildNote) async throws {
        ran.add("shell \(step.arguments.joined(separator: " "))")
        try await shell.withLock { $0 }?(step, room)
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
