import Dockerfile
import EngineWire
import Glibc
import Images
import JSON
import Linux
import OCI

// COPY and ADD.
extension StepWork {
    func perform(_ step: CopyStep) async throws -> Outcome {
        switch step.origin {
        case .context(let name):
            if let layers = try await run.layers(ofContext: name) { return try await copy(step, from: layers) }
            return try await copyFromContext(step, name)
        case .stage(let index): return try await copy(step, from: try await run.stage(index).state.layers)
        case .image(let reference): return try await copy(step, from: try await run.layers(ofImage: reference))
        case .scratch: return try await copy(step, from: [])
        }
    }

    /// What counts of a step beyond its files.
    private func key(_ kind: String, _ step: CopyStep) throws -> StepKey {
        var key = StepKey(kind)
        var bare = step
        bare.query.patterns = []
        bare.origin = .main
        try key.add(bare)
        key.add(step.isLinked ? "linked" : state.layers.state)
        key.add(state.layers.state)
        if let epoch { key.add("\(epoch)") }
        return key
    }

    /// The state that its paths are resolved in: with --link none but its own.
    private func below(_ step: CopyStep) async -> [String] { step.isLinked ? [] : await lower() }

    // MARK: Layers

    private func copy(_ step: CopyStep, from layers: [BuiltLayer]) async throws -> Outcome {
        // Asked first by what the source is as a whole: then none of its files is read.
        var quick = try key("copy whole", step)
        try quick.add(step.query)
        quick.add(layers.state)
        let quickKey = quick.digest
        if let record = await cached(quickKey) { return Outcome(record: record, isCached: true) }
        let folders = await parts.images.folders(of: layers)
        let empty = await parts.images.emptyFolder
        let (matches, digests) = try await parts.pool.run {
            let tree = try LayerTree(folders.isEmpty ? [empty] : folders)
            let matches = try found(step) { try SourceMatcher(tree).matches(step.query) }
            var digests: [String: String] = [:]
            for match in matches {
                if match.entry.kind == .file { digests[match.entry.path] = try tree.digest(of: match.entry.path) }
                for entry in match.below where entry.kind == .file {
                    let path = CopyPlan.join(match.entry.path, entry.path)
                    digests[path] = try tree.digest(of: path)
                }
            }
            return (matches, digests)
        }
        var seen = SlotRecord(key: quickKey, step: self.step, base: state.layers.state)
        let below = await below(step)
        let plan = try await plan(step, matches, below)
        let owner = try step.owner.map { try Self.owner($0, in: below) }
        var content = try key("copy", step)
        for placement in plan.placements {
            let line = summary(placement, step, owner, keepsOwner: true, digests[placement.source] ?? "")
            content.add(placement.path)
            content.add(line)
            seen.files[placement.path] = line
        }
        let contentKey = content.digest
        if let outcome = try await cached(contentKey, step, plan, owner, keepsOwner: true, digests, seen: seen) {
            try await know(outcome.record, by: quickKey)
            return outcome
        }
        let outcome = try await made(contentKey, "copy", seen: seen) {
            try await withWorkFolder { folder in
                let now = now
                try await parts.pool.run {
                    let tree = try LayerTree(folders.isEmpty ? [empty] : folders)
                    let composer = try composer(folder, below, owner, now)
                    try prepare(step, plan, composer)
                    for placement in plan.placements {
                        let attributes = attributes(of: placement, step, owner, keepsOwner: true)
                        guard placement.entry.kind == .file else {
                            try place(placement, attributes, composer)
                            continue
                        }
                        guard let file = try tree.stack.find(placement.source, following: false) else { continue }
                        try composer.copyFile(file, to: placement.path, attributes)
                    }
                    try addDocuments(step, composer, owner)
                    try composer.finish()
                }
                return try await parts.images.commitLayer(
                    upper: "\(folder)/upper", above: state.layers, epoch: epoch, in: parts.lease)
            }
        }
        try await know(outcome.record, by: quickKey)
        return outcome
    }

