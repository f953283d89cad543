import Dockerfile
import EngineWire
import Glibc
import Images
import Linux
import OCI
import Synchronization
import YAML

/// One step of a build: it comes from the cache or runs.
struct StepWork: Sendable {
    let parts: BuildRun.Parts
    let run: BuildRun
    let instruction: PlannedInstruction
    let step: BuildStep
    let state: BuildRun.State
    let slot: Digest
    let usesCache: Bool
    let isPreviousNew: Bool
    let number: Int
    let title: String
    let stage: String
    let epoch: Int64?
    /// What the stage's image is made for.
    let platform: Platform
    /// The instructions up to this one, as the image's history tells them; nil for what stands in no history.
    var past: [String]?

    struct Outcome: Sendable {
        var record: CacheRecord
        var isCached: Bool
        /// How long it ran, without waiting for what it needs.
        var seconds: Double?
        /// The outside cache that it came from.
        var cache: String?
    }

    private var noCache: String {
        parts.request.noCache
            ? "the cache is not used: --no-cache" : "the cache is not used for this stage: --no-cache-filter"
    }

    func perform() async throws -> Outcome {
        let watch = Stopwatch()
        do {
            let outcome =
                switch step {
                case .run(let step): try await perform(step)
                case .copy(let step): try await perform(step)
                case .folder(let path, let user): try await makeFolder(path, user)
                }
            let result = outcome.record.layers.state
            await run.note(outcome.record)
            if outcome.isCached {
                show(.cached, result: result, cache: outcome.cache)
            } else {
                show(.done, outcome.seconds ?? watch.seconds, result: result)
            }
            return outcome
        } catch {
            let isCancelled = error is CancellationError || Task.isCancelled
            show(isCancelled ? .cancelled : .failed, watch.seconds)
            if isCancelled { throw CancellationError() }
            throw failure(error)
        }
    }

    func show(
        _ state: BuildStepProgress.State, _ seconds: Double? = nil, reasons: [String] = [], isFirst: Bool = false,
        result: String? = nil, cache: String? = nil
    ) {
        var progress = BuildStepProgress(number: number, title: title, state: state)
        progress.seconds = seconds
        progress.reasons = reasons
        progress.isFirst = isFirst
        progress.stage = stage
        progress.line = instruction.place.line
        progress.result = result
        progress.cache = cache
        parts.tell(.step(progress))
    }

    /// `error` as something that is wrong with this step.
    func failure(_ error: any Error) -> BuildFailure {
        if let failure = error as? BuildFailure {
            // The failed step belongs to another build: name its place in this file.
            return BuildFailure(
                failure.notes.map { note in
                    guard let place = note.place, place.file != instruction.place.file else { return note }
                    var own = note
                    own.place = BuildNote.Place(instruction.place)
                    return own
                })
        }
        var note = BuildNote(describing: error)
        if let error = error as? SyscallError, error.isFullDisk {
            // Everything that a build writes lies on one disk.
            note.message = ImageError.noSpace(parts.cache.root).description
        }
        if note.code == .launchFailed, !Platform.host.accepts(platform) {
            note.message += "; the image is for \(platform.text), and this machine runs \(Platform.host.text)"
            note.hint =
                "build for this machine (--platform \(Platform.host.text)), or install an emulator for the other (`apt install qemu-user-static`)"
        }
        if case SourceFailure.unreadable? = error as? SourceFailure {
            note.code = .unreadable
            note.hint = "did it change while the build read it? build again, or leave it out with .dockerignore"
        }
        if note.place == nil { note.place = BuildNote.Place(instruction.place) }
        return BuildFailure([note])
    }

    func mistake(
        _ message: String, hint: String? = nil, at place: SourceRange? = nil, code: EngineFailure.Code = .invalid
    )
        -> BuildFailure
    {
        BuildFailure([BuildNote(code: code, message: message, hint: hint, place: .init(place ?? instruction.place))])
    }

    // MARK: The cache

    func cached(_ key: Digest) async -> CacheRecord? {
        usesCache ? await parts.cache.record(key, in: parts.lease) : nil
    }

