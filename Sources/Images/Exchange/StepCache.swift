import OCI

/// Results of build steps in one cache: the keys of steps, and the layers that resulted from each.
package struct StepCache: Hashable, Sendable {
    /// A layer on top of its parent.
    package struct Layer: Hashable, Sendable {
        package var diffID: Digest
        package var blob: Descriptor
        /// The index of the layer below it; nil for the lowest.
        package var parent: Int?
        /// RFC 3339; nil if unknown.
        package var created: String?

        package init(diffID: Digest, blob: Descriptor, parent: Int?, created: String? = nil) {
            self.diffID = diffID
            self.blob = blob
            self.parent = parent
            self.created = created
        }
    }

    /// The result of a step.
    package struct Record: Hashable, Sendable {
        package var key: Digest
        /// The indices of its layers, base first.
        package var stack: [Int]
        /// RFC 3339.
        package var created: String?
    }

    package private(set) var layers: [Layer] = []
    package private(set) var records: [Record] = []
    private var places: [String: Int] = [:]
    private var byKey: [Digest: [Int]] = [:]

    package init() {}

    /// Adds the result of the step with `key`; skips a step without any layers.
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

    /// For reading a cache: its layers come first.
    mutating func add(_ layer: Layer) { layers.append(layer) }

    mutating func add(_ record: Record) {
        guard record.stack.allSatisfy(layers.indices.contains) else { return }
        byKey[record.key, default: []].append(records.count)
        records.append(record)
    }

    /// Replaces parents from the document by their indices here. A layer is useless if its parent is not in `places`.
    mutating func remapParents(_ places: [Int: Int]) {
        for place in layers.indices {
            guard let parent = layers[place].parent else { continue }
            // An index without a layer, so that `chain(to:)` returns nothing.
            layers[place].parent = places[parent] ?? layers.count
        }
    }

    /// The same cache with other blobs: compressed ones.
    func replacingBlobs(_ blob: (Layer) -> Descriptor) -> StepCache {
        var copy = self
        for place in layers.indices { copy.layers[place].blob = blob(layers[place]) }
        return copy
    }

    /// The indices of a layer and of all layers below it, base first; nil if they form a cycle.
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

    /// The result of the step with `key` on top of the state `below`: nil when the cache has none, otherwise the layer
    /// that the step created, if any.
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
