import OCI

/// Results of build steps as one cache has them: the keys of steps, and the layers that each of them ended in.
package struct StepCache: Hashable, Sendable {
    /// A layer on top of its parent.
    package struct Layer: Hashable, Sendable {
        package var diffID: Digest
        package var blob: Descriptor
        /// The place of the layer below it among the layers; nil for the lowest.
        package var parent: Int?
        /// RFC 3339; nil where nothing tells.
        package var created: String?

        package init(diffID: Digest, blob: Descriptor, parent: Int?, created: String? = nil) {
            self.diffID = diffID
            self.blob = blob
            self.parent = parent
            self.created = created
        }
    }

    /// What a step ended in.
    package struct Record: Hashable, Sendable {
        package var key: Digest
        /// The places of its layers, base first.
        package var stack: [Int]
        /// RFC 3339.
        package var created: String?
    }

    package private(set) var layers: [Layer] = []
    package private(set) var records: [Record] = []
    private var places: [String: Int] = [:]
    private var byKey: [Digest: [Int]] = [:]

    package init() {}

    /// Adds the result of the step with `key`; a step that ends in no layer at all is left out.
    package mutating func add(_ key: Digest, _ stack: [BuiltLayer], created: String?) {
        guard !stack.isEmpty else { return }
        var chain: [Int] = []
        for count in 1...stack.count {
            let state = Array(stack.prefix(count)).state
            if let place = places[state] {
                chain.append(place)
                continue
            }
            let layer = stack[count - 1]
            places[state] = layers.count
            layers.append(
                Layer(
                    diffID: layer.diffID, blob: layer.blob, parent: chain.last,
                    created: count == stack.count ? created : nil))
            chain.append(layers.count - 1)
        }
        add(Record(key: key, stack: chain, created: created))
    }

    /// For a cache that was read: its layers come first.
    mutating func add(_ layer: Layer) { layers.append(layer) }

    mutating func add(_ record: Record) {
        guard record.stack.allSatisfy(layers.indices.contains) else { return }
        byKey[record.key, default: []].append(records.count)
        records.append(record)
    }

    /// Parents as they are written are places of another list; one that is not in `places` makes its layer useless.
    mutating func remapParents(_ places: [Int: Int]) {
        for place in layers.indices {
            guard let parent = layers[place].parent else { continue }
            // A place that no layer has: `chain(to:)` ends there with nothing.
            layers[place].parent = places[parent] ?? layers.count
        }
    }

    /// The same cache with other blobs in the place of its own: compressed ones.
    func replacingBlobs(_ blob: (Layer) -> Descriptor) -> StepCache {
        var copy = self
        for place in layers.indices { copy.layers[place].blob = blob(layers[place]) }
        return copy
    }

    /// The places of a layer and of those below it, base first; nil when they make a circle.
    func chain(to place: Int) -> [Int]? {
        var chain: [Int] = []
        var next: Int? = place
        while let place = next {
            guard layers.indices.contains(place), chain.count < layers.count else { return nil }
            chain.append(place)
            next = layers[place].parent
        }
        return chain.reversed()
    }

    /// The result of the step with `key` that begins with the state of `below`: nil when the cache has none, else the layer
    /// that the step made, if it made one.
    package func result(of key: Digest, above below: [BuiltLayer]) -> (layer: Layer?, created: String?)? {
        let base = below.map(\.diffID)
        for record in (byKey[key] ?? []).map({ records[$0] }) {
            let stack = record.stack.map { layers[$0] }
            let diffIDs = stack.map(\.diffID)
            if diffIDs == base { return (nil, record.created) }
            if diffIDs.dropLast() == base[...] { return (stack.last, record.created) }
        }
        return nil
    }
}
