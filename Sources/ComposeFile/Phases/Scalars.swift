import YAML

/// Converts a scalar to the form for its meaning.
struct Scalars {
    let report: Report
    /// For raw output: converts nothing, and does not check values with variables.
    var lenient = false

    func convert(_ node: inout Node, _ shape: Shape) {
        if node.isNull { return }
        if lenient { return judgeRaw(&node, shape) }
        switch shape.meaning {
        case .anything: return
        case .text:
            if let text = Validation.plainText(node) { node.value = .string(text) }
            if let grammar = shape.grammar { judge(node, grammar) }
        case .booleanOrText: if let text = Validation.plainText(node) { node.value = .string(text) }
        case .boolean: boolean(&node)
        case .integer: integer(&node, shape)
        case .number, .cores: number(&node, shape)
        case .bytes: bytes(&node, shape.range)
        case .duration: duration(&node, atLeast: 0)
        case .probeDuration: duration(&node, atLeast: 1_000_000)
        case .fileMode, .modeBits: mode(&node, shape.meaning)
        case .deviceCount: deviceCount(&node)
        case .pullPolicy: pullPolicy(node)
        case .restartPolicy: restartPolicy(node)
        }
    }

    private func judgeRaw(_ node: inout Node, _ shape: Shape) {
        switch shape.meaning {
        case .booleanOrText: if let text = Validation.plainText(node) { node.value = .string(text) }
        case .integer where node.integer != nil: integer(&node, shape)
        case .pullPolicy where node.string?.contains("$") == false: pullPolicy(node)
        default: return
        }
    }

    /// A text that cannot work is an error. If a variable without a value caused it, the error matters only for `up`.
    private func judge(_ node: Node, _ grammar: TextGrammar) {
        guard let text = node.string, let fault = grammar.fault(text) else { return }
        report.add(fault, at: node.span, worksElsewhere: fault.worksElsewhere)
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
        case "1", "t", "enable", "enabled", "always", "tru", "ture":
            report.error(node.span, "expected true or false, found '\(text)'", hint: "write true")
        case "0", "f", "disable", "disabled", "never", "none", "fals", "flase":
            report.error(node.span, "expected true or false, found '\(text)'", hint: "write false")
        default:
            report.error(
                node.span, "expected true or false, found '\(text)'",
                hint: text.isEmpty ? "give it a value or remove the key" : "write true or false")
        }
    }

    private func integer(_ node: inout Node, _ shape: Shape) {
        switch node.value {
        case .string(let text):
            guard let value = Int64(text) else {
                return report.error(
                    node.span, "expected an integer, found '\(text)'", hint: NumberAdvice.integer(text, of: shape))
            }
            node.value = .integer(value)
        case .float(let value):
            guard value.magnitude < 0x1p63 else {
                return report.error(
                    node.span, "\(ShortestNumber.text(value)) is too large", hint: "write a smaller number")
            }
            node.value = .integer(Int64(value))
        case .unsigned(let value):
            return report.error(node.span, "\(value) is too large", hint: "write a smaller number")
        default: break
        }
        if let range = shape.range, let value = node.integer { hold(value, in: range, node.span) }
    }

    private func hold(_ value: Int64, in range: ClosedRange<Int64>, _ span: Span) {
        guard !range.contains(value) else { return }
        let bound =
            range.upperBound == Int64.max
            ? "\(range.lowerBound) or more" : "a number from \(range.lowerBound) to \(range.upperBound)"
        report.error(span, "expected \(bound), found \(value)", hint: NumberAdvice.range(value, range))
    }

    private func number(_ node: inout Node, _ shape: Shape) {
        let isCores = shape.meaning == .cores
        if let text = node.string {
            guard let value = Double(text) ?? ByteCount.decimal(text), value.isFinite else {
                return report.error(
                    node.span, "expected a number, found '\(text)'", hint: NumberAdvice.number(text, cores: isCores))
            }
            node.value = .float(value)
        }
        guard let value = node.number else { return }
        guard value.isFinite else {
            return report.error(node.span, "expected a finite number", hint: "write a number, or leave it out")
        }
        if let range = shape.range, value < Double(range.lowerBound) {
            report.error(
                node.span, "expected \(range.lowerBound) or more, found \(ShortestNumber.text(value))",
                hint: isCores ? "write how many cores: 0.5, 2" : "write a number from \(range.lowerBound) on")
        }
        // docker compose stores cores in single precision, and its output shows that.
        node.value = .float(isCores ? Double(Float(value).description) ?? value : value)
    }

    private func bytes(_ node: inout Node, _ range: ClosedRange<Int64>?) {
        let bytes: Int64
        switch node.value {
        case .integer(let value): bytes = value
        case .string(let text):
            guard let value = ByteCount.parse(text) else {
                return report.error(node.span, "'\(text)' is not a size", hint: NumberAdvice.bytes(text))
            }
            bytes = value
        default:
            return report.error(
                node.span, "expected a whole number of bytes, found \(Validation.plainText(node) ?? node.kind)",
                hint: "write a size with a unit: 512m, 1.5g")
        }
        if let range, !range.contains(bytes) {
            report.error(
                node.span,
                range.upperBound == Int64.max
                    ? "'\(bytes)' is not a size" : "expected a number from 0 to \(range.upperBound), found \(bytes)",
                hint: range.upperBound == Int64.max
                    ? "leave it out for the default, or write a size: 64m" : NumberAdvice.range(bytes, range))
        }
        node.value = .string("\(bytes)")
    }

    private func duration(_ node: inout Node, atLeast least: Int64) {
        guard let text = node.string else { return }
        guard let value = GoDuration.parse(text) else {
            return report.error(node.span, "'\(text)' is not a duration", hint: NumberAdvice.duration(text))
        }
        if value < 0 {
            report.error(
                node.span, "the duration '\(text)' is negative", hint: "write how long, as in \(text.dropFirst())")
        } else if value != 0, value < least {
            report.error(node.span, "'\(text)' is less than a millisecond", hint: "write 1ms or more")
        }
        node.value = .string(GoDuration.text(value))
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
            report.error(
                node.span, "expected a number or 'all', found '\(text)'", hint: "write how many devices, or all")
        }
    }

    private func pullPolicy(_ node: Node) {
        guard let text = node.string, PullPolicyText.parse(text) == nil else { return }
        report.error(
            node.span, "'\(text)' is not a pull policy",
            hint: nearest(to: text, among: PullPolicyText.names).map { "did you mean '\($0)'?" }
                ?? "use always, never, missing, build, daily, weekly or every_12h")
    }

    private func restartPolicy(_ node: Node) {
        guard let text = node.string, RestartPolicyText.parse(text) == nil else { return }
        report.error(node.span, "'\(text)' is not a restart policy", hint: RestartPolicyText.advice(text))
    }
}