    /// Keeps a result under another key, too.
    private func know(_ record: CacheRecord, by key: Digest) async throws {
        var copy = record
        copy.key = key
        copy.commonKey = record.key
        let kept = copy
        _ = try await parts.cache.result(key) { kept }
    }

    // MARK: The context

    private func copyFromContext(_ step: CopyStep, _ context: String) async throws -> Outcome {
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
            // Touched, and still the same.
            if let outcome = try await cached(
                seen.key, step, plan, owner, keepsOwner: false, fresh.mapValues { "\($0)" }, seen: seen)
            {
                return outcome
            }
            return try await made(seen.key, "copy", seen: seen) {
                try await parts.images.commitLayer(
                    upper: "\(folder)/upper", above: state.layers, epoch: epoch, in: parts.lease)
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

    struct Composed: Sendable {
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
                // It only begins like one: a compressed file is copied as it is.
                let attributes = attributes(of: placement, step, owner, keepsOwner: false)
                let file = try openFile(path, O_RDONLY)
                try composer.makeFile(placement.path, attributes) { try copy(file, to: $0) }
            }
        }
        composed.digests.merge(digests) { $1 }
    }

    // MARK: What both share

    /// Writes into the upper folder in `folder`. Folders on the way belong to whom --chown names.
    private func composer(
        _ folder: String, _ below: [String], _ owner: Ownership?, _ now: Int64
    ) throws -> LayerComposer {
        try LayerComposer(
            upper: "\(folder)/upper", above: below, now: now, owner: owner ?? Ownership(user: 0, group: 0))
    }

    /// Runs a search and says where it went wrong.
    private func found(_ step: CopyStep, _ search: () throws -> [[SourceMatch]]) throws -> [SourceMatch] {
        do {
            return try search().flatMap { $0 }
        } catch let failure as SourceFailure {
            func place(_ index: Int) -> (String, BuildNote.Place) {
                let range = instruction.sources.indices.contains(index) ? instruction.sources[index] : instruction.place
                let pattern = step.query.patterns.indices.contains(index) ? step.query.patterns[index] : ""
                return (pattern, BuildNote.Place(range))
            }
            switch failure {
            case .missing(let index, let nearest, let isIgnored):
                let (pattern, place) = place(index)
                let reason =
                    isIgnored ? "'\(pattern)' is there, and .dockerignore leaves it out" : "there is no '\(pattern)'"
                let isOutside = pattern.split(separator: "/").first == ".."
                let hint =
                    isOutside
                    ? "paths begin in the context's folder, and nothing above it can be copied; choose a context that holds it"
                    : nearest.map { "did you mean '\($0)'?" }
                throw BuildFailure([
                    BuildNote(
                        code: .notFound, message: "\(reason)\(step.origin == .main ? " in the build context" : "")",
                        hint: isIgnored ? "add !\(pattern) to .dockerignore" : hint, place: place)
                ])
            case .invalidPattern(let index), .tooManyLinks(let index), .brokenLink(let index, _):
                let (pattern, place) = place(index)
                var note = BuildNote(message: "'\(pattern)': \(failure)", place: place)
                if case .brokenLink(_, let path) = failure { note.hint = "add \(path) to .dockerignore" }
                throw BuildFailure([note])
            case .unreadable(let reason): throw mistake(reason, code: .unreadable)
            }
        }
    }

    private func plan(_ step: CopyStep, _ matches: [SourceMatch], _ below: [String]) async throws -> CopyPlan {
        let empty = await parts.images.emptyFolder
        return try await parts.pool.run {
            let tree = try LayerTree(below.isEmpty ? [empty] : below)
            let destination = try Self.resolve(step.destination, in: tree)
            let isThere = try tree.entry(destination)?.isFolder ?? false
            let isFolder =
                step.destination.utf8.last == UInt8(ascii: "/") || isThere || step.hasSeveralSources
                || matches.count > 1
            return CopyPlan(matches, to: destination, isFolder: isFolder, keepsParents: step.query.keepsParents)
        }
    }

