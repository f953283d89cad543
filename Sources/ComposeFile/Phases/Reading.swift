import YAML

/// A document of a Compose file as written.
struct SourceDocument {
    /// The file's absolute path, or `-`.
    var path: String
    var node: Node
    /// The file contains something to interpolate.
    var hasVariables: Bool

    /// Takes the tree out of the document, so that the caller is its only owner and can change it without a copy.
    mutating func takeNode() -> Node {
        let taken = node
        node = Node(.null)
        return taken
    }
}

/// Phase 2: reads files and parses their YAML.
struct Reading {
    let source: any FileSource
    let report: Report
    let standardInput: [UInt8]?

    /// The documents of a file, as far as it can be understood.
    ///
    /// If it cannot be read completely, the report notes that elements may be missing, except for a file without
    /// elements of the project (`hasElements`).
    func documents(
        of path: String, origin: SourceMap.Origin? = nil, hasElements: Bool = true
    ) -> [SourceDocument] {
        guard let bytes = bytes(of: path, origin) else {
            if hasElements { report.markIncomplete() }
            return []
        }
        let file = report.sources.add(name: path, bytes: bytes, origin: origin)
        let parsed = YAML.parse(bytes, file: file)
        for problem in parsed.problems { report.add(problem, at: Self.steps(to: problem, in: parsed)) }
        if !parsed.isComplete, hasElements { report.markIncomplete() }
        let hasVariables = bytes.contains(UInt8(ascii: "$"))
        return parsed.documents.enumerated().compactMap { index, node in
            if node.isNull, parsed.documents.count == 1 { return nil }
            guard node.mapping != nil else {
                report.error(
                    node.span, "a Compose file is a mapping with 'services', found \(node.kind)",
                    hint: node.isNull
                        ? "remove the '---' or write something after it"
                        : "begin it with `services:`, and the name of a service on the next line, indented")
                return nil
            }
            return SourceDocument(path: path, node: node, hasVariables: hasVariables)
        }
    }

    /// The position of a problem in the tree; if nothing is around it, next to what was read last.
    private static func steps(to problem: Problem, in file: ParsedFile) -> [(key: String?, index: Int)] {
        let span = problem.span
        let steps = file.steps(to: span)
        guard steps.isEmpty, problem.key == nil, span.line > 1 else { return steps }
        return file.steps(to: Span(file: Int(span.file), line: Int(span.line), column: Int(Int32.max)))
    }

    private func bytes(of path: String, _ origin: SourceMap.Origin?) -> [UInt8]? {
        if path == "-" { return standardInput ?? [] }
        do throws(FileFailure) {
            return try source.read(path)
        } catch {
            report.error(
                origin?.span ?? .none, "cannot read \(path): \(error.reason)",
                hint: Self.hint(error.kind, path))
            return nil
        }
    }

    private static func hint(_ kind: FileFailure.Kind, _ path: String) -> String {
        switch kind {
        case .missing: "look at the path: relative ones start from the folder of the file that names it"
        case .folder: "name a file in it"
        case .tooLarge: "name a Compose file"
        case .other: "check who may read it: ls -l \(path)"
        }
    }
}
