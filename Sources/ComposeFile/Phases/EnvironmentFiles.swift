import YAML

/// Reads files of variables, and reports errors at their lines.
struct EnvironmentFiles {
    let source: any FileSource
    let report: Report

    /// The variables of the file at `path`. `span` is the reference to the file, for the case that it cannot be read.
    func read(
        _ path: String, required: Bool, raw: Bool = false, at span: Span, earlier: [String: String] = [:],
        lookup: @escaping (String) -> String?
    ) -> [String: String] {
        let bytes: [UInt8]
        do throws(FileFailure) {
            bytes = try source.read(path)
        } catch {
            if error.kind == .folder && !required || error.kind == .missing && !required { return [:] }
            report.error(
                span, "cannot read the environment file \(path): \(error.reason)",
                hint: hint(error.kind, path))
            return [:]
        }
        let origin = span == .none ? nil : SourceMap.Origin(reason: "asked for here", span: span)
        let file = report.sources.add(name: path, bytes: bytes, origin: origin)
        do throws(DotEnv.Failure) {
            if raw { return try DotEnv.parseRaw(bytes, lookup: lookup) }
            let report = report
            return try DotEnv.parse(bytes, earlier: earlier, lookup: lookup) { name, line in
                report.unset(name, at: Span(file: file, line: line, column: 1))
            }
        } catch {
            report.error(Span(file: file, line: error.line, column: 1), error.message, hint: error.hint)
            return [:]
        }
    }

    private func hint(_ kind: FileFailure.Kind, _ path: String) -> String {
        switch kind {
        case .missing:
            let example = [".example", ".sample", ".dist", ".template"].map { path + $0 }.first(where: source.exists)
            return example.map { "there is an example: `cp \($0) \(path)`, and fill it in" }
                ?? "create the file, or write `required: false`"
        case .folder: return "name a file in it"
        case .tooLarge: return "name a file of variables"
        case .other: return "check who may read it: ls -l \(path)"
        }
    }
}
