import Dockerfile
import EngineWire
import Glibc
import Images
import Linux
import OCI

// COPY and ADD from a context, whose files the client reads.
extension StepWork {
    func copyFromContext(_ step: CopyStep, _ context: String) async throws -> Outcome {
        let (parts, pool) = (parts, parts.pool)
        let matches = try await pool.run {
            step.query.patterns.isEmpty
                ? [] : try found(step) { try parts.contexts.list(step.query, in: context) }
        }
        let name = contextName(context)
        let stamps = await pool.runInfallible { parts.cache.stamps(of: name) }
        let below = await below(step)
        let plan = try await plan(step, matches, below)
        let owner = try step.owner.map { try Self.owner($0, in: below) }
        var known: [String: Digest] = [:]
        var isKnown = step.urls.isEmpty
        for placement in plan.placements where placement.entry.kind == .file {
            if let stamp = placement.entry.stamp, let seen = stamps[placement.source], seen.hasPrefix("\(stamp) "),
                let digest = Digest(seen.dropFirst(stamp.count + 1))
            {
                known[placement.source] = digest
            } else {
                isKnown = false
            }
        }
        var seen = SlotRecord(key: slot, step: self.step, base: state.layers.state)
        if isKnown {
            seen.key = try contentKey(step, plan, owner, known, &seen)
            if let outcome = try await cached(
                seen.key, step, plan, owner, keepsOwner: false, known.mapValues { "\($0)" }, seen: seen)
            {
                return outcome
            }
        }
        return try await withWorkFolder { folder in
            let composed = try await compose(step, plan, owner, known, below, folder, context)
            let fresh = composed.digests
            try await pool.run {
                var stamps = stamps
                for placement in plan.placements {
                    guard let stamp = placement.entry.stamp, let digest = fresh[placement.source] else { continue }
                    stamps[placement.source] = "\(stamp) \(digest)"
                }
                try parts.cache.remember(stamps, of: name)
            }
            seen.key = try contentKey(step, plan, owner, fresh, &seen, urls: composed.urls)
            for placement in plan.placements { seen.contents[placement.path] = fresh[placement.source].map { "\($0)" } }
            // Touched, but still the same.
            if let outcome = try await cached(
                seen.key, step, plan, owner, keepsOwner: false, fresh.mapValues { "\($0)" }, seen: seen)
            {
                return outcome
            }
            return try await made(seen.key, "copy", seen: seen, staysWithMaker: true) { maker in
                try await parts.images.commitLayer(
                    upper: "\(folder)/upper", above: state.layers, epoch: epoch, in: maker.lease)
            }
        }
    }

    private func contextName(_ context: String) -> String {
        guard !context.isEmpty else { return parts.request.context }
        guard case .folder(let path)? = parts.request.contexts[context] else { return context }
        return path
    }

    private func contentKey(
        _ step: CopyStep, _ plan: CopyPlan, _ owner: Ownership?, _ digests: [String: Digest], _ seen: inout SlotRecord,
        urls: [String] = []
    ) throws -> Digest {
        var key = try key("copy", step)
        for placement in plan.placements {
            let line = summary(
                placement, step, owner, keepsOwner: false, digests[placement.source].map { "\($0)" } ?? "")
            key.add(placement.path)
            key.add(line)
            seen.files[placement.path] = line
        }
        for url in urls { key.add(url) }
        return key.digest
    }

    private struct Composed: Sendable {
        var digests: [String: Digest] = [:]
        var urls: [String] = []
    }

