import JSON
import OCI

/// The external form of a cache, as BuildKit documents it (moby/buildkit, cache/remotecache/v1).
///
/// A manifest lists the blobs of the layers. Its configuration says how they are stacked and which steps they result
/// from. An image contains only the records, because the layers are its own.
struct StepCacheDocument: Codable {
    static let mediaType = "application/vnd.buildkit.cacheconfig.v0"
    /// An annotation of a blob: the digest of the bare layer.
    static let diffIDAnnotation = "containerd.io/uncompressed"
    static let createdAnnotation = "buildkit/createdat"
    /// The maximum size of a description in bytes.
    static let limit = 32 << 20

    struct Layer: Codable {
        var blob: String
        /// -1 for the lowest; a missing one means 0.
        var parent: Int?
    }

    struct Record: Codable {
        struct Result: Codable {
            /// A missing one means 0.
            var layer: Int?
            var createdAt: String?
        }

        /// A result whose layers are not stacked on each other in the list.
        struct Chain: Codable {
            var layers: [Int]?
            var createdAt: String?
        }

        var results: [Result]?
        var chains: [Chain]?
        var digest: String?

        enum CodingKeys: String, CodingKey {
            case results = "layers"
            case chains, digest
        }
    }

    var layers: [Layer]?
    var records: [Record]?
}

extension StepCacheDocument.Record {
    /// Its records. `chain` converts the index of a topmost layer in the document, and `stack` a list of such indices,
    /// to indices here.
    func read(chain: (Int) -> [Int]?, stack: ([Int]) -> [Int]?) -> [StepCache.Record] {
        guard let key = digest.flatMap({ Digest($0) }) else { return [] }
        let simple = (results ?? []).compactMap { result in
            chain(result.layer ?? 0).map { StepCache.Record(key: key, stack: $0, created: result.createdAt) }
        }
        let listed = (chains ?? []).compactMap { result in
            stack(result.layers ?? []).map { StepCache.Record(key: key, stack: $0, created: result.createdAt) }
        }
        return simple + listed
    }
}

extension StepCache {
    /// Parses the configuration of a cache whose manifest lists `blobs`.
    init(_ bytes: [UInt8], blobs: [Descriptor]) throws {
        self.init()
        let document = try decodeJSON(StepCacheDocument.self, from: bytes)
        let known = Dictionary(blobs.map { ("\($0.digest)", $0) }) { first, _ in first }
        var places: [Int: Int] = [:]
        let written = document.layers ?? []
        for (place, layer) in written.enumerated() {
            // Skip a layer that cannot be used, and so everything on top of it.
            guard let blob = known[layer.blob], blob.isLayer,
                let diffID = blob.annotations?[StepCacheDocument.diffIDAnnotation].flatMap({ Digest($0) })
                    ?? (blob.mediaType == MediaType.layer ? blob.digest : nil)
            else { continue }
            places[place] = layers.count
            let parent = layer.parent ?? 0
            add(
                Layer(
                    diffID: diffID, blob: Descriptor(mediaType: blob.mediaType, digest: blob.digest, size: blob.size),
                    // A negative index means none. A parent may come later, so it is looked up after everything was
                    // read.
                    parent: parent < 0 ? nil : parent, created: blob.annotations?[StepCacheDocument.createdAnnotation]))
        }
        remapParents(places)
        let read = self
        for record in document.records ?? [] {
            let found = record.read { place in
                places[place].flatMap { read.chain(to: $0) }
            } stack: { list in
                let stack = list.compactMap { places[$0] }
                return stack.count == list.count ? stack : nil
            }
            for record in found { add(record) }
        }
    }

    /// Parses an inline cache: records for the image's own layers.
    init(inline text: String, layers blobs: [Descriptor], diffIDs: [Digest]) throws {
        self.init()
        guard let bytes = decodeBase64(text) else {
            throw ImageError.invalidImage("the cache in the image is not in base64")
        }
        for (place, (blob, diffID)) in zip(blobs, diffIDs).enumerated() {
            add(Layer(diffID: diffID, blob: blob, parent: place > 0 ? place - 1 : nil))
        }
        let read = self
        for record in try decodeJSON([StepCacheDocument.Record].self, from: bytes) {
            for record in record.read(chain: { read.chain(to: $0) }, stack: { $0 }) { add(record) }
        }
    }

    /// The configuration of the cache.
    func document() throws -> [UInt8] {
        var document = StepCacheDocument()
        document.layers = layers.map { .init(blob: "\($0.blob.digest)", parent: $0.parent ?? -1) }
        document.records = written
        return try encodeJSON(document)
    }

    /// The blobs for the manifest, each once.
    var blobs: [Descriptor] {
        var seen: Set<Digest> = []
        return layers.filter { seen.insert($0.blob.digest).inserted }.map { layer in
            var blob = layer.blob
            blob.annotations = [StepCacheDocument.diffIDAnnotation: "\(layer.diffID)"]
            if let created = layer.created { blob.annotations?[StepCacheDocument.createdAnnotation] = created }
            return blob
        }
    }

    /// The inline cache for the configuration of an image with the layers `stack`: the results of its steps; nil if
    /// there are none.
    package func inline(for stack: [BuiltLayer]) throws -> String? {
        var own = StepCache()
        for record in records {
            let diffIDs = record.stack.map { layers[$0].diffID }
            guard diffIDs == stack.prefix(diffIDs.count).map(\.diffID) else { continue }
            own.add(record.key, Array(stack.prefix(diffIDs.count)), created: record.created)
        }
        guard !own.records.isEmpty else { return nil }
        // In an image, the index is that of the topmost layer.
        let written = own.records.map { record in
            StepCacheDocument.Record(
                results: [.init(layer: record.stack.count - 1, createdAt: record.created)], digest: "\(record.key)")
        }
        return encodeBase64(try encodeJSON(Self.sorted(written)))
    }

    private var written: [StepCacheDocument.Record] {
        Self.sorted(
            records.compactMap { record in
                record.stack.last.map { top in
                    StepCacheDocument.Record(
                        results: [.init(layer: top, createdAt: record.created)], digest: "\(record.key)")
                }
            })
    }

    /// A fixed order, so that the same results give the same bytes.
    private static func sorted(_ records: [StepCacheDocument.Record]) -> [StepCacheDocument.Record] {
        records.sorted { ($0.digest ?? "") < ($1.digest ?? "") }
    }
}

extension Descriptor {
    /// It can be a layer of an image that is built here.
    var isLayer: Bool {
        [MediaType.layer, MediaType.layerGzip, MediaType.layerZstd, MediaType.dockerLayer].contains(mediaType)
    }
}
