import Dockerfile
import EngineWire
import Glibc
import Images
import JSON
import Linux
import OCI

// COPY and ADD: from layers, and what copying from layers and from a context share.
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

    /// The key of a step without its files.
    func key(_ kind: String, _ step: CopyStep) throws -> StepKey {
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

    /// The layers in which its paths are resolved; none with --link.
    func below(_ step: CopyStep) async -> [String] { step.isLinked ? [] : await lower() }

    // MARK: Layers

    private func copy(_ step: CopyStep, from layers: [BuiltLayer]) async throws -> Outcome {
        // First look for the source as a whole: if that is known, no file has to be read.
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
        let outcome = try await made(contentKey, "copy", seen: seen) { maker in
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
                    upper: "\(folder)/upper", above: state.layers, epoch: epoch, in: maker.lease)
            }
        }
        try await know(outcome.record, by: quickKey)
        return outcome
    }

    /// Also stores a result under another key.
    private func know(_ record: CacheRecord, by key: Digest) async throws {
        var copy = record
        copy.key = key
        copy.commonKey = record.key
        let kept = copy
        _ = try await parts.cache.result(key) { _ in kept }
    }

    // MARK: What both share

    /// Writes into the upper folder in `folder`. Folders on the way belong to whom --chown names.
    func composer(
        _ folder: String, _ below: [String], _ owner: Ownership?, _ now: Int64
    ) throws -> LayerComposer {
        try LayerComposer(
            upper: "\(folder)/upper", above: below, now: now, owner: owner ?? Ownership(user: 0, group: 0))
    }

    /// Runs a search, and turns its failure into a note with a place.
    func found(_ step: CopyStep, _ search: () throws -> [[SourceMatch]]) throws -> [SourceMatch] {
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
                    isIgnored ? "'\(pattern)' exists, but .dockerignore excludes it" : "there is no '\(pattern)'"
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

    func plan(_ step: CopyStep, _ matches: [SourceMatch], _ below: [String]) async throws -> CopyPlan {
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

    /// Makes the destination if it is written as a folder.
    func prepare(_ step: CopyStep, _ plan: CopyPlan, _ composer: LayerComposer) throws {
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
        // COPY copies the content of a folder: the folder itself becomes the destination.
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
    func summary(
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

    func addDocuments(_ step: CopyStep, _ composer: LayerComposer, _ owner: Ownership?) throws {
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
