import Builder
import EngineWire
import JSON

/// The log of the classic builder, made from the events of a build that runs its stages in parallel: the instructions in the order of
/// the file, each with its output.
package struct BuildTranscript {
    private struct Entry {
        let step: BuildOutline.Step
        var hasBegun = false
        var isDone = false
        /// The log has its first line already.
        var isHeaded = false
        /// Its output until it is its turn.
        var output: [String] = []
        var isCached = false
        var result: String?
    }

    private var entries: [Entry]
    /// Indexes of entries by the numbers of their events.
    private var places: [Int: Int] = [:]
    private var cursor = 0
    private var lastResult = ""
    private var hasFailed = false
    private let isQuiet: Bool
    /// The lines that a quiet build shows only if it fails.
    private var kept: [JSONValue] = []

    /// `remarks` come first.
    package init(_ steps: [BuildOutline.Step], remarks: [String] = [], isQuiet: Bool = false) {
        entries = steps.map { Entry(step: $0) }
        self.isQuiet = isQuiet
        kept = remarks.map { Self.text("[Warning] \($0)\n") }
    }

    /// The lines that `event` adds to the log.
    package mutating func lines(_ event: BuildEvent) -> [JSONValue] {
        var said = kept
        kept = []
        switch event {
        case .step(let progress): said += take(progress)
        case .output(let number, let text, let isError):
            let text = isError == true ? "\u{1B}[91m\(text)\u{1B}[0m" : text
            guard let place = places[number] else { break }
            if place <= cursor, entries[place].isHeaded {
                said.append(Self.text(text))
            } else {
                entries[place].output.append(text)
            }
        case .warning(let note): said.append(Self.text("[Warning] \(note.message)\n"))
        case .shell: break
        case .failed(let notes):
            hasFailed = true
            said += advance()
            for place in entries.indices where entries[place].hasBegun && place >= cursor { said += show(place) }
            return said + [Self.failure(notes)]
        case .finished(let image, _, let tags, _):
            for place in entries.indices { entries[place].isDone = true }
            said += advance()
            let short = Self.short(image)
            if isQuiet { return [Self.text("\(image)\n")] }
            said.append(.members(["aux": JSONValue.members(["ID": image])]))
            said.append(Self.text("Successfully built \(short)\n"))
            return said + tags.map { Self.text("Successfully tagged \($0)\n") }
        }
        guard !isQuiet else {
            kept = said
            return []
        }
        return said
    }

    private mutating func take(_ progress: BuildStepProgress) -> [JSONValue] {
        guard let line = progress.line,
            let place = entries.firstIndex(where: { $0.step.line == line && $0.step.stage != nil })
        else { return [] }
        places[progress.number] = place
        entries[place].hasBegun = true
        // The steps before it in its stage are done, even if there was no event for them.
        for earlier in entries.indices
        where earlier < place && entries[earlier].step.stage == entries[place].step.stage {
            entries[earlier].isDone = true
        }
        switch progress.state {
        case .cached, .done:
            entries[place].isDone = true
            entries[place].isCached = progress.state == .cached
            entries[place].result = progress.result ?? entries[place].result
        case .running, .failed, .cancelled: break
        }
        return advance()
    }

    /// Shows all entries whose turn it is.
    private mutating func advance() -> [JSONValue] {
        var said: [JSONValue] = []
        while cursor < entries.count {
            let entry = entries[cursor]
            let isCached: Bool
            if entry.step.isToldOf {
                guard entry.hasBegun || entry.isDone else { break }
                said += show(cursor)
                guard entry.isDone else { break }
                isCached = entry.isCached
            } else {
                guard let known = isCachedAlong(cursor) else { break }
                said += show(cursor)
                isCached = known
            }
            entries[cursor].isDone = true
            if isCached { said.append(Self.text(" ---> Using cache\n")) }
            if let result = entry.result { lastResult = result == "empty" ? "" : Self.short(result) }
            said.append(Self.text(" ---> \(lastResult)\n"))
            cursor += 1
        }
        return said
    }

    /// Instructions that only change the configuration have no events. They came from the cache if the next step of their stage did, or
    /// the last one before them. nil as long as nobody can know.
    private func isCachedAlong(_ place: Int) -> Bool? {
        guard let stage = entries[place].step.stage else { return false }
        let from = entries.firstIndex { $0.step.stage == stage } ?? place
        let steps = entries.indices.filter { $0 > from && entries[$0].step.stage == stage && entries[$0].step.isToldOf }
        if let next = steps.first(where: { $0 > place }) {
            guard entries[next].isDone || entries[next].hasBegun || hasFailed else { return nil }
            return entries[next].isCached
        }
        return steps.last.map { entries[$0].isCached } ?? false
    }

    /// The instruction, unless it was shown before, and its output so far.
    private mutating func show(_ place: Int) -> [JSONValue] {
        var said: [JSONValue] = []
        if !entries[place].isHeaded {
            said.append(Self.text("Step \(place + 1)/\(entries.count) : \(entries[place].step.text)"))
            said.append(Self.text("\n"))
            entries[place].isHeaded = true
        }
        said += entries[place].output.map(Self.text)
        entries[place].output = []
        return said
    }

    static func text(_ text: String) -> JSONValue { .members(["stream": text]) }

    /// The twelve digits by which people know an id.
    private static func short(_ digest: String) -> String {
        String((digest.split(separator: ":").last ?? "").prefix(12))
    }

    /// In dockerd's words if a command failed: clients exit with its code.
    private static func failure(_ notes: [BuildNote]) -> JSONValue {
        if let note = notes.first(where: { $0.exitCode != nil }), let code = note.exitCode {
            let message =
                "The command '\((note.command ?? []).joined(separator: " "))' returned a non-zero code: \(code)"
            return .members([
                "errorDetail": JSONValue.members(["code": code, "message": message]), "error": message,
            ])
        }
        let message = notes.map { note in
            let place = note.place.map { "\($0.file):\($0.line): " } ?? ""
            return place + note.message + (note.hint.map { " (\($0))" } ?? "")
        }.joined(separator: "\n")
        return .members(["errorDetail": JSONValue.members(["message": message]), "error": message])
    }
}
