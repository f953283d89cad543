import EngineWire

/// Explains to a person why a container is in its state.
package struct ExplanationText {
    let now: Double
    /// Seconds east of UTC at a given time.
    let offset: (Double) -> Int
    let style: Style
    /// The number of recent occurrences to show.
    let limit: Int

    package init(now: Double, style: Style, limit: Int, offset: @escaping (Double) -> Int) {
        self.now = now
        self.style = style
        self.limit = limit
        self.offset = offset
    }

    package func text(_ explanation: Explanation) -> String {
        var lines = [style(.bold, explanation.name) + "  " + state(explanation)]
        if let container = explanation.container {
            lines.append(field("image", "\(container.image) (\(Self.short(container.imageID)))"))
        }
        for wait in explanation.waits { lines.append(field("waits", self.wait(wait, explanation))) }
        if let health = explanation.health { lines += self.health(health) }
        lines += history(explanation.history)
        return lines.map { "\($0)\n" }.joined()
    }

    private func field(_ name: String, _ text: String) -> String {
        "  " + style(.faint, name) + String(repeating: " ", count: max(1, 9 - name.count)) + WaitText.printable(text)
    }

    private func state(_ explanation: Explanation) -> String {
        let wanted = explanation.wanted.map { ", wanted: \($0)" } ?? ", no desired state"
        guard let container = explanation.container else { return "no container\(wanted)" }
        let restarts = explanation.restarts
        let times = restarts == 0 ? "" : ", restarted \(restarts == 1 ? "once" : "\(restarts) times") by its policy"
        return ContainerText.explainedStatus(container, now: now) + wanted + times
    }

    // MARK: Now

    private func wait(_ wait: Explanation.Wait, _ explanation: Explanation) -> String {
        let state = wait.state.map { ": \($0)" } ?? ""
        switch wait.kind {
        case .restart:
            guard let at = wait.at, at > now else { return "for its next start, which is due\(state)" }
            return "for its next start, in \(HumanUnits.elapsed(at - now))\(state)"
        case .dependency:
            let condition =
                switch wait.condition {
                case "healthy": "to be healthy"
                case "completed": "to end with code 0"
                default: "to run"
                }
            return "for \(wait.service ?? "a service") \(condition)\(state)"
        case .health: return "for its health check to succeed\(state)"
        case .unpause: return "until it is unpaused\(state)"
        case .start: return "for a verb: nothing starts it by itself\(state)"
        }
    }

    private func health(_ health: Explanation.Health) -> [String] {
        let failures = health.failures
        let row =
            failures == 0 ? "" : ", \(failures == 1 ? "the last check" : "the last \(failures) checks") failed"
        var lines = [field("health", health.status.rawValue + row)]
        for probe in health.probes.suffix(3) {
            let took = HumanUnits.elapsed(probe.ended - probe.began)
            let code = probe.answer.code.map { "code \($0)" } ?? "too slow"
            let output = probe.answer.output.first.map { ": \($0)" } ?? ""
            lines.append(field("", "\(time(probe.began))  \(code) after \(took)\(output)"))
        }
        return lines
    }

    // MARK: Before

    private func history(_ all: [Occurrence]) -> [String] {
        guard !all.isEmpty else { return [field("history", "none: the engine has no record of it")] }
        var lines: [String] = []
        for (index, occurrence) in all.suffix(limit).enumerated() {
            lines.append(field(index == 0 ? "history" : "", "\(time(occurrence.at))  \(sentence(occurrence))"))
        }
        if all.count > limit { lines.append(field("", "(\(all.count - limit) before that: --tail all)")) }
        return lines
    }

    private func time(_ instant: Double) -> String {
        let seconds = Int(instant.rounded(.down))
        let time = CalendarTime(seconds: seconds, offset: offset(instant))
        let today = CalendarTime(seconds: Int(now), offset: offset(now))
        return time.date == today.date ? time.time : "\(time.date) \(time.time)"
    }

    /// What happened, who did it, and why.
    func sentence(_ occurrence: Occurrence) -> String {
        var text = event(occurrence)
        switch occurrence.by {
        case nil: break
        case Occurrence.healing?: text += " by the engine, to restore the desired state"
        case Occurrence.restartPolicy?: text += " by its restart policy"
        case let verb?: text += " by berth \(verb)"
        }
        return text + (occurrence.reason.map { ": \($0)" } ?? "")
    }

    private func event(_ occurrence: Occurrence) -> String {
        switch occurrence.kind {
        case .created: return "created" + image(occurrence)
        case .replaced: return "recreated" + image(occurrence)
        case .started: return "started"
        case .startFailed: return "could not be started"
        case .stopping: return "stopped"
        case .signalled: return "got \(occurrence.signal ?? "a signal")"
        case .ended: return end(occurrence)
        case .paused: return "paused"
        case .unpaused: return "unpaused"
        case .changed: return "changed in place"
        case .removed: return "removed"
        case .failed: return "failed"
        case .pulled: return "pulled \(occurrence.image ?? "its image")" + (occurrence.digest.map { " (\($0))" } ?? "")
        case .pullFailed: return "could not pull \(occurrence.image ?? "its image")"
        case .health:
            let code = occurrence.answer.map { $0.code.map { ", code \($0)" } ?? ", its check is too slow" } ?? ""
            let output = occurrence.answer?.output.first.map { ": \($0)" } ?? ""
            return (occurrence.health?.rawValue ?? "health changed") + code + output
        }
    }

    private func image(_ occurrence: Occurrence) -> String {
        guard let image = occurrence.image else { return "" }
        return " from \(image)" + (occurrence.imageID.map { " (\(Self.short($0)))" } ?? "")
    }

    private func end(_ occurrence: Occurrence) -> String {
        var text = "ended"
        if let code = occurrence.exitCode {
            text += " with code \(code)"
            let meaning = occurrence.cause.map { ExitMeaning.text($0) } ?? ExitMeaning.text(code)
            if let meaning { text += " (\(meaning))" }
        }
        if let ran = occurrence.ran { text += " after \(HumanUnits.elapsed(ran))" }
        if let pause = occurrence.restartsIn { text += ", to be restarted in \(HumanUnits.elapsed(pause))" }
        return text
    }

    private static func short(_ imageID: String) -> String {
        String((imageID.split(separator: ":").last ?? "").prefix(12))
    }
}
