import Glibc
import Images
import JSON
import Linux
import OCI

/// What a step made, under the key of what it was made from.
package struct CacheRecord: Codable, Hashable, Sendable {
    package var key: Digest
    /// All layers of the state that it ended in, base first.
    package var layers: [BuiltLayer]
    /// It changed something: the last of the layers is its own.
    package var madeLayer: Bool
    /// The instruction, for people.
    package var title: String
    /// `run`, `copy`, `folder`.
    package var kind: String
    /// Seconds since 1970.
    package var created: Int64
    package var used: Int64
    /// Of a result that is known by a key of its own: the one by which every other cache knows it.
    package var commonKey: Digest?

    package init(
        key: Digest, layers: [BuiltLayer], madeLayer: Bool, title: String, kind: String, created: Int64, used: Int64
    ) {
        self.key = key
        self.layers = layers
        self.madeLayer = madeLayer
        self.title = title
        self.kind = kind
        self.created = created
        self.used = used
    }

    /// Bytes of its own layer.
    package var size: Int64 { madeLayer ? (layers.last?.size ?? 0) + (layers.last?.blob.size ?? 0) : 0 }
}

/// What was seen when a place in a Dockerfile was built last: what makes it possible to say what is different now.
package struct SlotRecord: Codable, Hashable, Sendable {
    package var key: Digest
    package var step: BuildStep
    /// The state that it began with.
    package var base: String
    /// Files that it took, by path: what counts of them.
    package var files = TextPairs()
    /// Digests of the files' contents, by their path in the layer.
    package var contents = TextPairs()
}

