/// Something wrong with a file as YAML.
package struct Problem: Sendable {
    package var span: Span
    package var message: String
    package var hint: String?
    /// Another place that has to do with it.
    package var other: (message: String, span: Span)?
    /// Where a value begins that is made of text meant for something else: what it says is no news.
    package var swallowed: Span?
    /// Where a collection begins: when that is wrong itself, this only follows from it.
    package var causes: [Span] = []
    /// The member of a mapping that it is about; it stands in the one around `span`.
    package var key: String?
    /// Nothing after it was read.
    package var endsReading = false
}

/// Bounds on what a file may ask for.
package struct Limits: Sendable {
    /// How deep collections may nest.
    package var depth = 100
    /// How many nodes aliases may add: a number, and so many more for each node that is written.
    package var aliasNodes = 100_000
    package var aliasNodesPerNode = 10

    package init() {}
}

/// The documents of a file and what is wrong with it; after a problem, what could be read is there all the same.
package struct ParsedFile: Sendable {
    package var documents: [Node]
    package var problems: [Problem]
    /// All of the text was understood; else the documents end where reading had to stop.
    package var isComplete = true

    /// Keys and, as `nil`, items of lists that lead to what stands at a place or around it, as far as it was read.
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

/// Reads YAML text into nodes: aliases expanded within limits, merge keys (`<<`) resolved, duplicate keys found.
///
/// `file` is the number under which a `SourceMap` knows the bytes.
package func parse(_ bytes: [UInt8], file: Int, limits: Limits = Limits()) -> ParsedFile {
    var composer = Composer(bytes, file: file, limits: limits)
    return composer.compose()
}
