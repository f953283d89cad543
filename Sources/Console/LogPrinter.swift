import EngineWire

/// Prints containers' output with a prefix that says whose it is: `web-1  | text`.
package final class LogPrinter {
    package struct Options: Sendable {
        package var prefix = true
        package var timestamps = false

        package init(prefix: Bool = true, timestamps: Bool = false) {
            self.prefix = prefix
            self.timestamps = timestamps
        }
    }

    private struct Source: Hashable {
        let container: String
        let isError: Bool
    }

    private let stdout: Output
    private let stderr: Output
    private let style: Style
    private let options: Options
    private let services: [String]
    private var width: Int
    /// Beginnings of lines whose end has not come; the time is the beginning's.
    private var partial: [Source: (text: String, line: LogLine)] = [:]
    private var buffer = ""
    private var bufferIsError = false

    /// `services` gives each its colour; `labels` are the names known to come, so that columns do not move.
    package init(
        stdout: Output, stderr: Output, style: Style, options: Options, services: [String], labels: [String] = []
    ) {
        self.stdout = stdout
        self.stderr = stderr
        self.style = style
        self.options = options
        self.services = services
        width = labels.map(displayWidth).max() ?? 0
    }

    /// Prints `lines` at once; a container's stderr goes to stderr.
    package func print(_ lines: [LogLine]) {
        for line in lines { take(line) }
        flush()
    }

    /// Prints what has no newline yet: nothing more will come.
    package func finish() {
        for (source, rest) in partial.sorted(by: { $0.value.line.time < $1.value.line.time }) {
            write(rest.text, of: rest.line, isError: source.isError)
        }
        partial = [:]
        flush()
    }

    /// `web-1` → `web`: a label without its number, for the colour.
    package static func service(ofLabel label: String) -> String {
        guard let dash = label.lastIndex(of: "-") else { return label }
        let number = label[label.index(after: dash)...]
        return !number.isEmpty && number.allSatisfy(\.isNumber) ? String(label[..<dash]) : label
    }

    private func take(_ line: LogLine) {
        switch line.event {
        case .text(let text, let isError, let isPartial):
            let source = Source(container: line.container, isError: isError)
            let before = partial.removeValue(forKey: source)
            let whole = (before?.text ?? "") + text
            // A line without end must not fill the memory: it is shown in pieces.
            if isPartial, whole.utf8.count < 1 << 20 {
                partial[source] = (whole, before?.line ?? line)
            } else {
                write(whole, of: before?.line ?? line, isError: isError)
            }
        case .exited(let code, let willRestart, let cause):
            endPartialLines(of: line.container)
            var text = "\(line.label) exited with code \(code)"
            let meaning = cause.map(ExitMeaning.text) ?? (willRestart ? nil : ExitMeaning.text(code))
            if let meaning { text += " (\(meaning))" }
            if willRestart { text += " (restarting)" }
            put(style(code == 0 ? nil : .red, text), isError: false)
        case .lost(let count):
            write("[\(count) lines were lost]", of: line, isError: true)
        }
    }

    private func endPartialLines(of container: String) {
        for isError in [false, true] {
            guard let rest = partial.removeValue(forKey: Source(container: container, isError: isError)) else {
                continue
            }
            write(rest.text, of: rest.line, isError: isError)
        }
    }

    private func write(_ text: String, of line: LogLine, isError: Bool) {
        let time = options.timestamps ? "\(CalendarTime.rfc3339(nanoseconds: line.time)) " : ""
        guard options.prefix else { return put(time + text, isError: isError) }
        width = max(width, displayWidth(line.label))
        let filled = line.label + String(repeating: " ", count: width - displayWidth(line.label)) + "  | "
        let tone = Style.tone(of: Self.service(ofLabel: line.label), among: services)
        put(style(tone, filled) + time + text, isError: isError)
    }

    /// Keeps the order of the two streams where they end in one terminal.
    private func put(_ text: String, isError: Bool) {
        if isError != bufferIsError { flush() }
        bufferIsError = isError
        buffer += "\(text)\n"
    }

    private func flush() {
        guard !buffer.isEmpty else { return }
        (bufferIsError ? stderr : stdout).write(buffer)
        buffer = ""
    }
}
