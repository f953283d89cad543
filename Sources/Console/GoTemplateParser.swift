import JSON

/// Parses a template's text into nodes.
struct GoTemplateParser {
    private var rest: Substring

    init(_ source: String) { rest = source[...] }

    mutating func parse() throws(GoTemplate.Failure) -> [GoTemplate.Node] {
        let (nodes, end) = try block()
        if let end { throw GoTemplate.Failure("unexpected {{\(end)}}") }
        return nodes
    }

    /// Nodes up to the end of the text, or up to an `end` or `else`, which is returned.
    private mutating func block() throws(GoTemplate.Failure) -> ([GoTemplate.Node], String?) {
        var nodes: [GoTemplate.Node] = []
        while !rest.isEmpty {
            guard let open = rest.firstRange(of: "{{") else {
                nodes.append(.text(String(rest)))
                rest = ""
                break
            }
            var text = rest[..<open.lowerBound]
            rest = rest[open.upperBound...]
            guard let close = rest.firstRange(of: "}}") else { throw GoTemplate.Failure("{{ without }}") }
            var action = rest[..<close.lowerBound]
            rest = rest[close.upperBound...]
            // `{{-` and `-}}` remove adjacent white space.
            if action.hasPrefix("- ") {
                action = action.dropFirst()
                while text.last?.isWhitespace == true { text.removeLast() }
            }
            if action.hasSuffix(" -") {
                action = action.dropLast()
                rest = rest.drop { $0.isWhitespace }
            }
            if !text.isEmpty { nodes.append(.text(String(text))) }
            let words = action.trimmed
            if words == "end" || words == "else" || words.hasPrefix("else ") { return (nodes, words) }
            if words.hasPrefix("/*") { continue }
            nodes.append(try node(words))
        }
        return (nodes, nil)
    }

    private mutating func node(_ action: String) throws(GoTemplate.Failure) -> GoTemplate.Node {
        let keyword = String(action.prefix { !$0.isWhitespace })
        let argument = String(action.dropFirst(keyword.count)).trimmed
        switch keyword {
        case "if", "range", "with":
            let pipeline = try Self.pipeline(argument)
            let (body, otherwise) = try branches()
            switch keyword {
            case "if": return .condition(pipeline, then: body, otherwise: otherwise)
            case "range": return .loop(pipeline, body: body, otherwise: otherwise)
            default: return .scope(pipeline, body: body, otherwise: otherwise)
            }
        default: return .output(try Self.pipeline(action))
        }
    }

    private mutating func branches() throws(GoTemplate.Failure) -> ([GoTemplate.Node], [GoTemplate.Node]) {
        let (body, end) = try block()
        switch end {
        case "end": return (body, [])
        case "else":
            let (otherwise, last) = try block()
            guard last == "end" else { throw GoTemplate.Failure("{{else}} without {{end}}") }
            return (body, otherwise)
        case let chained? where chained.hasPrefix("else if "):
            let pipeline = try Self.pipeline(String(chained.dropFirst("else if ".count)))
            let (then, otherwise) = try branches()
            return (body, [.condition(pipeline, then: then, otherwise: otherwise)])
        default: throw GoTemplate.Failure("a block without {{end}}")
        }
    }

    private static func pipeline(_ text: String) throws(GoTemplate.Failure) -> GoTemplate.Pipeline {
        var tokens = try tokenize(text)[...]
        let pipeline = try pipeline(&tokens)
        guard tokens.isEmpty else { throw GoTemplate.Failure("unexpected \(tokens.joined(separator: " "))") }
        return pipeline
    }

    private static func pipeline(_ tokens: inout ArraySlice<String>) throws(GoTemplate.Failure) -> GoTemplate.Pipeline {
        var commands: [[GoTemplate.Operand]] = [[]]
        while let token = tokens.first, token != ")" {
            tokens.removeFirst()
            if token == "|" {
                commands.append([])
            } else {
                commands[commands.count - 1].append(try operand(token, &tokens))
            }
        }
        guard commands.allSatisfy({ !$0.isEmpty }) else { throw GoTemplate.Failure("missing value") }
        return GoTemplate.Pipeline(commands: commands)
    }

    private static func operand(
        _ token: String, _ tokens: inout ArraySlice<String>
    ) throws(GoTemplate.Failure) -> GoTemplate.Operand {
        if token == "(" {
            let inner = try pipeline(&tokens)
            guard tokens.popFirst() == ")" else { throw GoTemplate.Failure("( without )") }
            return .nested(inner)
        }
        if token.hasPrefix(".") { return .field(token.split(separator: ".").map(String.init)) }
        if token.hasPrefix("\"") || token.hasPrefix("`") { return .literal(.string(String(token.dropFirst()))) }
        if let number = Int64(token) { return .literal(.integer(number)) }
        switch token {
        case "true": return .literal(true)
        case "false": return .literal(false)
        case "nil": return .literal(.null)
        default:
            guard GoTemplateEvaluator.functions.contains(token) else {
                throw GoTemplate.Failure(
                    "function \"\(token)\" not defined"
                        + Suggestion.question(for: token, among: GoTemplateEvaluator.functions))
            }
            return .function(token)
        }
    }

    /// Words, strings (with only their opening quote), brackets and pipes.
    private static func tokenize(_ text: String) throws(GoTemplate.Failure) -> [String] {
        var tokens: [String] = []
        var rest = text[...]
        while let first = rest.first {
            if first.isWhitespace {
                rest.removeFirst()
            } else if "()|".contains(first) {
                tokens.append(String(first))
                rest.removeFirst()
            } else if first == "\"" || first == "`" {
                rest.removeFirst()
                var value = ""
                var closed = false
                while let next = rest.popFirst() {
                    if next == first {
                        closed = true
                        break
                    }
                    if next == "\\", first == "\"", let escaped = rest.popFirst() {
                        value.append(escaped)
                    } else {
                        value.append(next)
                    }
                }
                guard closed else { throw GoTemplate.Failure("unterminated string") }
                tokens.append("\"" + value)
            } else {
                let word = rest.prefix { !$0.isWhitespace && !"()|\"`".contains($0) }
                tokens.append(String(word))
                rest = rest[word.endIndex...]
            }
        }
        return tokens
    }
}

extension StringProtocol {
    fileprivate var trimmed: String {
        var text = Substring(self).drop { $0.isWhitespace }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
