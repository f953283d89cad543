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
}

/// Reads YAML text into nodes: aliases expanded within limits, merge keys (`<<`) resolved, duplicate keys found.
///
/// `file` is the number under which a `SourceMap` knows the bytes.
package func parse(_ bytes: [UInt8], file: Int, limits: Limits = Limits()) -> ParsedFile {
    var composer = Composer(bytes, file: file, limits: limits)
    return composer.compose()
}
