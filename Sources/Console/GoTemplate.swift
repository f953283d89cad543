import JSON

/// The part of Go's text/template that people use with `--format`: fields, strings, functions, pipes, `if`, `range`,
/// `with`.
package struct GoTemplate: Sendable {
    /// An error in the template, or in a value that it uses.
    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
        init(_ reason: String) { description = "template: \(reason)" }
    }

    indirect enum Node: Sendable {
        case text(String)
        case output(Pipeline)
        case condition(Pipeline, then: [Node], otherwise: [Node])
        case loop(Pipeline, body: [Node], otherwise: [Node])
        case scope(Pipeline, body: [Node], otherwise: [Node])
    }

    /// Commands separated by `|`: each gets the result of the previous one as its last argument.
    struct Pipeline: Sendable { var commands: [[Operand]] }

    enum Operand: Sendable {
        /// `.`, `.Name`, `.Name.Inner`.
        case field([String])
        case literal(JSONValue)
        case function(String)
        case nested(Pipeline)
    }

    let nodes: [Node]
    private let source: String

    /// `\t` and `\n` may be two characters, because a shell does not replace them in single quotes.
    package init(_ source: String) throws(Failure) {
        self.source = source
        var parser = GoTemplateParser(source.unescapingTabs())
        nodes = try parser.parse()
    }

    /// The top-level fields in the template, in order.
    package var fields: [String] {
        var found: [String] = []
        func add(_ pipeline: Pipeline) {
            for operand in pipeline.commands.joined() {
                switch operand {
                case .field(let path):
                    if let first = path.first, !found.contains(first) { found.append(first) }
                case .nested(let inner): add(inner)
                default: break
                }
            }
        }
        func walk(_ nodes: [Node]) {
            for node in nodes {
                switch node {
                case .text: break
                case .output(let pipeline): add(pipeline)
                case .condition(let pipeline, let first, let second), .loop(let pipeline, let first, let second),
                    .scope(let pipeline, let first, let second):
                    add(pipeline)
                    walk(first)
                    walk(second)
                }
            }
        }
        walk(nodes)
        return found
    }

    /// The text for one value.
    package func render(_ value: JSONValue) throws(Failure) -> String {
        var result = ""
        try GoTemplateEvaluator(root: value).render(nodes, dot: value, into: &result)
        return result
    }
}

extension String {
    fileprivate func unescapingTabs() -> String {
        var result = ""
        var escaped = false
        for character in self {
            switch (escaped, character) {
            case (true, "t"): result += "\t"
            case (true, "n"): result += "\n"
            case (true, _): result += "\\\(character)"
            case (false, "\\"): break
            case (false, _): result.append(character)
            }
            escaped = !escaped && character == "\\"
        }
        return escaped ? result + "\\" : result
    }
}
