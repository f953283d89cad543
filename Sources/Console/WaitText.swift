import EngineWire

/// Describes a wait to a person.
enum WaitText {
    /// One line, to follow `Waiting` or `Restarting`.
    static func text(_ wait: WaitProgress) -> String {
        var text = restart(wait) ?? goal(wait.goal)
        if wait.isPaused == true { text += "; it is paused" }
        if let probe = wait.probe { text += "; " + answer(probe) }
        return text
    }

    private static func goal(_ goal: WaitProgress.Goal) -> String {
        switch goal {
        case .running: "until it runs"
        case .healthy: "until it is healthy"
        case .completed: "until it has completed"
        }
    }

    private static func restart(_ wait: WaitProgress) -> String? {
        guard let restart = wait.restart else { return nil }
        let limit = restart.limit.map { " of \($0)" } ?? ""
        guard let code = restart.code else {
            return "restart \(restart.count)\(limit): it cannot be started" + tail(restart.reason)
        }
        let meaning = restart.isOutOfMemory ? "out of memory" : ExitMeaning.text(code)
        return "restart \(restart.count)\(limit): it ended with code \(code)" + (meaning.map { " (\($0))" } ?? "")
            + (wait.goal == .running ? "" : ", \(goal(wait.goal))")
    }

    private static func answer(_ probe: HealthAnswer) -> String {
        let end = probe.code.map { "its check ended with code \($0)" } ?? "its check took too long"
        return end + tail(probe.output.last)
    }

    private static func tail(_ text: String?) -> String { text.map { ": \(printable($0))" } ?? "" }

    /// Output of a program must not move the cursor.
    static func printable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
    }
}

/// Decides which parts of a long wait to print where lines cannot be redrawn: its beginning, each restart, and a line
/// now and then.
package struct WaitLines {
    private var next: [String: Double] = [:]
    private var restarts: [String: Int] = [:]

    package init() {}

    /// The lines to print for `object`; nil when it is not a wait.
    package mutating func lines(_ object: ObjectProgress) -> [String]? {
        guard let wait = object.wait else {
            next[object.name] = nil
            restarts[object.name] = nil
            return nil
        }
        let isNewRestart = wait.restart.map { restarts[object.name, default: 0] < $0.count } ?? false
        guard isNewRestart || wait.elapsed >= next[object.name, default: -1] else { return [] }
        let isFirst = next[object.name] == nil
        next[object.name] = Self.due(after: wait.elapsed)
        restarts[object.name] = wait.restart?.count
        let time = isFirst ? "" : " (\(HumanUnits.elapsed(wait.elapsed)))"
        let line = " \(object.kind.rawValue) \(object.name)  \(object.status)\(time)  # \(WaitText.text(wait))"
        let log = isNewRestart ? wait.restart?.log ?? [] : []
        return [line] + log.map { "   | \(WaitText.printable($0))" }
    }

    /// After 5, 15 and 30 seconds, then twice a minute.
    private static func due(after elapsed: Double) -> Double {
        [5, 15, 30].first { elapsed < $0 } ?? elapsed + 30
    }
}