    /// Makes the result of `key`, unless another build is making it.
    func made(
        _ key: Digest, _ kind: String, seen: SlotRecord, staysWithMaker: Bool = false,
        _ make: @escaping @Sendable (BuildCache.Maker) async throws -> BuiltLayer?
    ) async throws -> Outcome {
        let old = await parts.pool.runInfallible { [parts, slot] in parts.cache.slot(slot) }
        let reasons = old.map { Difference.reasons(from: $0, to: seen, isPreviousNew: isPreviousNew) } ?? []
        let watch = Stopwatch()
        let (layers, title, host) = (state.layers, title, parts.host)
        let isOurs = Atomic(false)
        let record = try await parts.cache.result(key, staysWithMaker: staysWithMaker) { maker in
            isOurs.store(true, ordering: .relaxed)
            show(.running, reasons: usesCache ? reasons : [noCache], isFirst: old == nil)
            let layer = try await make(maker)
            let now = host.now() / 1_000_000_000
            return CacheRecord(
                key: key, layers: layers + (layer.map { [$0] } ?? []), madeLayer: layer != nil, title: title,
                kind: kind,
                created: now, used: now)
        }
        guard await parts.images.hold(record.layers, in: parts.lease) else {
            throw mistake("the result of the step has been removed", hint: "build again", code: .failed)
        }
        try await parts.pool.run { [parts, slot] in try parts.cache.remember(seen, as: slot) }
        // Another build or stage made the same step.
        guard isOurs.load(ordering: .relaxed) else { return Outcome(record: record, isCached: true) }
        return Outcome(record: record, isCached: false, seconds: watch.seconds)
    }

    /// Gives `body` a folder with an empty `upper` and `work` in it, and removes what is left of it.
    func withWorkFolder<Result: Sendable>(_ body: (String) async throws -> Result) async throws -> Result {
        let folder = try await parts.cache.makeWorkFolder()
        do {
            try await parts.pool.run {
                try makeFolders("\(folder)/upper", mode: 0o755)
                try makeFolders("\(folder)/work", mode: 0o755)
            }
            let result = try await body(folder)
            await parts.pool.runInfallible { try? removeTree(folder) }  // the next start removes what is left
            return result
        } catch {
            await parts.pool.runInfallible { try? removeTree(folder) }
            throw error
        }
    }

    /// The folders of the state that the step begins with, top first.
    func lower() async -> [String] { await parts.images.folders(of: state.layers) }

    /// The time of what the step makes, in nanoseconds since 1970.
    var now: Int64 { epoch.map { $0 * 1_000_000_000 } ?? parts.host.now() }

    // MARK: WORKDIR

    private func makeFolder(_ path: String, _ user: String) async throws -> Outcome {
        var key = StepKey("folder")
        for text in [path, user, state.layers.state] { key.add(text) }
        if let epoch { key.add("\(epoch)") }
        let digest = key.digest
        if let record = await cached(digest) { return Outcome(record: record, isCached: true) }
        let seen = SlotRecord(key: digest, step: step, base: state.layers.state)
        if let outcome = try await imported(digest, "folder", seen: seen) { return outcome }
        return try await made(digest, "folder", seen: seen) { maker in
            try await withWorkFolder { folder in
                let (lower, now) = (await lower(), now)
                try await parts.pool.run {
                    let composer = try LayerComposer(upper: "\(folder)/upper", above: lower, now: now)
                    let owner = try Self.owner(user, in: lower)
                    var whole = ""
                    for part in path.pathParts {
                        whole = try composer.resolve(CopyPlan.join(whole, String(part)))
                        if let isFolder = try composer.isFolder(whole) {
                            guard isFolder else { throw LayerComposer.Obstacle.isNoFolder(whole) }
                        } else {
                            try composer.makeFolder(whole, .init(mode: 0o755, owner: owner, modified: now))
                        }
                    }
                    try composer.finish()
                }
                return try await parts.images.commitLayer(
                    upper: "\(folder)/upper", above: state.layers, epoch: epoch, in: maker.lease)
            }
        }
    }

    /// The owner and group that `user` names. A single number is also the group; names come from the passwd file.
    static func owner(_ user: String, in lower: [String]) throws -> Ownership {
        guard !user.isEmpty else { return Ownership(user: 0, group: 0) }
        if let number = UInt32(user) { return Ownership(user: number, group: number) }
        let numbers = user.split(separator: ":", omittingEmptySubsequences: false).map { UInt32($0) }
        if numbers.count == 2, let uid = numbers[0], let gid = numbers[1] { return Ownership(user: uid, group: gid) }
        guard !lower.isEmpty else {
            throw EngineFailure(
                code: .invalid, message: "\(user) cannot be looked up: there is no passwd file",
                hint: "write numbers, as 1000:1000")
        }
        do {
            let found = try lookUpUser(user, in: lower)
            return Ownership(user: found.uid, group: found.gid)
        } catch let error as UserLookupError {
            throw EngineFailure(
                code: .invalid, message: error.description, hint: "a number works without an entry in the image")
        }
    }
}
