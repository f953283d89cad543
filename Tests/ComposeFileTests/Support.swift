import ComposeFile
import ProjectModel
import YAML

/// Loads a project that is held in memory under `/p`.
func loaded(
    _ yaml: String, _ more: [String: String] = [:], environment: [String: String] = [:],
    configure: (inout LoadRequest) -> Void = { _ in }
) throws(LoadFailure) -> LoadResult {
    var texts = ["/p/compose.yaml": yaml]
    for (path, text) in more { texts[path.hasPrefix("/") ? path : "/p/\(path)"] = text }
    var request = LoadRequest(workingDirectory: "/p", environment: environment)
    configure(&request)
    let isAlone = request.files.isEmpty && !more.keys.contains { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
    do throws(LoadFailure) {
        let result = try load(request, from: MemoryFiles(texts: texts))
        if isAlone, request.steps == LoadSteps() { SchemaAgreement.expect(yaml, errors: [], "a case of a table") }
        return result
    } catch {
        if isAlone, request.steps == LoadSteps() {
            SchemaAgreement.expect(yaml, errors: error.diagnostics, "a case of a table")
        }
        throw error
    }
}

/// What loading a text finds wrong, warnings too, each rendered as `line:column: severity: message`.
func findings(_ yaml: String, _ more: [String: String] = [:], environment: [String: String] = [:]) -> [String] {
    func lines(_ diagnostics: [Diagnostic]) -> [String] {
        diagnostics.map { the in
            (the.place.map { "\($0.line):\($0.column): " } ?? "") + "\(the.severity): \(the.message)"
        }
    }
    do throws(LoadFailure) {
        return lines(try loaded(yaml, more, environment: environment).diagnostics)
    } catch {
        return lines(error.diagnostics)
    }
}
