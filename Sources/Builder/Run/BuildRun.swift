import Dockerfile
import EngineWire
import Images
import JSON
import Linux
import OCI
import YAML

/// One build: its stages run side by side; each step comes from the cache or runs.
package actor BuildRun {
    /// The state of a stage.
    struct State: Sendable {
        var layers: [BuiltLayer]
        /// When its last step was made, seconds since 1970; nil where nothing tells.
        var created: Int64?
        /// An earlier step ran again.
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
    /// No time in the image is later: seconds since 1970. The request gives it, or the file's own `ARG SOURCE_DATE_EPOCH=…`.
    let epoch: Int64?
    let build: BuildFile
    private let arguments: BuildArguments
    let graph: StageGraph
    let platforms: [String?]
    let names: [Reference]
    private var stages: [Int: Task<StageResult, any Error>] = [:]
    /// The stages from which each stage takes files, as far as it is planned.
    private var needs: [Int: [Int]] = [:]
    private var lastNumber = 0
    /// The results of the steps so far.
    private(set) var noted: [Digest: CacheRecord] = [:]

    /// Builds what `request` asks for, and stores the image.
    /// - Throws: `BuildFailure`; its notes say where and why.
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
                imports: ImportedCaches(request, host: host, images: images, layouts: layouts, tell: tell),
                layouts: layouts)
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
        let automatic = BuildArguments.automatic(
            build, target: request.platform.flatMap(Platform.init), stage: request.target)
        var given = request.arguments
        if let epoch = request.epoch { given["SOURCE_DATE_EPOCH"] = "\(epoch)" }
        arguments = BuildArguments(build, given: given, automatic: automatic, findings: &findings)
        epoch = try request.epoch ?? Self.epoch(build, arguments)
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

    private static func epoch(_ build: BuildFile, _ arguments: BuildArguments) throws -> Int64? {
        let name = "SOURCE_DATE_EPOCH"
        guard let text = arguments.global[name], !text.isEmpty else { return nil }
        if let seconds = Int64(text), seconds >= 0 { return seconds }
        var place: BuildNote.Place?
        for case .arg(let declared) in build.globalArguments.map(\.operation) {
            let value = declared.last { $0.name.text == name }?.value
            place = (value?.span(in: build.file)).map { .init($0) } ?? place
        }
        throw BuildFailure([
            BuildNote(
                message: "\(name) is '\(text)'", hint: "write a number of seconds since 1970", place: place)
        ])
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
        let created = epoch ?? result.state.created
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

    /// Remembers the result of a step for the caches that the build exports.
    func note(_ record: CacheRecord) { noted[record.commonKey ?? record.key] = record }

    // MARK: Stages

    /// The result of a stage, built once.
    func stage(_ index: Int) async throws -> StageResult {
        let task = begin(index)
        // The stages that it takes files from begin now, not only when a step needs them.
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
        try checkCircle(plan, of: stage)
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
                    epoch: epoch, platform: platform,
                    past: (history.map { $0.createdBy ?? "" }) + [instruction.history])
                let outcome = try await work.perform()
                previousIsNew = previousIsNew || !outcome.isCached
                if outcome.record.madeLayer { entry.emptyLayer = nil }
                current.layers = outcome.record.layers
                current.created = max(current.created ?? 0, outcome.record.created)
                current.isNew = current.isNew || !outcome.isCached
            }
            entry.created = (epoch ?? current.created).map(timestamp)
            history.append(entry)
        }
        return StageResult(state: current, plan: plan, history: history, platform: platform)
    }

    /// Triggers of a base image may name stages that need this one.
    private func checkCircle(_ plan: StagePlan, of stage: Stage) throws {
        needs[stage.index] = plan.instructions.flatMap(\.stages)
        for instruction in plan.instructions {
            for other in instruction.stages where reaches(stage.index, from: other) {
                let message =
                    "stages need each other: \(stage.title) takes files from \(build.stages[other].title), which needs it"
                throw BuildFailure([
                    BuildNote(
                        message: message, hint: "'\(instruction.title)' asks for them", place: .init(instruction.place))
                ])
            }
        }
    }

    private func reaches(_ goal: Int, from start: Int) -> Bool {
        var seen: Set<Int> = []
        var pending = [start]
        while let index = pending.popLast() {
            if index == goal { return true }
            guard seen.insert(index).inserted else { continue }
            for case .stage(let other) in [graph.nodes[index].base] + graph.nodes[index].sources {
                pending.append(other)
            }
            pending += needs[index] ?? []
        }
        return false
    }

    private func usesCache(_ stage: Stage) -> Bool {
        guard !parts.request.noCache else { return false }
        let names = parts.request.noCacheFilter.map { $0.lowercased() }
        return !names.contains(stage.title)
    }

    func nextNumber() -> Int {
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

    func title(_ stage: Stage, _ number: Int, _ count: Int, _ text: String) -> String {
        let name = graph.order().count > 1 ? "\(stage.title) " : ""
        return "[\(name)\(number)/\(count)] \(text)"
    }
}
