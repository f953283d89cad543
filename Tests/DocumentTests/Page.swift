import Linux

/// A document of this project, and what it says that can be held against the code.
struct Page {
    /// From the package's folder: `docs/engine.md`.
    let path: String
    let text: String

    init(_ path: String) throws {
        self.path = path
        text = try readText("\(packageFolder)/\(path)", limit: 1 << 22)
    }

    /// README, CONTRIBUTING and everything below docs.
    static func all() throws -> [Page] {
        let pages = try ["docs", "docs/decisions"].flatMap { folder in
            try folderEntries("\(packageFolder)/\(folder)").filter { $0.hasSuffix(".md") }.sorted().map {
                "\(folder)/\($0)"
            }
        }
        return try (["README.md", "CONTRIBUTING.md"] + pages).map(Page.init)
    }

    /// Text between single backquotes, outside of blocks.
    var codeSpans: [String] {
        var spans: [String] = []
        for line in proseLines {
            let pieces = line.split(separator: "`", omittingEmptySubsequences: false)
            spans += pieces.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
        }
        return spans
    }

    /// Lines of blocks between ``` that a person types: those after `$ `, or all of a block in sh.
    var typedLines: [String] {
        var lines: [String] = []
        var language: Substring?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let trimmed = line.drop { $0 == " " }
            if trimmed.hasPrefix("```") {
                language = language == nil ? trimmed.dropFirst(3) : nil
            } else if let language {
                if trimmed.hasPrefix("$ ") { lines.append(String(trimmed.dropFirst(2))) }
                if language == "sh" { lines.append(String(trimmed)) }
            }
        }
        return lines
    }

    /// Commands of `berth` that the page shows, each as words without comments.
    var commands: [[String]] {
        let spans = codeSpans.filter { $0.hasPrefix("berth ") }
        return (typedLines + spans).flatMap { line -> [[String]] in
            let code = line.firstRange(of: " #").map { line[..<$0.lowerBound] } ?? line[...]
            return code.split(whereSeparator: { "|&;".contains($0) }).compactMap { part -> [String]? in
                var words = part.split(separator: " ").map(String.init)[...]
                while let first = words.first, first == "sudo" || first.contains("=") { words = words.dropFirst() }
                guard words.first == "berth" else { return nil }
                return Array(words.dropFirst())
            }
        }
    }

    /// Targets of links, with the text between brackets left out.
    var links: [String] {
        proseLines.flatMap { line in
            line.split(separator: "](", omittingEmptySubsequences: false).dropFirst().compactMap { piece in
                piece.firstIndex(of: ")").map { String(piece[..<$0]) }
            }
        }
    }

    /// What `#…` can point to, as GitHub makes it from headings.
    var anchors: Set<String> {
        Set(
            proseLines.filter { $0.hasPrefix("#") }.map { line in
                line.drop { $0 == "#" || $0 == " " }.lowercased().replacing(" ", with: "-")
                    .filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
            })
    }

    private var proseLines: [Substring] {
        var isCode = false
        return text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            if line.drop(while: { $0 == " " }).hasPrefix("```") {
                isCode.toggle()
                return false
            }
            return !isCode
        }
    }
}
