import YAML

/// Brings a scalar into the form its meaning asks for.
struct Scalars {
    let report: Report
    /// For raw output: nothing is converted, and what has variables in it is not judged.
    var lenient = false

    func convert(_ node: inout Node, _ shape: Shape) {
        if node.isNull { return }
        if lenient { return judgeRaw(&node, shape) }
        switch shape.meaning {
        case .anything: return
        case .text: if let text = Validation.plainText(node) { node.value = .string(text) }
        case .booleanOrText: if let text = Validation.plainText(node) { node.value = .string(text) }
        case .boolean: boolean(&node)
        case .integer: integer(&node, shape.range)
        case .number, .cores: number(&node, shape.meaning)
        case .bytes: bytes(&node)
        case .duration: duration(&node)
        case .fileMode, .modeBits: mode(&node, shape.meaning)
        case .deviceCount: deviceCount(&node)
        case .pullPolicy: pullPolicy(node)
        case .restartPolicy: restartPolicy(node)
        }
    }

    private func judgeRaw(_ node: inout Node, _ shape: Shape) {
        switch shape.meaning {
        case .booleanOrText: if let text = Validation.plainText(node) { node.value = .string(text) }
        case .integer where node.integer != nil: integer(&node, shape.range)
        case .pullPolicy where node.string?.contains("$") == false: pullPolicy(node)
        default: return
        }
    }

    private func boolean(_ node: inout Node) {
        guard let text = node.string else { return }
        switch text.lowercased() {
        case "true": node.value = .bool(true)
        case "false": node.value = .bool(false)
        case "y", "yes", "on", "n", "no", "off":
            let value = ["y", "yes", "on"].contains(text.lowercased())
            report.warning(node.span, "'\(text)' is text in YAML 1.2", hint: "write \(value)")
            node.value = .bool(value)
        default: report.error(node.span, "expected true or false, found '\(text)'")
        }
    }

    private func integer(_ node: inout Node, _ range: ClosedRange<Int64>?) {
        switch node.value {
        case .string(let text):
            guard let value = Int64(text) else {
                return report.error(node.span, "expected an integer, found '\(text)'")
            }
            node.value = .integer(value)
        case .float(let value):
            guard value.magnitude < 0x1p63 else {
                return report.error(node.span, "\(ShortestNumber.text(value)) is too large")
            }
            node.value = .integer(Int64(value))
        case .unsigned(let value): return report.error(node.span, "\(value) is too large")
        default: break
        }
        if let range, let value = node.integer, !range.contains(value) {
            let bound =
                range.upperBound == Int64.max
                ? "\(range.lowerBound) or more" : "a number from \(range.lowerBound) to \(range.upperBound)"
            report.error(node.span, "expected \(bound), found \(value)")
        }
    }

    private func number(_ node: inout Node, _ meaning: Shape.Meaning) {
        if let text = node.string {
            guard let value = Double(text) ?? ByteCount.decimal(text), value.isFinite else {
                return report.error(node.span, "expected a number, found '\(text)'")
            }
            node.value = .float(value)
        }
        guard let value = node.number else { return }
        guard value.isFinite else { return report.error(node.span, "expected a finite number") }
        // docker compose keeps cores in single precision, and its output shows that.
        node.value = .float(meaning == .cores ? Double(Float(value).description) ?? value : value)
    }

    private func bytes(_ node: inout Node) {
        switch node.value {
        case .integer(let value): node.value = .string("\(value)")
        case .string(let text):
            guard let value = ByteCount.parse(text) else {
                return report.error(
                    node.span, "'\(text)' is no size", hint: "write a number with b, k, m, g, t or p: 512m")
            }
            node.value = .string("\(value)")
        default:
            report.error(
                node.span, "expected a whole number of bytes, found \(Validation.plainText(node) ?? node.kind)",
                hint: "write a size with a unit: 512m, 1.5g")
        }
    }

    private func duration(_ node: inout Node) {
        guard let text = node.string else { return }
        guard let value = GoDuration.parse(text) else {
            return report.error(node.span, "'\(text)' is no duration", hint: Self.durationHint(text))
        }
        node.value = .string(GoDuration.text(value))
    }

    private static func durationHint(_ text: String) -> String {
        let number = text.prefix { $0.isNumber }
        let unit = text.dropFirst(number.count).drop { $0 == " " }.lowercased()
        if let count = Int(number) {
            switch unit {
            case "": return "add a unit: \(count)s"
            case "s", "sec", "secs", "second", "seconds": return "write \(count)s"
            case "m", "min", "mins", "minute", "minutes": return "write \(count)m"
            case "h", "hr", "hrs", "hour", "hours": return "write \(count)h"
            case "d", "day", "days": return "write \(count)d"
            default: break
            }
        }
        return "write numbers with h, m, s, ms, us: 1m30s"
    }

    private func mode(_ node: inout Node, _ meaning: Shape.Meaning) {
        let value: Int64?
        switch node.value {
        case .string(let text): value = Int64(text.hasPrefix("0o") ? String(text.dropFirst(2)) : text, radix: 8)
        case .integer(let number): value = number
        default: value = node.number.flatMap { Int64(exactly: $0) }
        }
        guard let value, (0...0o7777).contains(value) else {
            return report.error(
                node.span, "expected octal permission bits, found '\(Validation.plainText(node) ?? "")'",
                hint: "write them quoted: \"0440\"")
        }
        node.value = meaning == .fileMode ? .string("0" + String(value, radix: 8)) : .integer(value)
    }

    private func deviceCount(_ node: inout Node) {
        guard let text = node.string else { return }
        if text.lowercased() == "all" {
            node.value = .integer(-1)
        } else if let value = Int64(text) {
            node.value = .integer(value)
        } else {
            report.error(node.span, "expected a number or 'all', found '\(text)'")
        }
    }

    private func pullPolicy(_ node: Node) {
        guard let text = node.string, PullPolicyText.parse(text) == nil else { return }
        report.error(
            node.span, "'\(text)' is no pull policy",
            hint: nearest(to: text, among: PullPolicyText.names).map { "did you mean '\($0)'?" }
                ?? "use always, never, missing, build, daily, weekly or every_12h")
    }

    private func restartPolicy(_ node: Node) {
        guard let text = node.string, RestartPolicyText.parse(text) == nil else { return }
        report.error(
            node.span, "'\(text)' is no restart policy",
            hint: nearest(to: text, among: RestartPolicyText.names).map { "did you mean '\($0)'?" }
                ?? "use no, always, unless-stopped or on-failure[:N]")
    }
}
