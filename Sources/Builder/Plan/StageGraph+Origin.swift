import Dockerfile

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
