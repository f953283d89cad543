import Foundation
import Testing

/// What a parser under test is given, and what must hold for whatever it answers.
struct Subject: Sendable, CustomTestStringConvertible {
    let name: String
    let seeds: [[UInt8]]
    let words: [String]
    /// Looks at one input. Returns what is wrong; nil is well.
    let check: @Sendable ([UInt8], inout Mutator) -> String?

    init(
        _ name: String, seeds: [[UInt8]], words: [String],
        check: @escaping @Sendable ([UInt8], inout Mutator) -> String?
    ) {
        self.name = name
        self.seeds = seeds
        self.words = words
        self.check = check
    }

    init(
        _ name: String, texts: [String], words: [String],
        check: @escaping @Sendable ([UInt8], inout Mutator) -> String?
    ) {
        self.init(name, seeds: texts.map { Array($0.utf8) }, words: words, check: check)
    }

    var testDescription: String { name }
}

/// Settings of a longer run, given by `scripts/fuzz.sh`.
enum FuzzSettings {
    /// How many inputs for each subject.
    static let rounds = number("BERTH_FUZZ_ROUNDS") ?? 300
    static let seed = UInt64(number("BERTH_FUZZ_SEED") ?? 1)
    /// Only this subject.
    static let only = ProcessInfo.processInfo.environment["BERTH_FUZZ_ONLY"]
    /// A folder for the input under test: what is there after a crash made it.
    static let keep = ProcessInfo.processInfo.environment["BERTH_FUZZ_KEEP"]

    private static func number(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }
}

@Suite("Parsers of what others wrote, fed with what nobody wrote") struct FuzzRun {
    static let corpus = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")

    @Test("answers every input", arguments: Subject.all) func answers(_ subject: Subject) throws {
        guard FuzzSettings.only == nil || FuzzSettings.only == subject.name else { return }
        var mutator = Mutator(seed: FuzzSettings.seed, words: subject.words)
        let folder = Self.corpus.appending(path: subject.name)
        var found: [[UInt8]] = []
        // Sorted, so that a seed makes the same inputs everywhere.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for name in names.sorted() {
            let bytes = [UInt8](try Data(contentsOf: folder.appending(path: name)))
            if let wrong = subject.check(bytes, &mutator) { Issue.record("\(subject.name), \(name): \(wrong)") }
            found.append(bytes)
        }
        let current = FuzzSettings.keep.map { URL(filePath: $0).appending(path: subject.name) }
        let seeds = subject.seeds + found
        for input in subject.seeds {
            if let wrong = subject.check(input, &mutator) { Issue.record("\(subject.name), a seed: \(wrong)") }
        }
        for round in 0..<FuzzSettings.rounds {
            let input = mutator.input(from: seeds)
            if let current { try Data(input).write(to: current) }
            guard let wrong = subject.check(input, &mutator) else { continue }
            Issue.record(
                "\(subject.name), round \(round): \(wrong)\n\(String(decoding: input, as: UTF8.self).debugDescription)")
            if let current { try Data(input).write(to: current.appendingPathExtension("wrong-\(round)")) }
            return
        }
        if let current { try? FileManager.default.removeItem(at: current) }
    }
}
