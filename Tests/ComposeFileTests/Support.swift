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
    return try load(request, from: MemoryFiles(texts: texts))
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
