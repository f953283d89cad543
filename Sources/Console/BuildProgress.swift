import EngineWire

/// Shows a build's steps: numbered lines for a pipe; on a terminal each finished step, and the last line of running
/// ones.
package final class BuildProgress {
    package enum Form: Sendable {
        case plain, terminal, json, quiet
    }

    private struct Running {
        var title: String
        var begin: Double
        var reasons: [String]
        var lastLine = ""
        var text = ""
    }

    private let output: Output
    private let style: Style
    private let form: Form
    /// `--why`: show all reasons, not only the first.
    private let showsWhy: Bool
    private let clock: () -> Double
    private var running: [String: Running] = [:]
    private var numbers: [String: Int] = [:]
    private var drawn = 0

    package init(to output: Output, style: Style, form: Form, why: Bool, clock: @escaping () -> Double) {
        self.output = output
        self.style = style
        self.form = form
        showsWhy = why
        self.clock = clock
    }

    /// `build` names the build that the step belongs to, for example a service, when several builds run.
    package func show(_ event: BuildEvent, of build: String?) {
        if form == .json { return output.line(Self.json(event, build)) }
        guard form != .quiet else { return }
        erase()
        switch event {
        case .step(let step): show(step, build)
        case .output(let step, let text, _): show(text, of: "\(build ?? "") \(step)")
        case .warning, .failed, .shell: break
        case .finished(let image, _, let tags, _):
            let names = tags.isEmpty ? "" : " as \(tags.joined(separator: ", "))"
            let id = image.split(separator: ":").last.map { String($0.prefix(12)) } ?? image
            output.line("\(prefix(build))\(style(.green, "built")) \(id)\(names)")
        }
        draw()
    }

    /// Call this now and then while nothing happens.
    package func tick() {
        guard form == .terminal else { return }
        erase()
        draw()
    }

    /// Removes the lines that change.
    package func finish() { erase() }

    private func prefix(_ build: String?) -> String { build.map { "[\($0)] " } ?? "" }

    private func number(_ key: String) -> Int {
        if let number = numbers[key] { return number }
        numbers[key] = numbers.count + 1
        return numbers.count
    }

    private func show(_ step: BuildStepProgress, _ build: String?) {
        let key = "\(build ?? "") \(step.number)"
        // `[stage 2/5] RUN make` of the service web is `[web stage 2/5] RUN make`.
        let title =
            build.map { step.title.hasPrefix("[") ? "[\($0) \(step.title.dropFirst())" : "[\($0)] \(step.title)" }
            ?? step.title
        let seconds = step.seconds.map(Self.seconds)
        let mark = form == .plain ? "#\(number(key)) " : ""
        switch step.state {
        case .running:
            running[key] = Running(title: title, begin: clock(), reasons: reasons(step))
            guard form == .plain else { return }
            output.line("\(mark)\(title)")
            for reason in reasons(step) {
                output.line("\(mark)\(style(.faint, "because \(reason)"))")
            }
        case .cached:
            let origin = showsWhy ? step.cache.map { "because it was in the cache \($0)" } : nil
            if form == .plain {
                output.line("\(mark)\(title)")
                if let origin { output.line("\(mark)\(style(.faint, origin))") }
                output.line("\(mark)CACHED")
            } else {
                output.line("\(style(.blue, " =")) \(title) \(style(.faint, "CACHED"))")
                if let origin { output.line("   \(style(.faint, origin))") }
            }
        case .done, .failed, .cancelled:
            let state = running.removeValue(forKey: key)
            if form == .plain {
                if state == nil { output.line("\(mark)\(title)") }
                flush(state, mark)
                switch step.state {
                case .failed: output.line("\(mark)ERROR after \(seconds ?? "0.0s")")
                case .cancelled: output.line("\(mark)CANCELED")
                default: output.line("\(mark)DONE \(seconds ?? "0.0s")")
                }
                return
            }
            let sign =
                step.state == .done
                ? style(.green, " ✔") : step.state == .failed ? style(.red, " ✘") : style(.yellow, " -")
            output.line("\(sign) \(title) \(style(.faint, seconds ?? ""))")
            guard let reasons = state?.reasons, step.state == .done else { return }
            for reason in reasons {
                output.line("   \(style(.faint, "because \(reason)"))")
            }
        }
    }

    /// Why a step runs: the first reason, or all of them.
    private func reasons(_ step: BuildStepProgress) -> [String] {
        guard showsWhy else { return Array(step.reasons.prefix(1)) }
        return step.isFirst ? ["it was not built here before"] : step.reasons
    }

    private func flush(_ state: Running?, _ mark: String) {
        guard let state, !state.text.isEmpty else { return }
        output.line("\(mark)\(Self.seconds(clock() - state.begin, digits: 3)) \(state.text)")
    }

    private func show(_ text: String, of key: String) {
        guard var state = running[key] else { return }
        state.text += text
        let mark = "#\(number(key)) "
        while let end = state.text.firstIndex(where: \.isNewline) {
            let line = String(state.text[..<end])
            state.text = String(state.text[state.text.index(after: end)...])
            if form == .plain {
                output.line("\(mark)\(Self.seconds(clock() - state.begin, digits: 3)) \(line)")
            } else if !line.isEmpty {
                state.lastLine = line
            }
        }
        running[key] = state
    }

    private static func seconds(_ value: Double) -> String { "\(seconds(value, digits: 1))s" }

    private static func seconds(_ value: Double, digits: Int) -> String {
        let factor = digits == 1 ? 10.0 : 1000.0
        let whole = Int((value * factor).rounded())
        let rest = "\(whole % Int(factor))"
        return "\(whole / Int(factor))." + String(repeating: "0", count: digits - rest.count) + rest
    }

    // MARK: The lines that change

    private func draw() {
        guard form == .terminal, !running.isEmpty else { return }
        let width = max(20, (output.width ?? 80) - 1)
        var text = ""
        drawn = 0
        for state in running.values.sorted(by: { $0.begin < $1.begin }).prefix(8) {
            let time = Self.seconds(clock() - state.begin)
            text += "\(style(.cyan, " •")) \(Self.cut(state.title, width - 12)) \(style(.faint, time))\n"
            drawn += 1
            guard !state.lastLine.isEmpty else { continue }
            text += "   \(style(.faint, "| " + Self.cut(state.lastLine, width - 6)))\n"
            drawn += 1
        }
        output.write(text)
    }

    /// Without characters that move the cursor.
    private static func cut(_ text: String, _ width: Int) -> String {
        let plain = text.filter { character in
            character.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        }
        return plain.count <= width ? plain : "\(plain.prefix(width - 1))…"
    }

    private func erase() {
        guard drawn > 0 else { return }
        // Moves up and clears everything below (ECMA-48, CPL and ED).
        output.write("\u{1B}[\(drawn)F\u{1B}[J")
        drawn = 0
    }
}
