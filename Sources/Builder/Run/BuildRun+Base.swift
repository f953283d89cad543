import Dockerfile
import EngineWire
import Images
import OCI
import YAML

// What stages begin with, and the images that steps take files from.
extension BuildRun {
    func base(of stage: Stage) async throws -> (StageBase, State, Platform) {
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
                throw failure(stage.base.image, "the context '\(name)' is a folder, but a base must be an image", nil)
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
        // A build of the same batch shows its own progress.
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
            // The name of a missing image may be a misspelt stage.
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
