import EngineWire

/// Prints containers' output with a prefix that names the container: `web-1  | text`.
package final class LogPrinter {
    package struct Options: Sendable {
        package var prefix = true
        package var timestamps = false
        /// Print a container's stderr on stdout, too.
        package var mergesErrors = false

        package init(prefix: Bool = true, timestamps: Bool = false, mergesErrors: Bool = false) {
            self.prefix = prefix
            self.timestamps = timestamps
            self.mergesErrors = mergesErrors
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
    private var prefixes: [String: [UInt8]] = [:]
    /// The beginnings of unfinished lines.
    private var beginnings: [Source: Beginning] = [:]
    private var beginningBytes = 0
    /// The source of a line that was too long to keep: its beginning is already printed.
    private var unfinished: Source?
    private var buffer: [UInt8] = []
    private var bufferIsError = false

    private struct Beginning {
        var text: [UInt8] = []
        /// The first piece; its time is the time of the line.
        let line: LogLine
    }

    /// The maximum size of unfinished lines to keep, and of output to collect before writing it.
    private static let beginningLimit = 64 << 20
    private static let bufferLimit = 1 << 18

    /// `services` decide the colours; `labels` are the expected names, so that columns do not move.
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

    /// Prints `lines` at once; a container's stderr goes to stderr unless the options say otherwise.
    package func print(_ lines: [LogLine]) {
        for line in lines { take(line) }
        flush()
    }

    /// Call this at the end: prints lines without a newline.
    package func finish() {
        endUnfinishedLine()
        for (source, rest) in beginnings.sorted(by: { $0.value.line.time < $1.value.line.time }) {
            write(rest.text, of: rest.line, isError: source.isError)
        }
        beginnings = [:]
        beginningBytes = 0
        flush()
    }

    /// `web-1` → `web`: the label without its number, for the colour.
    package static func service(ofLabel label: String) -> String {
        guard let dash = label.lastIndex(of: "-") else { return label }
        let number = label[label.index(after: dash)...]
        return !number.isEmpty && number.allSatisfy(\.isNumber) ? String(label[..<dash]) : label
    }

    private func take(_ line: LogLine) {
        switch line.event {
        case .text(let text, let isError, let isPartial):
            if !isPartial, beginnings.isEmpty, unfinished == nil {
                write(text.utf8, of: line, isError: isError)
            } else {
                take(text, of: line, isError: isError, isPartial: isPartial)
            }
        case .exited(let code, let willRestart, let cause):
            endLines(of: line.container)
            var text = "\(line.label) exited with code \(code)"
            let meaning = cause.map(ExitMeaning.text) ?? (willRestart ? nil : ExitMeaning.text(code))
            if let meaning { text += " (\(meaning))" }
            if willRestart { text += " (restarting)" }
            put(style(code == 0 ? nil : .red, text).utf8, isError: false)
        case .lost(let count):
            let text =
                count > 0
                ? "[\(count) lines were lost]" : "[lines were lost: the log was rotated before they were read]"
            write(text.utf8, of: line, isError: true)
        }
    }

    /// Joins the pieces of a line.
    private func take(_ text: String, of line: LogLine, isError: Bool, isPartial: Bool) {
        let source = Source(container: line.container, isError: isError)
        if source == unfinished {
            buffer.append(contentsOf: text.utf8)
            if !isPartial { endUnfinishedLine() }
        } else if isPartial {
            beginnings[source, default: Beginning(line: line)].text.append(contentsOf: text.utf8)
            beginningBytes += text.utf8.count
            if beginningBytes > Self.beginningLimit { printLongestBeginning() }
        } else if var beginning = beginnings.removeValue(forKey: source) {
            beginningBytes -= beginning.text.count
            beginning.text.append(contentsOf: text.utf8)
            write(beginning.text, of: beginning.line, isError: isError)
        } else {
            write(text.utf8, of: line, isError: isError)
        }
        flushIfLong()
    }

    private func printLongestBeginning() {
        guard let (source, beginning) = beginnings.max(by: { $0.value.text.count < $1.value.text.count }) else {
            return
        }
        beginnings[source] = nil
        beginningBytes -= beginning.text.count
        append(beginning.text, of: beginning.line, isError: source.isError)
        unfinished = source
    }

    private func endUnfinishedLine() {
        guard unfinished != nil else { return }
        unfinished = nil
        buffer.append(0x0A)
    }

    private func endLines(of container: String) {
        endUnfinishedLine()
        for isError in [false, true] {
            guard let rest = beginnings.removeValue(forKey: Source(container: container, isError: isError)) else {
                continue
            }
            beginningBytes -= rest.text.count
            write(rest.text, of: rest.line, isError: isError)
        }
    }

    private func write(_ text: some Collection<UInt8>, of line: LogLine, isError: Bool) {
        append(text, of: line, isError: isError)
        buffer.append(0x0A)
        flushIfLong()
    }

    /// Appends a line without its newline.
    private func append(_ text: some Collection<UInt8>, of line: LogLine, isError: Bool) {
        begin(isError: isError)
        if options.prefix { buffer.append(contentsOf: prefix(of: line.label)) }
        if options.timestamps { buffer.append(contentsOf: "\(CalendarTime.rfc3339(nanoseconds: line.time)) ".utf8) }
        buffer.append(contentsOf: text)
    }

    private func prefix(of label: String) -> [UInt8] {
        if let known = prefixes[label] { return known }
        let own = displayWidth(label)
        if own > width {
            width = own
            prefixes = [:]
        }
        let tone = Style.tone(of: Self.service(ofLabel: label), among: services)
        let prefix = Array(style(tone, label + String(repeating: " ", count: width - own) + "  | ").utf8)
        prefixes[label] = prefix
        return prefix
    }

    private func put(_ text: some Collection<UInt8>, isError: Bool) {
        begin(isError: isError)
        buffer.append(contentsOf: text)
        buffer.append(0x0A)
    }

    /// Starts a new line. Keeps the order of the two streams if both go to one terminal.
    private func begin(isError: Bool) {
        endUnfinishedLine()
        let isError = isError && !options.mergesErrors
        if isError != bufferIsError { flush() }
        bufferIsError = isError
    }

    private func flushIfLong() { if buffer.count > Self.bufferLimit { flush() } }

    private func flush() {
        guard !buffer.isEmpty else { return }
        (bufferIsError ? stderr : stdout).write(bytes: buffer)
        buffer.removeAll(keepingCapacity: buffer.count <= 4 * Self.bufferLimit)
    }
}
