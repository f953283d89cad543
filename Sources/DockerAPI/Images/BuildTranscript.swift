import Builder
import EngineWire
import JSON

/// What the classic builder says of a build, made of the events of one whose stages go side by side: the instructions one after
/// the other, each with what it wrote, as clients know them.
package struct BuildTranscript {
    private struct Entry {
        let step: BuildOutline.Step
        var hasBegun = false
        var isDone = false
        /// It is shown already.
        var isHeaded = false
        /// What it wrote before its turn to be shown.
        var output: [String] = []
        var isCached = false
        var result: String?
    }

    private var entries: [Entry]
    /// Places of entries by the numbers of their events.
    private var places: [Int: Int] = [:]
    private var cursor = 0
    private var lastResult = ""
    private let isQuiet: Bool
    /// What a quiet build would have said.
    private var kept: [JSONValue] = []

    /// `remarks` are told first.
    package init(_ steps: [BuildOutline.Step], remarks: [String] = [], isQuiet: Bool = false) {
        entries = steps.map { Entry(step: $0) }
        self.isQuiet = isQuiet
        kept = remarks.map { Self.text("[Warning] \($0)\n") }
    }

    /// What is to be said now.
    package mutating func lines(_ event: BuildEvent) -> [JSONValue] {
        var said = kept
        kept = []
        switch event {
        case .step(let progress): said += take(progress)
        case .output(let number, let text):
            guard let place = places[number] else { break }
            if place <= cursor, entries[place].isHeaded {
                said.append(Self.text(text))
            } else {
                entries[place].output.append(text)
            }
        case .warning(let note): said.append(Self.text("[Warning] \(note.message)\n"))
        case .failed(let notes):
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
        // Those before it in its stage have had their turn, whether or not they were told of.
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

    /// Shows what can be shown in order.
    private mutating func advance() -> [JSONValue] {
        var said: [JSONValue] = []
        while cursor < entries.count {
            let entry = entries[cursor]
            guard !entry.step.isToldOf || entry.hasBegun || entry.isDone else { break }
            said += show(cursor)
            guard !entry.step.isToldOf || entry.isDone else { break }
            entries[cursor].isDone = true
            if entry.isCached { said.append(Self.text(" ---> Using cache\n")) }
            if let result = entry.result { lastResult = result == "empty" ? "" : Self.short(result) }
            said.append(Self.text(" ---> \(lastResult)\n"))
            cursor += 1
        }
        return said
    }

    /// The instruction, unless that was said, and what it wrote so far.
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

    /// Twelve digits, as people know an id.
    private static func short(_ digest: String) -> String {
        String((digest.split(separator: ":").last ?? "").prefix(12))
    }

    /// In the words of dockerd where a command ended with an error: clients end with its code.
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
