import YAML

/// Which stages and images each stage needs.
package struct StageGraph: Sendable {
    /// Where files or a base come from.
    package enum Origin: Hashable, Sendable {
        case stage(Int)
        /// An image's reference, expanded.
        case image(String)
        /// `FROM scratch`.
        case scratch
        /// A context that the command line names, `--build-context name=…`.
        case context(String)
    }

    package struct Node: Sendable {
        package var base: Origin
        /// What COPY --from and RUN --mount from= name: each once, in order of first use.
        package var sources: [Origin]
    }

    /// One for each stage, in the order of the file.
    package private(set) var nodes: [Node] = []
    /// The stage that is built.
    package private(set) var target: Int = 0
    private let names: [String: Int]

    /// Resolves the names in `build`, which has at least one stage.
    ///
    /// `bases` holds for each stage the image of its FROM, expanded, or nil where that failed. `contexts` are names that the
    /// caller gives; they stand for stages and images of that name. `target` is the stage to build, by name or number; nil
    /// is the last one.
    package init(
        _ build: BuildFile, bases: [String?], contexts: Set<String> = [], target: String? = nil,
        findings: inout Findings
    ) {
        var names: [String: Int] = [:]
        for stage in build.stages where stage.name != nil { names[stage.name ?? ""] = stage.index }
        self.names = names
        var earlier: [String: Int] = [:]
        for (stage, base) in zip(build.stages, bases) {
            let origin: Origin
            if let name = stage.name, contexts.contains(name) {
                origin = .context(name)
            } else if let base {
                if let index = earlier[base.lowercased()] {
                    origin = .stage(index)
                } else if base == "scratch" {
                    origin = .scratch
                } else {
                    origin = contexts.contains(base) ? .context(base) : .image(base)
                    warnAboutLaterStage(base, stage, names, build, &findings)
                }
            } else {
                origin = .scratch
            }
            nodes.append(Node(base: origin, sources: []))
            if let name = stage.name { earlier[name] = stage.index }
        }
        for stage in build.stages {
            for (_, name) in stage.instructions.flatMap(Self.references) {
                guard let origin = origin(of: name, contexts: contexts, build, &findings) else { continue }
                if !nodes[stage.index].sources.contains(origin) { nodes[stage.index].sources.append(origin) }
            }
        }
        reportCycles(build, &findings)
        self.target = Self.index(of: target, build, names, &findings)
    }

    /// A base with the name of a later stage means an image, which is rarely intended.
    private func warnAboutLaterStage(
        _ base: String, _ stage: Stage, _ names: [String: Int], _ build: BuildFile, _ findings: inout Findings
    ) {
        guard let later = names[base.lowercased()], later >= stage.index else { return }
        findings.warning(
            stage.base.image.span(in: build.file),
            "'\(base)' means an image here: the stage with this name comes later",
            hint: later == stage.index ? "give the stage another name than its base" : "move the stage '\(base)' up")
    }

    /// The stages that `target` needs, itself last, every stage behind those that it needs.
    package func order(for target: Int? = nil) -> [Int] {
        var order: [Int] = []
        var seen: Set<Int> = []
        func visit(_ index: Int) {
            guard nodes.indices.contains(index), seen.insert(index).inserted else { return }
            for origin in [nodes[index].base] + nodes[index].sources {
                if case .stage(let other) = origin { visit(other) }
            }
            order.append(index)
        }
        visit(target ?? self.target)
        return order
    }

    /// Names of stages, images and contexts that an instruction takes files from.
    package static func references(of instruction: Instruction) -> [(Instruction, PlacedText)] {
        switch instruction.operation {
        case .copy(let copy): return copy.from.map { [(instruction, $0)] } ?? []
        case .run(let run): return run.mounts.compactMap(\.from).map { (instruction, $0) }
        default: return []
        }
    }

    private func origin(
        of name: PlacedText, contexts: Set<String>, _ build: BuildFile, _ findings: inout Findings
    ) -> Origin? {
        let text = name.text
        if let index = Int(text) {
            guard build.stages.indices.contains(index) else {
                findings.error(
                    name, "there is no stage \(index)",
                    hint: build.stages.count == 1
                        ? "the only stage is 0" : "stages are numbered from 0 to \(build.stages.count - 1)")
                return nil
            }
            return .stage(index)
        }
        if contexts.contains(text) { return .context(text) }
        if let index = names[text.lowercased()] { return .stage(index) }
        return text == "scratch" ? .scratch : .image(text)
    }

    private static func index(
        of target: String?, _ build: BuildFile, _ names: [String: Int], _ findings: inout Findings
    ) -> Int {
        guard let target else { return max(0, build.stages.count - 1) }
        if let index = names[target.lowercased()] { return index }
        if let index = Int(target), build.stages.indices.contains(index) { return index }
        let all = build.stages.compactMap(\.name)
        findings.add(
            Diagnostic(
                .error, at: nil, "the Dockerfile has no stage '\(target)'",
                hint: nearest(to: target, among: all).map { "did you mean '\($0)'?" }
                    ?? (all.isEmpty
                        ? "give a stage a name: FROM image AS \(target)" : "its stages: " + all.joined(separator: ", "))
            ))
        return max(0, build.stages.count - 1)
    }

    private func reportCycles(_ build: BuildFile, _ findings: inout Findings) {
        var finished: Set<Int> = []
        var path: [Int] = []
        func visit(_ index: Int) -> [Int]? {
            if let start = path.firstIndex(of: index) { return Array(path[start...]) + [index] }
            guard finished.insert(index).inserted else { return nil }
            path.append(index)
            defer { path.removeLast() }
            for origin in [nodes[index].base] + nodes[index].sources {
                if case .stage(let other) = origin, let cycle = visit(other) { return cycle }
            }
            return nil
        }
        for index in nodes.indices {
            guard let cycle = visit(index) else { continue }
            let stage = build.stages[cycle[0]]
            let titles = cycle.map { build.stages[$0].title }
            let message =
                titles.count == 2
                ? "the stage '\(titles[0])' takes files from itself"
                : "stages need each other: " + titles.joined(separator: " → ")
            findings.error(
                place(in: stage, of: cycle[1], build) ?? stage.instruction.written, message,
                hint: "take the files from an earlier stage, or split the stage in two")
            return
        }
    }

    /// The word in `stage` that names the stage `other`.
    private func place(in stage: Stage, of other: Int, _ build: BuildFile) -> PlacedText? {
        for (_, name) in stage.instructions.flatMap(Self.references)
        where Int(name.text) == other || names[name.text.lowercased()] == other { return name }
        return nil
    }
}
