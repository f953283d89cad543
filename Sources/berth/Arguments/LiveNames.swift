import ArgumentParser
import ComposeFile
import Console
import EngineClient
import EngineWire
import Linux
import YAML

extension CompletionKind {
    /// The services of the project that the command line names so far.
    static let services = CompletionKind.custom { words, _, _ in LiveNames(words).services }
    static let containers = CompletionKind.custom { words, _, _ in LiveNames(words).containers }
    static let images = CompletionKind.custom { words, _, _ in LiveNames(words).images }
    static let networks = CompletionKind.custom { words, _, _ in LiveNames(words).networks }
    static let volumes = CompletionKind.custom { words, _, _ in LiveNames(words).volumes }
}

/// Names for shell completion. If something cannot be found out, it offers no names, reports nothing and starts no
/// engine.
struct LiveNames {
    private let session: Session?

    /// `words` are the words of the command line, starting with the program's name.
    init(_ words: [String]) {
        let silent = Output(-1)
        guard let ordered = try? Self.globals(words), let config = try? Config.parse(ordered) else {
            session = nil
            return
        }
        session = try? Session(
            config.global, environment: CallingProcess.environment, stdout: silent, stderr: silent)
    }

    /// The options that select the project, at any position.
    private static func globals(_ words: [String]) throws -> [String] {
        let valued: Set = ["-f", "--file", "-p", "--project-name", "--project-directory", "--profile", "--env-file"]
        var found: [String] = []
        var rest = words.dropFirst()[...]
        while let word = rest.popFirst() {
            let name = String(word.prefix { $0 != "=" })
            guard valued.contains(name) else { continue }
            found.append(word)
            if name == word, let value = rest.popFirst() { found.append(value) }
        }
        let order = ArgumentOrder(verbs: Berth.verbs.mapValues(Berth.inner))
        return Array(try order.ordered(found + ["config"]).dropFirst())
    }

    /// Includes services of inactive profiles, because naming a service activates it.
    var services: [String] {
        var steps = LoadSteps()
        steps.resolveEnvironment = false
        steps.checkConsistency = false
        guard let result = try? session?.loadFiles(steps: steps) else { return [] }
        return result.model["services"]?.mapping?.keys ?? []
    }

    var containers: [String] { ask { try $0.containers(all: true).map(\.name) } }
    var images: [String] { ask { try $0.images().compactMap(\.reference) } }
    var networks: [String] { ask { try $0.networks().map(\.name) } }
    var volumes: [String] { ask { try $0.volumes().map(\.name) } }

    private func ask(_ question: (EngineClient) throws -> [String]) -> [String] {
        guard let engine = session?.engine, engine.isRunning else { return [] }
        return (try? question(engine)) ?? []
    }
}
