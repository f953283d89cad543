import Dockerfile
import EngineWire
import Images
import JSON
import Linux
import OCI
import YAML

/// One build: its stages side by side, each step from the cache or made anew.
package actor BuildRun {
    /// The state that a stage is in.
    struct State: Sendable {
        var layers: [BuiltLayer]
        /// When its last step was made, seconds since 1970; nil where nothing tells.
        var created: Int64?
        /// A step before was made anew.
        var isNew = false
    }

    /// A stage that was built.
    struct StageResult: Sendable {
        var state: State
        var plan: StagePlan
        var history: [ImageConfig.History]
        var platform: Platform
    }

    /// What every step of the build shares.
    struct Parts: Sendable {
        let request: BuildRequest
        let host: any BuildHost
        let images: ImageStore
        let cache: BuildCache
        let contexts: any ContextSource
        let pool: BlockingPool
        let lease: BuildLease
        let tell: @Sendable (BuildEvent) -> Void
        /// The result of a build of the same batch.
        let built: @Sendable (Int) async throws -> Image
        let imports: ImportedCaches
        let layouts: LayoutReader
    }

    let parts: Parts
    let build: BuildFile
    private let arguments: BuildArguments
    let graph: StageGraph
    let platforms: [String?]
    private let names: [Reference]
    private var stages: [Int: Task<StageResult, any Error>] = [:]
    private var lastNumber = 0
    /// The results of the steps so far.
    private(set) var noted: [Digest: CacheRecord] = [:]

    /// Builds what `request` asks for, and stores the image.
    /// - Throws: `BuildFailure`, whose notes say where and why.
    package static func build(
        _ request: BuildRequest, host: any BuildHost, images: ImageStore, cache: BuildCache,
        contexts: any ContextSource, pool: BlockingPool,
        built: @escaping @Sendable (Int) async throws -> Image = { _ in throw CancellationError() },
        tell: @escaping @Sendable (BuildEvent) -> Void
    ) async throws -> Image {
        try await cache.load()
        let lease = await images.beginLease()
        do {
            let layouts = LayoutReader(contexts: contexts, images: images, pool: pool)
            let parts = Parts(
                request: request, host: host, images: images, cache: cache, contexts: contexts, pool: pool,
                lease: lease, tell: tell, built: built,
                imports: ImportedCaches(request, host: host, layouts: layouts, tell: tell), layouts: layouts)
            let image = try await BuildRun(parts).image()
            await images.end(lease)
            return image
        } catch {
            await images.end(lease)
            throw error
        }
    }

    private init(_ parts: Parts) throws {
        self.parts = parts
        let request = parts.request
        names = try request.tags.map(Self.name)
        var findings = Findings(file: request.file)
        build = BuildFile(file: request.file, bytes: Array(request.dockerfile.utf8), findings: &findings)
        try Self.check(findings)
        let automatic = Self.automatic(request)
        var given = request.arguments
        if let epoch = request.epoch { given["SOURCE_DATE_EPOCH"] = "\(epoch)" }
        arguments = BuildArguments(build, given: given, automatic: automatic, findings: &findings)
        let bases = arguments.bases(of: build, findings: &findings)
        platforms = arguments.platforms(of: build, findings: &findings)
        try Self.check(platforms: [request.platform] + platforms)
        try Self.check(findings)
        graph = StageGraph(
            build, bases: bases, contexts: Set(request.contexts.keys), target: request.target, findings: &findings)
        try Self.check(findings)
        for diagnostic in findings.diagnostics { parts.tell(.warning(BuildNote(diagnostic))) }
        for name in arguments.unused(in: build) {
            parts.tell(.warning(BuildNote(message: "nothing in the Dockerfile declares the build argument \(name)")))
        }
    }

    private static func name(_ text: String) throws -> Reference {
        do throws(ReferenceError) {
            let reference = try Reference(text)
            try reference.checkName()
            return reference
        } catch {
            throw BuildFailure([BuildNote(message: "\(error)")])
        }
    }

    /// What is there without a declaration.
    package static func automatic(_ request: BuildRequest) -> [String: String] {
        func parts(_ platform: Platform, _ prefix: String) -> [String: String] {
            [
                "\(prefix)PLATFORM": platform.text, "\(prefix)OS": platform.os, "\(prefix)ARCH": platform.architecture,
                "\(prefix)VARIANT": platform.variant ?? "",
            ]
        }
        let target = request.platform.flatMap { try? Platform.named($0) } ?? .host
        return parts(.host, "BUILD").merging(parts(target, "TARGET")) { $1 }.merging([
            "TARGETSTAGE": request.target ?? "default"
        ]) { $1 }
    }

    private static func check(_ findings: Findings) throws {
        guard findings.hasErrors else { return }
        throw BuildFailure(findings.sorted.filter { $0.severity == .error }.map { BuildNote($0) })
    }

    private func image() async throws -> Image {
        try await checkPlatforms()
        let result: StageResult
        do { result = try await stage(graph.target) } catch {
            for task in stages.values { task.cancel() }
            for task in stages.values { _ = await task.result }
            throw error
        }
        let created = parts.request.epoch ?? result.state.created
        var config = ImageConfig(
            architecture: result.platform.architecture, os: result.platform.os, rootfs: .init(diffIDs: []))
        config.variant = result.platform.variant
        config.created = created.map(timestamp)
        config.author = result.plan.author
        config.history = result.history
        config.config = result.plan.execution
        if !parts.request.labels.isEmpty {
            config.config?.labels = (result.plan.execution.labels ?? [:]).merging(parts.request.labels) { $1 }
        }
        config.stepCache = try inlineCache(for: result.state.layers)
        let isKept = parts.request.outputs.contains(.image)
        let image = try await parts.images.store(
            result.state.layers, config, names: names, annotations: parts.request.annotations, isKept: isKept,
            in: parts.lease)
        for (place, output) in parts.request.outputs.enumerated() {
            try await deliver(output, at: place, image, result.state.layers)
        }
        try await pushCaches(of: result.state.layers)
        parts.tell(
            .finished(
                image: "\(image.id)", manifest: "\(image.manifestDigest)", tags: isKept ? names.map(\.familiar) : [],
                cached: !result.state.isNew))
        return image
    }

    /// Gives the client what it asked for of the result.
    private func deliver(
        _ output: BuildRequest.Output, at place: Int, _ image: Image, _ layers: [BuiltLayer]
    ) async throws {
        let title: String
        switch output {
        case .image, .none: return
        case .files, .tree: title = "exporting the files"
        case .oci: title = "exporting an OCI archive"
        case .docker: title = "exporting a docker archive"
        case .cache, .wholeCache: title = "exporting the cache"
        }
        try await showing(title) {
            if output == .cache || output == .wholeCache {
                return try await deliverCache(at: place, results(for: layers, isWhole: output == .wholeCache))
            }
            let folders = await parts.images.folders(of: layers)
            let empty = await parts.images.emptyFolder
            try await parts.pool.run { [parts, names] in
                try parts.contexts.deliver(place) { sink in
                    switch output {
                    case .files, .tree:
                        try writeTree(
                            of: folders.isEmpty ? [empty] : folders, hasDevices: output == .tree, to: sink)
                    case .oci:
                        try parts.images.writeArchive(of: [ArchivedImage(image, names: names)], as: .oci, to: sink)
                    case .docker:
                        try parts.images.writeArchive(of: [ArchivedImage(image, names: names)], as: .docker, to: sink)
                    case .image, .none, .cache, .wholeCache: return
                    }
                }
            }
        }
    }

    /// Shows `body` as a step of the build.
    func showing(_ title: String, _ body: () async throws -> Void) async throws {
        var progress = BuildStepProgress(number: nextNumber(), title: title, state: .running)
        parts.tell(.step(progress))
        let watch = Stopwatch()
        do {
            try await body()
            progress.state = .done
        } catch {
            progress.state = Task.isCancelled ? .cancelled : .failed
            parts.tell(.step(progress))
            throw error
        }
        progress.seconds = watch.seconds
        parts.tell(.step(progress))
    }

    /// Keeps in mind what a step ended in, for those who are given the results.
    func note(_ record: CacheRecord) { noted[record.commonKey ?? record.key] = record }

    // MARK: Stages

    /// The result of a stage, built once.
    func stage(_ index: Int) async throws -> StageResult {
        let task = begin(index)
        // What it will need begins now, and not only when the step is reached.
        for case .stage(let other) in graph.nodes[index].sources { _ = begin(other) }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    private func begin(_ index: Int) -> Task<StageResult, any Error> {
        if let task = stages[index] { return task }
        let task = Task { try await self.make(index) }
        stages[index] = task
        return task
    }

    private func make(_ index: Int) async throws -> StageResult {
        let stage = build.stages[index]
        let (base, state, platform) = try await self.base(of: stage)
        var findings = Findings(file: build.file)
        let (graph, build) = (graph, build)
        let plan = StagePlan(stage, of: build, on: base, arguments: arguments, findings: &findings) { text in
            graph.origin(of: text, in: build)
        }
        try Self.check(findings)
        var current = state
        var history = base.history
        let count = plan.instructions.count { $0.step != nil } + 1
        var number = 1
        var previousIsNew = false
        for (order, instruction) in plan.instructions.enumerated() {
            try Task.checkCancellation()
            var entry = ImageConfig.History(
                created: nil, createdBy: instruction.history, comment: "buildkit.dockerfile.v0", emptyLayer: true)
            if let step = instruction.step {
                number += 1
                let slot = try self.slot(stage, order)
                let work = StepWork(
                    parts: parts, run: self, instruction: instruction, step: step, state: current, slot: slot,
                    usesCache: usesCache(stage), isPreviousNew: previousIsNew, number: nextNumber(),
                    title: title(stage, number, count, instruction.title), stage: stage.title,
                    epoch: parts.request.epoch, platform: platform,
                    past: (history.map { $0.createdBy ?? "" }) + [instruction.history])
                let outcome = try await work.perform()
                previousIsNew = previousIsNew || !outcome.isCached
                if outcome.record.madeLayer { entry.emptyLayer = nil }
                current.layers = outcome.record.layers
                current.created = max(current.created ?? 0, outcome.record.created)
                current.isNew = current.isNew || !outcome.isCached
            }
            entry.created = (parts.request.epoch ?? current.created).map(timestamp)
            history.append(entry)
        }
        return StageResult(state: current, plan: plan, history: history, platform: platform)
    }

    private func usesCache(_ stage: Stage) -> Bool {
        guard !parts.request.noCache else { return false }
        let names = parts.request.noCacheFilter.map { $0.lowercased() }
        return !names.contains(stage.title)
    }

    private func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    /// Where a step stands, for finding what was built there last.
    private func slot(_ stage: Stage, _ order: Int) throws -> Digest {
        var key = StepKey("slot")
        let request = parts.request
        for text in [request.context, request.file, request.title, stage.title, "\(order)"] { key.add(text) }
        return key.digest
    }

    private func title(_ stage: Stage, _ number: Int, _ count: Int, _ text: String) -> String {
        let name = graph.order().count > 1 ? "\(stage.title) " : ""
        return "[\(name)\(number)/\(count)] \(text)"
    }

    private func base(of stage: Stage) async throws -> (StageBase, State, Platform) {
        let platform = platforms[stage.index].flatMap { try? Platform.named($0) }
        switch graph.nodes[stage.index].base {
        case .stage(let other):
            let result = try await self.stage(other)
            let base = StageBase(
                execution: result.plan.execution, history: result.history, arguments: result.plan.arguments,
                author: result.plan.author)
            return (base, result.state, result.platform)
        case .scratch:
            return (StageBase(), State(layers: []), platform ?? target)
        case .context(let name):
            switch parts.request.contexts[name] {
            case .image(let reference)?: return try await image(reference, of: stage, platform)
            case .build(let index)?: return try await image(name, of: stage, platform, builtBy: index)
            case .layout(let layout)?: return try await image(layout.shown, of: stage, platform, in: layout)
            case .folder?, nil:
                throw failure(stage.base.image, "the context '\(name)' is a folder, and a base is an image", nil)
            }
        case .image(let reference): return try await image(reference, of: stage, platform)
        }
    }

    private func image(
        _ reference: String, of stage: Stage, _ platform: Platform?, builtBy other: Int? = nil,
        in layout: BuildLayout? = nil
    ) async throws -> (StageBase, State, Platform) {
        let count =
            1
            + stage.instructions.count {
                switch $0.operation {
                case .run, .copy, .add, .workdir: true
                default: false
                }
            }
        // A build is shown where it is built; what takes it only waits.
        let result = if let other { try await parts.built(other) } else { nil as Image? }
        let number = nextNumber()
        var progress = BuildStepProgress(
            number: number, title: title(stage, 1, count, "FROM \(reference)"), state: .running)
        progress.stage = stage.title
        progress.line = stage.instruction.lines.lowerBound
        parts.tell(.step(progress))
        let watch = Stopwatch()
        do {
            let image =
                if let result {
                    result
                } else if let layout {
                    try await parts.layouts.image(of: layout, platform: platform ?? target, in: parts.lease)
                } else {
                    try await parts.host.image(
                        reference, platform: platforms[stage.index] ?? parts.request.platform, pull: parts.request.pull)
                }
            let layers = try await parts.images.layers(of: image, in: parts.lease)
            progress.state = .done
            progress.seconds = watch.seconds
            let triggers = image.config.config?.onBuild ?? []
            let steps = triggers.count { trigger in
                let word = trigger.split(separator: " ", maxSplits: 1).first?.uppercased() ?? ""
                return ["RUN", "COPY", "ADD", "WORKDIR"].contains(word)
            }
            progress.title = title(stage, 1, count + steps, "FROM \(reference)")
            progress.result = "\(image.id)"
            parts.tell(.step(progress))
            let base = StageBase(
                execution: image.config.config ?? .init(), history: image.config.history ?? [],
                author: image.config.author)
            let created = image.config.created.flatMap(seconds)
            return (base, State(layers: layers, created: created), image.platform)
        } catch {
            progress.state = Task.isCancelled ? .cancelled : .failed
            progress.seconds = watch.seconds
            parts.tell(.step(progress))
            if error is CancellationError { throw error }
            let told = BuildNote(describing: error)
            // An image that is not to be had may be a stage that is written wrongly.
            let earlier = build.stages.prefix(stage.index).compactMap(\.name)
            let hint = nearest(to: reference, among: earlier).map { "did you mean the stage \"\($0)\"?" } ?? told.hint
            throw failure(stage.base.image, "the base image \(reference): \(told.message)", hint, code: told.code)
        }
    }

    /// The layers of an image that COPY --from or a mount names.
    func layers(ofImage reference: String) async throws -> [BuiltLayer] {
        let image = try await parts.host.image(reference, platform: parts.request.platform, pull: false)
        return try await parts.images.layers(of: image, in: parts.lease)
    }

    /// The layers of a further context that is an image; nil for a folder, which the client reads.
    func layers(ofContext name: String) async throws -> [BuiltLayer]? {
        switch parts.request.contexts[name] {
        case .image(let reference)?: return try await layers(ofImage: reference)
        case .build(let index)?: return try await parts.images.layers(of: parts.built(index), in: parts.lease)
        case .layout(let layout)?:
            let image = try await parts.layouts.image(of: layout, platform: target, in: parts.lease)
            return try await parts.images.layers(of: image, in: parts.lease)
        case .folder?, nil: return nil
        }
    }

    private func failure(_ text: PlacedText, _ message: String, _ hint: String?, code: EngineFailure.Code = .invalid)
        -> BuildFailure
    {
        BuildFailure([BuildNote(code: code, message: message, hint: hint, place: .init(text.span(in: build.file)))])
    }
}

extension StageGraph {
    /// What a COPY --from or a mount's from= names; the graph has it among its sources.
    func origin(of text: PlacedText, in build: BuildFile) -> StepOrigin {
        let name = text.text
        if let index = Int(name), build.stages.indices.contains(index) { return .stage(index) }
        for case .context(let context) in nodes.flatMap({ [$0.base] + $0.sources }) where context == name {
            return .context(name)
        }
        if let stage = build.stages.last(where: { $0.name == name.lowercased() }) { return .stage(stage.index) }
        return name == "scratch" ? .scratch : .image(name)
    }
}

extension BuildNote.Place {
    init(_ range: SourceRange) {
        self.init(file: range.file, line: range.line, column: range.column, length: range.length)
    }
}

extension BuildNote {
    init(_ diagnostic: Diagnostic) {
        self.init(message: diagnostic.message, hint: diagnostic.hint, place: diagnostic.place.map { Place($0) })
    }

    /// Any error, in words.
    init(describing error: any Error) {
        switch error {
        case let failure as EngineFailure:
            self.init(code: failure.code, message: failure.message, hint: failure.hint, log: failure.log)
        case let failure as BuildFailure:
            self = failure.notes.first ?? BuildNote(message: "the build failed")
        case ImageError.noSpace: self.init(code: .noSpace, message: "\(error)", hint: Self.roomHint)
        case let error as SyscallError where error.isFullDisk:
            self.init(code: .noSpace, message: "\(error)", hint: Self.roomHint)
        default: self.init(code: .failed, message: "\(error)")
        }
    }
}
