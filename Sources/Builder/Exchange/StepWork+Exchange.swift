import Dockerfile
import EngineWire
import Glibc
import Images
import Linux
import OCI

// Results from the caches that `--cache-from` names.
extension StepWork {
    /// The result of `key` out of such a cache, if one has it for what the step begins with. What is wrong with it is told, and the
    /// step is run.
    ///
    /// `isRight` looks at the folders of what came, top first; the first is the layer's own when `isNew`. A cache by whose history
    /// alone a step is known needs it for what depends on files.
    func imported(
        _ key: Digest, _ kind: String, seen: SlotRecord,
        isRight: (@Sendable (_ folders: [String], _ isNew: Bool) throws -> Bool)? = nil
    ) async throws -> Outcome? {
        guard usesCache, let found = await parts.imports.result(of: key, above: state.layers, past: knownPast(isRight))
        else { return nil }
        do {
            var layers = state.layers
            if let layer = found.layer {
                let (fetch, lease) = (found.fetch, parts.lease)
                layers.append(
                    try await parts.images.addLayer(layer, above: state.layers, in: lease) {
                        try await fetch(layer.blob)
                    })
            }
            if let isRight {
                let folders = await parts.images.folders(of: layers)
                let (isNew, empty) = (found.layer != nil, await parts.images.emptyFolder)
                guard try await parts.pool.run({ try isRight(folders.isEmpty ? [empty] : folders, isNew) }) else {
                    throw ImageError.failed("the layer that it has for this step holds other files")
                }
            }
            let now = parts.host.now() / 1_000_000_000
            let record = CacheRecord(
                key: key, layers: layers, madeLayer: found.layer != nil, title: title, kind: kind,
                created: found.created.flatMap(Builder.seconds) ?? now, used: now)
            let kept = try await parts.cache.result(key) { _ in record }
            // So that the next build can say what is different.
            try await parts.pool.run { [parts, slot] in try parts.cache.remember(seen, as: slot) }
            return Outcome(record: kept, isCached: true, cache: found.title)
        } catch {
            try Task.checkCancellation()
            await parts.imports.reject(found, for: key)
            parts.tell(
                .warning(
                    BuildNote(
                        message: "the cache \(found.title) is not used for this step: \(error)",
                        place: .init(instruction.place))))
            return nil
        }
    }

    /// The result of a COPY or ADD whose files are known, from the engine's cache or another.
    func cached(
        _ key: Digest, _ step: CopyStep, _ plan: CopyPlan, _ owner: Ownership?, keepsOwner: Bool,
        _ digests: [String: String], seen: SlotRecord
    ) async throws -> Outcome? {
        if let record = await cached(key) { return Outcome(record: record, isCached: true) }
        // The plan does not have files that are unpacked, downloaded or written in the Dockerfile: for these, the key must be enough.
        guard !step.isAdd, step.urls.isEmpty, step.documents.isEmpty else {
            return try await imported(key, "copy", seen: seen)
        }
        return try await imported(key, "copy", seen: seen) { folders, isNew in
            try has(plan, step, owner, keepsOwner: keepsOwner, digests, in: folders, isNew: isNew)
        }
    }

    /// The past by which an image's history may know the step: only where its line there says all that counts.
    private func knownPast(_ isRight: (([String], Bool) throws -> Bool)?) -> [String]? {
        switch step {
        case .folder: past
        case .copy: isRight == nil ? nil : past
        case .run(let step):
            step.mounts.isEmpty && step.script == nil && step.network == "default" && !step.isInsecure
                && step.hostname == nil
                && parts.request.network == nil && parts.request.extraHosts.isEmpty ? past : nil
        }
    }

    /// Whether `folders` show everything where the plan puts it, and the layer nothing else.
    private func has(
        _ plan: CopyPlan, _ step: CopyStep, _ owner: Ownership?, keepsOwner: Bool, _ digests: [String: String],
        in folders: [String], isNew: Bool
    ) throws -> Bool {
        let tree = try LayerTree(folders)
        // If several sources go to one place, the last one wins.
        let last = Dictionary(plan.placements.map { ($0.path, $0) }) { $1 }
        for placement in last.values {
            guard let entry = try tree.entry(placement.path) else { return false }
            let attributes = attributes(of: placement, step, owner, keepsOwner: keepsOwner)
            switch (placement.entry.kind, entry.kind) {
            case (.folder, .folder) where !placement.describes: continue
            case (.folder, .folder): break
            case (.file, .file):
                guard try tree.digest(of: placement.path) == digests[placement.source] else { return false }
            case (.link(let wanted), .link(let target)):
                guard wanted == target else { return false }
            case (.node(type: let wanted, device: let number), .node(type: let type, device: let device)):
                guard wanted == type, number == device else { return false }
            default: return false
            }
            let isLink = if case .link = entry.kind { true } else { false }
            guard isLink || entry.mode == attributes.mode, entry.user == attributes.owner.user,
                entry.group == attributes.owner.group
            else { return false }
        }
        guard isNew, let top = folders.first else { return true }
        return try changedPaths(ofLayer: top).allSatisfy { last[$0] != nil }
    }
}
