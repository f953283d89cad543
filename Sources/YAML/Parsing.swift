/// A problem in a file's YAML.
package struct Problem: Sendable {
    package var span: Span
    package var message: String
    package var hint: String?
    /// Another place related to it.
    package var other: (message: String, span: Span)?
    /// The start of a value that swallowed text meant for something else. Do not report anything about this value.
    package var swallowed: Span?
    /// The starts of collections. If one of them is wrong itself, this problem only follows from that.
    package var causes: [Span] = []
    /// The mapping member that it is about; the mapping is the one around `span`.
    package var key: String?
    /// Nothing after it was read.
    package var endsReading = false
}

/// Limits for a file.
package struct Limits: Sendable {
    /// The maximum depth of nested collections.
    package var depth = 100
    /// The number of nodes that aliases may add: this number, plus a multiple of the nodes in the file.
    package var aliasNodes = 100_000
    package var aliasNodesPerNode = 10

    package init() {}
}

/// The documents of a file and its problems. Documents contain everything that could be read, despite problems.
package struct ParsedFile: Sendable {
    package var documents: [Node]
    package var problems: [Problem]
    /// The whole text was understood; otherwise the documents end where reading stopped.
    package var isComplete = true

    /// The keys and list items (as `nil`) that lead to a place, as far as the file was read.
    package func steps(to span: Span) -> [(key: String?, index: Int)] {
        var steps: [(key: String?, index: Int)] = []
        guard var node = documents.last(where: { !span.isBefore($0.span) }) else { return [] }
        while true {
            if let mapping = node.mapping {
                guard
                    let entry = mapping.entries.last(where: {
                        !span.isBefore($0.keySpan) && !$0.keySpan.isBefore(node.span)
                    }),
                    entry.keySpan.line == span.line || span.column > entry.keySpan.column
                else { return steps }
                steps.append((entry.key, 0))
                if entry.keySpan.start == span.start { return steps }
                node = entry.value
            } else if let items = node.sequence {
                guard let index = items.lastIndex(where: { !span.isBefore($0.span) && !$0.span.isBefore(node.span) }),
                    items[index].span.line == span.line || span.column >= items[index].span.column
                else { return steps }
                steps.append((nil, index))
                node = items[index]
            } else {
                return steps
            }
        }
    }
}

/// Parses YAML text into nodes: expands aliases within limits, resolves merge keys (`<<`), finds duplicate keys.
///
/// `file` is the number of the file in a `SourceMap`.
package func parse(_ bytes: [UInt8], file: Int, limits: Limits = Limits()) -> ParsedFile {
    var composer = Composer(bytes, file: file, limits: limits)
    return composer.compose()
}
