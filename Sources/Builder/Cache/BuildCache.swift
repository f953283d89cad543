import Glibc
import Images
import JSON
import Linux
import OCI

/// The result of a step, under the key of everything that it depends on.
package struct CacheRecord: Codable, Hashable, Sendable {
    package var key: Digest
    /// All layers of the resulting state, base first.
    package var layers: [BuiltLayer]
    /// The step changed files: the last layer is its own.
    package var madeLayer: Bool
    /// The instruction, shown to people.
    package var title: String
    /// `run`, `copy`, `folder`.
    package var kind: String
    /// Seconds since 1970.
    package var created: Int64
    package var used: Int64
    /// The key under which other caches know the result, if it is not `key`.
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

    /// Size of its own layer in bytes.
    package var size: Int64 { madeLayer ? (layers.last?.size ?? 0) + (layers.last?.blob.size ?? 0) : 0 }
}

/// What was seen when a place in a Dockerfile was built last: what makes it possible to say what is different now.
package struct SlotRecord: Codable, Hashable, Sendable {
    package var key: Digest
    package var step: BuildStep
    /// The state that it began with.
    package var base: String
    /// The files that it used, by path: what counts for the cache.
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
    private var running: [Digest: StepMaking] = [:]
    /// The folders of cache mounts.
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

    /// What the cache gives to the maker of a step.
    package struct Maker: Sendable {
        /// Holds the layers of the result until the cache keeps them. It does not depend on any one build.
        let lease: BuildLease
        /// The build that began the step still waits for it.
        let isAttended: @Sendable () -> Bool
        /// Lets those who wait know that the step failed while its maker still has something to do.
        let fail: @Sendable (any Error) async -> Void
    }

    /// Reads the records and removes what a crash left; once, before anything is built or collected.
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
                // Without a readable record, the step runs again.
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

    /// A new folder for a step's work; the caller removes it.
    package func makeWorkFolder() async throws -> String {
        var generator = SystemRandomNumberGenerator()
        let path = "\(root)/work/\(String(generator.next() as UInt64, radix: 36))"
        try await pool.run { try makeFolders(path, mode: 0o700) }
        return path
    }

    /// The result of the step with `key`; nil if it is not complete in the cache.
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

    /// The result of the step with `key`: made by `make`, unless another build is making it. All who wait get its failure, and nothing
    /// of it is kept.
    ///
    /// If the build that began the step gives up, the step goes on for the others. With `staysWithMaker` it ends then, because it
    /// needs something of that build, and the next one makes it.
    package func result(
        _ key: Digest, staysWithMaker: Bool = false, make: @escaping @Sendable (Maker) async throws -> CacheRecord
    ) async throws -> CacheRecord {
        while let making = running[key] {
            do { return try await making.result(isMaker: false, staysWithMaker: false) } catch is CancellationError {
                try Task.checkCancellation()
            }
        }
        let making = StepMaking()
        running[key] = making
        making.begin(Task { await self.make(key, making, make) })
        return try await making.result(isMaker: true, staysWithMaker: staysWithMaker)
    }

    private func make(
        _ key: Digest, _ making: StepMaking, _ make: @Sendable (Maker) async throws -> CacheRecord
    ) async {
        let lease = await images.beginLease()
        let outcome: Result<CacheRecord, any Error>
        do {
            let record = try await make(
                Maker(lease: lease, isAttended: { making.hasMaker }) {
                    await self.settle(key, making, .failure($0))
                })
            records[key] = record
            await images.retain(records.values.map(\.layers))
            try await write(record)
            outcome = .success(record)
        } catch {
            outcome = .failure(error)
        }
        settle(key, making, outcome)
        await images.drop(lease)
    }

    private func settle(_ key: Digest, _ making: StepMaking, _ outcome: Result<CacheRecord, any Error>) {
        // After an early failure another build may make the step again.
        if running[key] === making { running[key] = nil }
        making.settle(outcome)
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

    /// For each file of a context: its stamp when it was read, a space, and the digest of its content.
    package nonisolated func stamps(of context: String) -> TextPairs {
        let path = "\(root)/contexts/\(digest(of: context.utf8).hex).json"
        guard let bytes = try? readFile(path, limit: 1 << 30) else { return TextPairs() }
        return (try? decodeJSON(TextPairs.self, from: bytes, limits: JSONLimits(bytes: 1 << 30))) ?? TextPairs()
    }

    package nonisolated func remember(_ stamps: TextPairs, of context: String) throws {
        try writeFileAtomically("\(root)/contexts/\(digest(of: context.utf8).hex).json", encodeJSON(stamps))
    }

    // MARK: Size

    /// All records, the latest used first.
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

    /// Removes the records that `isWanted` picks, and their layers unless an image or another step has them.
    /// - Returns: the removed records.
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

    /// Removes the least recently used results and cache mounts until `limit` bytes are left.
    /// - Returns: the number of bytes that it removed.
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
        // Several keys may lead to one layer.
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
        // The last step of a build goes first: without a step, nobody asks for those above it.
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