/// Owns the folder of the build cache; nothing else writes there. Records are written when their layers are in the image
/// store, so that what a crash leaves is either whole or nobody's.
package actor BuildCache {
    package nonisolated let root: String
    private let images: ImageStore
    private let pool: BlockingPool
    private var records: [Digest: CacheRecord] = [:]
    private var running: [Digest: Making] = [:]
    /// What cache mounts keep.
    package nonisolated let mounts: MountFolders
    private var isLoaded = false
    /// For the steps of all builds that use this cache.
    package nonisolated let turns: StepTurns
    private let now: @Sendable () -> Int64

    /// `root` is a folder of its own on the file system of the image store; `now` tells the seconds since 1970, and
    /// `turns` is how many steps run at once.
    package init(
        root: String, images: ImageStore, pool: BlockingPool, turns: Int = 4, now: @escaping @Sendable () -> Int64
    ) {
        self.turns = StepTurns(limit: turns)
        self.root = root
        self.images = images
        self.pool = pool
        self.now = now
        mounts = MountFolders(root: "\(root)/mounts", pool: pool)
    }

    /// A step under way, and those who wait for its result.
    private struct Making {
        let task: Task<CacheRecord, any Error>
        let line = WaitingLine()
    }

    /// Reads what is there and takes away what a crash left; done once, before anything is built or collected.
    package func load() async throws {
        guard !isLoaded else { return }
        isLoaded = true
        let root = root
        let read = try await pool.run {
            for folder in ["steps", "slots", "contexts", "mounts", "work"] {
                try makeFolders("\(root)/\(folder)", mode: 0o700)
            }
            for name in try folderEntries("\(root)/work") { try removeTree("\(root)/work/\(name)") }
            var records: [CacheRecord] = []
            for name in try folderEntries("\(root)/steps") {
                let path = "\(root)/steps/\(name)"
                // One that makes no sense is as good as none: its step is run again.
                guard name.hasSuffix(".json"), let record = try? decodeJSON(CacheRecord.self, from: readFile(path))
                else {
                    unlink(path)
                    continue
                }
                records.append(record)
            }
            return records
        }
        records = Dictionary(read.map { ($0.key, $0) }) { first, _ in first }
        await images.retain(records.values.map(\.layers))
    }

    /// A new folder for a step's work; whoever has it removes it.
    package func makeWorkFolder() async throws -> String {
        var generator = SystemRandomNumberGenerator()
        let path = "\(root)/work/\(String(generator.next() as UInt64, radix: 36))"
        try await pool.run { try makeFolders(path, mode: 0o700) }
        return path
    }

    /// The result of the step with `key`; nil when it is not here, or something of it is not any more.
    package func record(_ key: Digest, in lease: BuildLease) async -> CacheRecord? {
        guard var record = records[key] else { return nil }
        guard await images.hold(record.layers, in: lease) else {
            records[key] = nil
            let path = path(key)
            await pool.runInfallible { _ = unlink(path) }
            return nil
        }
        let time = now()
        if time - record.used >= 60 {
            record.used = time
            records[key] = record
            try? await write(record)
        }
        return record
    }

    /// The result of the step with `key`: made by `make` unless somebody else is about to. Of a failure nothing is kept; it is
    /// everybody's who waited. Whoever gives up leaves the others what they wait for: the next of them makes it.
    package func result(
        _ key: Digest, make: @escaping @Sendable () async throws -> CacheRecord
    ) async throws -> CacheRecord {
        while let making = running[key] {
            try await making.line.wait(making.line.join())
            switch await making.task.result {
            case .success(let record): return record
            case .failure(let error):
                guard error is CancellationError || making.task.isCancelled else { throw error }
            }
            try Task.checkCancellation()
        }
        let making = Making(task: Task { try await make() })
        running[key] = making
        defer {
            running[key] = nil
            making.line.wakeAll()
        }
        let record = try await withTaskCancellationHandler {
            try await making.task.value
        } onCancel: {
            making.task.cancel()
        }
        records[key] = record
        await images.retain(records.values.map(\.layers))
        try await write(record)
        return record
    }

    private func path(_ key: Digest) -> String { "\(root)/steps/\(key.hex).json" }

    private func write(_ record: CacheRecord) async throws {
        let path = path(record.key)
        try await pool.run { try writeFileAtomically(path, encodeJSON(record), durable: true) }
    }

    // MARK: What was seen last

    package nonisolated func slot(_ name: Digest) -> SlotRecord? {
        guard let bytes = try? readFile("\(root)/slots/\(name.hex).json", limit: 1 << 30) else { return nil }
        return try? decodeJSON(SlotRecord.self, from: bytes, limits: JSONLimits(bytes: 1 << 30))
    }

    package nonisolated func remember(_ slot: SlotRecord, as name: Digest) throws {
        try writeFileAtomically("\(root)/slots/\(name.hex).json", encodeJSON(slot))
    }

    /// Of files of a context: the stamp under which each was read, a blank, and the digest of what was read.
    package nonisolated func stamps(of context: String) -> TextPairs {
        let path = "\(root)/contexts/\(digest(of: context.utf8).hex).json"
        guard let bytes = try? readFile(path, limit: 1 << 30) else { return TextPairs() }
        return (try? decodeJSON(TextPairs.self, from: bytes, limits: JSONLimits(bytes: 1 << 30))) ?? TextPairs()
    }

    package nonisolated func remember(_ stamps: TextPairs, of context: String) throws {
        try writeFileAtomically("\(root)/contexts/\(digest(of: context.utf8).hex).json", encodeJSON(stamps))
    }

    // MARK: Size

    /// What is kept, the latest used first.
    package func all() -> [CacheRecord] { records.values.sorted { ($0.used, $0.key.hex) > ($1.used, $1.key.hex) } }

    /// Cache mounts: id, bytes and the time of the last change.
    package func cacheMounts() async throws -> [(id: String, path: String, size: Int64, used: Int64)] {
        let root = root
        return try await pool.run {
            try folderEntries("\(root)/mounts").compactMap { name in
                let path = "\(root)/mounts/\(name)"
                guard let id = try? readText("\(path)/id") else { return nil }
                var status = stat()
                lstat("\(path)/data", &status)
                return (id, path, treeSize("\(path)/data"), Int64(status.st_mtim.tv_sec))
            }
        }
    }

    /// Forgets what `isWanted` picks, with its layers as far as no image and no other step has them.
    /// - Returns: what was forgotten.
    package func prune(_ isWanted: @Sendable (CacheRecord) -> Bool) async throws -> [CacheRecord] {
        let doomed = records.values.filter { isWanted($0) && running[$0.key] == nil }
        for record in doomed {
            records[record.key] = nil
            let path = path(record.key)
            await pool.runInfallible { _ = unlink(path) }
        }
        await images.retain(records.values.map(\.layers))
        let lease = await images.beginLease()
        await images.end(lease)
        return doomed.sorted { $0.key.hex < $1.key.hex }
    }

    /// Forgets what was used least, results of steps and cache mounts alike, until `limit` bytes are left.
    /// - Returns: the bytes that went.
    @discardableResult
    package func shrink(to limit: Int64) async throws -> Int64 {
        enum Piece {
            case layer([Digest])
            case mount(String)
        }
        // Whoever uses a step uses those below it.
        var lastUse: [String: Int64] = [:]
        for record in records.values {
            for count in record.layers.indices {
                lastUse[Array(record.layers[...count]).state, default: 0].raise(to: record.used)
            }
        }
        // A layer that several keys lead to is there once.
        var layers: [String: (size: Int64, used: Int64, depth: Int, keys: [Digest])] = [:]
        for record in records.values where record.madeLayer {
            var layer = layers[record.layers.state] ?? (record.size, 0, record.layers.count, [])
            layer.used.raise(to: lastUse[record.layers.state] ?? record.used)
            layer.keys.append(record.key)
            layers[record.layers.state] = layer
        }
        var pieces = layers.values.map {
            (size: $0.size, used: $0.used, depth: $0.depth, piece: Piece.layer($0.keys))
        }
        for mount in try await cacheMounts() { pieces.append((mount.size, mount.used, 0, .mount(mount.path))) }
        let whole = pieces.reduce(0) { $0 + $1.size }
        var size = whole
        guard size > limit else { return 0 }
        var doomed: Set<Digest> = []
        // Of a build the last step first: what is above a step that went is never asked for.
        let order = pieces.sorted { ($0.used, -$0.depth) < ($1.used, -$1.depth) }
        for (bytes, _, _, piece) in order where size > limit {
            switch piece {
            case .layer(let keys): doomed.formUnion(keys)
            case .mount(let path): try await removeMount(path)
            }
            size -= bytes
        }
        if !doomed.isEmpty { _ = try await prune { [doomed] in doomed.contains($0.key) } }
        return whole - size
    }

    package func removeMount(_ path: String) async throws { try await mounts.remove(path) }
}

/// Bytes of all files below `path`.
private func treeSize(_ path: String) -> Int64 {
    var size: Int64 = 0
    for name in (try? folderEntries(path)) ?? [] {
        var status = stat()
        guard lstat("\(path)/\(name)", &status) == 0 else { continue }
        size += Int64(status.st_blocks) * 512
        if status.st_mode & S_IFMT == S_IFDIR { size += treeSize("\(path)/\(name)") }
    }
    return size
}

extension Int64 {
    fileprivate mutating func raise(to other: Int64) { self = Swift.max(self, other) }
}
