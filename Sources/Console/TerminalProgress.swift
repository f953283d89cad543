import EngineWire
import Linux

/// A block that is redrawn in place: one line for each object, with a spinner during work, and the elapsed time.
package final class TerminalProgress: ProgressReporter {
    package let isAnimated = true
    private var block: ProgressBlock
    private let output: Output
    private let style: Style
    private let clock: () -> Double
    private let isDryRun: Bool
    private var drawnLines = 0
    private var drawnAt = -1.0
    private var cursorIsHidden = false

    /// The minimum time between two drawings in seconds, so that a burst of events is drawn once.
    private static let pause = 0.05

    /// `clock` returns monotonic seconds.
    package init(to output: Output, style: Style, isDryRun: Bool = false, clock: @escaping () -> Double) {
        self.output = output
        self.style = style
        self.clock = clock
        self.isDryRun = isDryRun
        block = ProgressBlock(isDryRun: isDryRun)
    }

    package func show(_ event: ProgressEvent) {
        if case .warning(let text, let hint, let path) = event {
            suspend()
            output.line(FailureText(style: style).warning(text, hint: hint, path: path))
        }
        if block.take(event, at: clock()), clock() - drawnAt >= Self.pause { draw() }
    }

    package func tick() {
        block.frame += 1
        draw()
    }

    package func suspend() {
        guard drawnLines > 0 else { return }
        // From the first column, because the terminal echoed a Ctrl-C after the block.
        output.write("\r\u{1B}[\(drawnLines)A\u{1B}[J")
        drawnLines = 0
    }

    package func finish() {
        draw()
        drawnLines = 0
        block = ProgressBlock(isDryRun: isDryRun)
        if cursorIsHidden { output.write("\u{1B}[?25h") }
        cursorIsHidden = false
    }

    private func draw() {
        guard !block.isEmpty else { return }
        drawnAt = clock()
        let size = output.isTerminal ? Terminal.size(Terminal.stderr) : nil
        let lines = block.lines(
            width: size.map { Int($0.columns) }, height: size.map { max(3, Int($0.rows) - 1) }, style: style,
            at: clock())
        // One write for everything, to avoid flicker: move up, write each line over the old one, clear the rest.
        var text = cursorIsHidden ? "" : "\u{1B}[?25l"
        cursorIsHidden = true
        if drawnLines > 0 { text += "\u{1B}[\(drawnLines)A" }
        for line in lines { text += "\r\(line)\u{1B}[K\n" }
        output.write(text + "\u{1B}[J")
        drawnLines = lines.count
    }
}

/// The content of the block. It is pure, so that tests can read it.
package struct ProgressBlock: Sendable {
    private struct Item: Sendable {
        let name: String
        var status: String
        var reason: String?
        var isDone: Bool
        var isFailure: Bool
        var since: Double
        var until: Double?
        var isAwaited = false
        var bytes: String?
    }

    private static let spinner = Array("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")

    package var frame = 0
    private var items: [Item] = []
    private var places: [String: Int] = [:]
    private let mark: String

    package init(isDryRun: Bool = false) { mark = isDryRun ? "DRY-RUN MODE - " : "" }

    package var isEmpty: Bool { items.isEmpty }
    package var isWorking: Bool { items.contains { !$0.isDone } }

    /// False when nothing changed on the screen.
    package mutating func take(_ event: ProgressEvent, at now: Double) -> Bool {
        switch event {
        case .object(let object):
            let index = place(of: "\(object.kind.rawValue) \(object.name)", at: now)
            items[index].status = object.status
            take(object.wait, ofItem: index, at: now)
            items[index].reason = object.reason ?? items[index].reason
            items[index].isDone = object.isDone || object.isFailure
            items[index].isFailure = object.isFailure
            items[index].until = items[index].isDone ? now : nil
            if items[index].isDone { items[index].bytes = nil }
            return true
        case .transfer(let name, let done, let total):
            let index = place(of: "Image \(name)", at: now)
            items[index].bytes = HumanUnits.size(done) + (total.map { "/\(HumanUnits.size($0))" } ?? "")
            return true
        case .finished(let outcome) where outcome.status == .succeeded && isWorking:
            settle(at: now)
            return true
        case .started, .planned, .warning, .created, .images, .finished: return false
        }
    }

    /// During a wait, the row shows its duration and state.
    private mutating func take(_ wait: WaitProgress?, ofItem index: Int, at now: Double) {
        if let wait {
            items[index].reason = WaitText.text(wait)
            if !items[index].isAwaited { items[index].since = now - wait.elapsed }
        } else if items[index].isAwaited {
            items[index].reason = nil
        }
        items[index].isAwaited = wait != nil
    }

    /// Completes objects that an earlier operation left in progress: the new one had nothing more to do about them.
    private mutating func settle(at now: Double) {
        for index in items.indices where !items[index].isDone {
            items[index].status =
                ["Stopping": "Stopped", "Killing": "Killed"][items[index].status] ?? items[index].status
            items[index].isDone = true
            items[index].until = now
        }
    }

    private mutating func place(of name: String, at now: Double) -> Int {
        if let index = places[name] { return index }
        places[name] = items.count
        items.append(Item(name: name, status: "Pulling", isDone: false, isFailure: false, since: now))
        return items.count - 1
    }

    /// `[+] Running 1/3` and a line for each object; if there are too many, only those in progress and the latest ones.
    package func lines(width: Int?, height: Int?, style: Style, at now: Double) -> [String] {
        let done = items.count { $0.isDone }
        let title = "[+] \(mark)Running \(done)/\(items.count)"
        var shown = Array(items)
        if let height, shown.count > height - 1 {
            let waiting = shown.filter { !$0.isDone }.suffix(height - 1)
            let rest = shown.filter(\.isDone).suffix(max(0, height - 1 - waiting.count))
            shown = Array(rest) + Array(waiting)
        }
        let nameWidth = shown.map { displayWidth($0.name) }.max() ?? 0
        return [style(done == items.count ? .blue : nil, title)]
            + shown.map { line($0, nameWidth: nameWidth, width: width, style: style, at: now) }
    }

    private func line(_ item: Item, nameWidth: Int, width: Int?, style: Style, at now: Double) -> String {
        let time = HumanUnits.elapsed((item.until ?? now) - item.since)
        var details = item.status
        if let bytes = item.bytes { details += " \(bytes)" }
        if let reason = item.reason { details += "  # \(reason)" }
        let sign: String
        let tone: Style.Tone
        if item.isFailure {
            (sign, tone) = ("✘", .boldRed)
        } else if item.isDone {
            (sign, tone) = ("✔", .green)
        } else {
            (sign, tone) = (String(Self.spinner[frame % Self.spinner.count]), .yellow)
        }
        let name = item.name + String(repeating: " ", count: nameWidth - displayWidth(item.name))
        guard let width else { return " \(style(tone, sign)) \(name)  \(style(tone, details)) \(style(.blue, time))" }
        // Sign, spaces and time need space, and the last column stays free, because some terminals wrap after it.
        // Shorten the details before the name.
        let room = max(1, width - 4 - time.count - 1)
        let shownName = truncated(name, to: room)
        let left = room - displayWidth(shownName) - 2
        let shownDetails = left > 1 ? truncated(details, to: left) : ""
        let used = displayWidth(shownName) + (shownDetails.isEmpty ? 0 : 2 + displayWidth(shownDetails))
        let text = shownName + (shownDetails.isEmpty ? "" : "  \(style(tone, shownDetails))")
        return " \(style(tone, sign)) \(text)\(String(repeating: " ", count: room - used + 1))\(style(.blue, time))"
    }
}
