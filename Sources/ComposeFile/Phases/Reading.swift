import YAML

/// A document of a Compose file as it is written.
struct SourceDocument {
    /// The file's absolute path, or `-`.
    var path: String
    var node: Node
    /// There is something to interpolate in the file.
    var hasVariables: Bool

    /// The tree, which is not kept here: what holds it alone can change it without a copy.
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

    /// The documents of a file, up to where it can be understood.
    ///
    /// When it cannot be read, or not all of it, the report knows that elements are missing, unless it `hasElements` of
    /// the project not at all.
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

    /// Where a place is in the tree; next to what was read last when nothing is around it.
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