    /// `path` with its links followed as far as it is there.
    private static func resolve(_ path: String, in tree: LayerTree) throws -> String {
        var pending = Array(path.pathParts.reversed())
        var walked: [String] = []
        var links = 0
        while let name = pending.popLast() {
            if name == "." { continue }
            if name == ".." {
                _ = walked.popLast()
                continue
            }
            guard links < 40, case .link(let target)? = try tree.entry((walked + [name]).joined(separator: "/"))?.kind
            else {
                walked.append(name)
                continue
            }
            links += 1
            if target.isAbsolutePath { walked = [] }
            pending += Array(target.pathParts.reversed())
        }
        return walked.joined(separator: "/")
    }

    /// A destination that is a folder by the way it is written is there, whatever is put into it.
    private func prepare(_ step: CopyStep, _ plan: CopyPlan, _ composer: LayerComposer) throws {
        guard step.destination.utf8.last == UInt8(ascii: "/") || step.hasSeveralSources,
            !plan.placements.isEmpty || !step.documents.isEmpty || !step.urls.isEmpty
        else { return }
        let path = try composer.resolve(step.destination)
        if !path.isEmpty { try composer.makeFolder(path) }
    }

    func place(
        _ placement: CopyPlan.Placement, _ attributes: LayerComposer.Attributes, _ composer: LayerComposer
    ) throws {
        switch placement.entry.kind {
        case .file: break
        case .folder: try composer.makeFolder(placement.path, attributes, describing: placement.describes)
        case .link(let target): try composer.makeLink(placement.path, to: target, attributes)
        case .node(let type, let device):
            try composer.makeNode(placement.path, type: type, device: device, attributes)
        }
    }

    func attributes(
        of placement: CopyPlan.Placement, _ step: CopyStep, _ owner: Ownership?, keepsOwner: Bool
    ) -> LayerComposer.Attributes {
        let entry = placement.entry
        // The folder that is named is the destination itself: what is in it is copied.
        if entry.isFolder, !placement.describes {
            return .init(mode: 0o755, owner: owner ?? Ownership(user: 0, group: 0), modified: now)
        }
        let own = keepsOwner ? Ownership(user: entry.user, group: entry.group) : Ownership(user: 0, group: 0)
        return LayerComposer.Attributes(mode: mode(of: entry, step), owner: owner ?? own, modified: entry.modified)
    }

    private func mode(of entry: SourceEntry, _ step: CopyStep) -> UInt32 {
        step.mode.flatMap { FileModes($0) }?.applied(to: entry.mode, isFolder: entry.isFolder) ?? entry.mode
    }

    /// `MODE OWNER CONTENT`: what counts of a thing beside its path.
    private func summary(
        _ placement: CopyPlan.Placement, _ step: CopyStep, _ owner: Ownership?, keepsOwner: Bool, _ digest: String
    ) -> String {
        let attributes = attributes(of: placement, step, owner, keepsOwner: keepsOwner)
        let content =
            switch placement.entry.kind {
            case .file where placement.first != nil: "=\(digest)"
            case .file: digest
            case .folder: placement.describes ? "folder" : "place"
            case .link(let target): "->\(target)"
            case .node(let type, let device): "\(type):\(device)"
            }
        let mode = String(attributes.mode, radix: 8)
        return "\(mode) \(attributes.owner.user):\(attributes.owner.group) \(content)"
    }

    private func addDocuments(_ step: CopyStep, _ composer: LayerComposer, _ owner: Ownership?) throws {
        for document in step.documents {
            var target = try composer.resolve(step.destination)
            let isThere = try composer.isFolder(target) == true
            if step.destination.utf8.last == UInt8(ascii: "/") || step.hasSeveralSources || isThere {
                target = CopyPlan.join(target, document.name)
            }
            let mode = step.mode.flatMap { FileModes($0) }?.applied(to: 0o644, isFolder: false) ?? 0o644
            let attributes = LayerComposer.Attributes(
                mode: mode, owner: owner ?? Ownership(user: 0, group: 0), modified: now)
            try composer.makeFile(target, attributes) { try $0.write(document.text.utf8) }
        }
    }
}