    /// Puts everything into the upper folder. What is known and lies in the layer that was made here last is taken from there;
    /// the rest is asked of the client.
    private func compose(
        _ step: CopyStep, _ plan: CopyPlan, _ owner: Ownership?, _ known: [String: Digest], _ below: [String],
        _ folder: String, _ context: String
    ) async throws -> Composed {
        let downloads = try await download(step, into: folder)
        let old = await parts.pool.runInfallible { [parts, slot] in parts.cache.slot(slot) }
        var local: [Digest: String] = [:]
        if let old, !old.contents.values.isEmpty, let record = await parts.cache.record(old.key, in: parts.lease),
            record.madeLayer,
            let layer = await parts.images.folders(of: record.layers).first
        {
            for (path, text) in old.contents.values {
                if let digest = Digest(text) { local[digest] = "\(layer)/\(path)" }
            }
        }
        let (now, files) = (now, local)
        let contexts = parts.contexts
        return try await parts.pool.run {
            let composer = try composer(folder, below, owner, now)
            try prepare(step, plan, composer)
            var composed = Composed(digests: known)
            var wanted: [CopyPlan.Placement] = []
            var names: [(placement: CopyPlan.Placement, first: CopyPlan.Placement)] = []
            for placement in plan.placements {
                let attributes = attributes(of: placement, step, owner, keepsOwner: false)
                guard placement.entry.kind == .file else {
                    try place(placement, attributes, composer)
                    continue
                }
                let mayUnpack = step.isAdd && step.unpacks != false && placement.isNamed
                if !mayUnpack, let first = placement.first.map({ plan.placements[$0] }), !first.isNamed || !step.isAdd {
                    names.append((placement, first))
                } else if !mayUnpack, let digest = known[placement.source], let path = files[digest],
                    let file = try? openFile(path, O_RDONLY | O_NOFOLLOW)
                {
                    try composer.makeFile(placement.path, attributes) { try copy(file, to: $0) }
                } else {
                    wanted.append(placement)
                }
            }
            try fetch(wanted, step, owner, composer, folder, context, contexts, &composed)
            for (placement, first) in names {
                try composer.makeName(placement.path, of: first.path)
                composed.digests[placement.source] = composed.digests[first.source]
            }
            for download in downloads {
                composed.urls.append("\(download.name) \(download.digest)")
                try add(download, step, owner, composer, folder)
            }
            try addDocuments(step, composer, owner)
            try composer.finish()
            return composed
        }
    }

    func copy(_ file: borrowing OwnedFD, to target: borrowing OwnedFD) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try file.read(into: buffer)
            if count == 0 { return }
            try target.write(buffer[..<count])
        }
    }

    private func fetch(
        _ wanted: [CopyPlan.Placement], _ step: CopyStep, _ owner: Ownership?, _ composer: LayerComposer,
        _ folder: String, _ context: String, _ contexts: any ContextSource, _ composed: inout Composed
    ) throws {
        guard !wanted.isEmpty else { return }
        var digests: [String: Digest] = [:]
        var archives: [(CopyPlan.Placement, String)] = []
        try contexts.fetch(wanted.map(\.source), in: context) { index, next in
            let placement = wanted[index]
            let attributes = attributes(of: placement, step, owner, keepsOwner: false)
            var hasher = DigestHasher()
            var size: Int64 = 0
            var piece = try next()
            let isArchive =
                step.isAdd && step.unpacks != false && placement.isNamed && ArchiveContent.isArchive(piece ?? [])
            let spool = "\(folder)/archive\(index)"
            func copy(_ file: borrowing OwnedFD) throws {
                while let bytes = piece {
                    try file.write(bytes)
                    hasher.update(bytes)
                    size += Int64(bytes.count)
                    piece = try next()
                }
            }
            if isArchive {
                let file = try openFile(spool, O_RDWR | O_CREAT | O_EXCL)
                try copy(file)
                archives.append((placement, spool))
            } else {
                try composer.makeFile(placement.path, attributes) { try copy($0) }
            }
            digests[placement.source] = hasher.finish()
        }
        for (placement, path) in archives {
            do {
                try unpack(path, to: composer.resolve(step.destination), step, owner, composer, folder)
            } catch ImageError.invalidArchive {
                // It only looks like an archive: copy a compressed file as it is.
                let attributes = attributes(of: placement, step, owner, keepsOwner: false)
                let file = try openFile(path, O_RDONLY)
                try composer.makeFile(placement.path, attributes) { try copy(file, to: $0) }
            }
        }
        composed.digests.merge(digests) { $1 }
    }
}
