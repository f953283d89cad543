import YAML

/// The rules for a project's name.
package enum ProjectName {
    /// `[a-z0-9][a-z0-9_-]*`
    package static func isValid(_ name: String) -> Bool {
        guard let first = name.utf8.first, first != UInt8(ascii: "_"), first != UInt8(ascii: "-") else { return false }
        return name.utf8.allSatisfy(isAllowed)
    }

    /// Lower case, without other characters, and without `_` and `-` at the start.
    package static func normalised(_ name: String) -> String {
        let kept = name.lowercased().utf8.filter(isAllowed)
        return String(decoding: kept.drop { $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }, as: UTF8.self)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// The name of the project: `-p`, COMPOSE_PROJECT_NAME, the last `name` in the files, or the directory's name.
    static func resolve(
        _ request: LoadRequest, _ workspace: Workspace, _ documents: [SourceDocument], _ report: Report
    ) -> String {
        let given = [request.projectName, workspace.environment["COMPOSE_PROJECT_NAME"]]
        if let name = given.compactMap({ $0 }).first(where: { !$0.isEmpty }) {
            if !isValid(name) {
                report.error(
                    .none, "the project name '\(name)' is not allowed",
                    hint: "use lower-case letters, digits, '-' and '_', a letter or digit first: "
                        + "\(normalised(name))")
            }
            return name
        }
        guard let node = documents.compactMap({ $0.node["name"] }).last(where: { $0.string?.isEmpty == false }) else {
            return derived(from: FilePath.name(of: workspace.projectDirectory), at: .none, report)
        }
        return report.inside("name") {
            var name = node.string ?? ""
            if request.steps.interpolate {
                name = Interpolation(report: report, environment: workspace.environment).expand(name, at: node.span)
            }
            return request.steps.normalise || name.isEmpty ? derived(from: name, at: node.span, report) : name
        }
    }

    private static func derived(from name: String, at span: Span, _ report: Report) -> String {
        let result = normalised(name)
        // If the files could not be read, the name may be in them.
        if result.isEmpty, !report.isIncomplete {
            report.error(
                span, name.isEmpty ? "the project's name is empty" : "no project name can be made of '\(name)'",
                hint: "give one: -p NAME, or `name: …` in the file")
        }
        return result
    }
}

/// The project's name without loading its services: from `-p` or the environment, otherwise from the files.
package func projectNameOnly(_ request: LoadRequest, from source: some FileSource) throws(LoadFailure) -> String {
    let report = Report()
    let workspace = Discovery(request: request, source: source, report: report).workspace()
    let hasName = [request.projectName, workspace.environment["COMPOSE_PROJECT_NAME"]].contains { $0?.isEmpty == false }
    var documents: [SourceDocument] = []
    if !hasName {
        let reading = Reading(source: source, report: report, standardInput: request.standardInput)
        documents = workspace.files.flatMap { reading.documents(of: $0) }
    } else if report.hasErrors {
        // Verbs that work on existing containers need only a name, so a missing file does not matter then.
        let fresh = Report()
        let name = ProjectName.resolve(request, workspace, [], fresh)
        if fresh.hasErrors { throw LoadFailure(diagnostics: fresh.sorted, sources: fresh.sources) }
        return name
    }
    let name = report.hasErrors ? "" : ProjectName.resolve(request, workspace, documents, report)
    if report.hasErrors { throw LoadFailure(diagnostics: report.sorted, sources: report.sources) }
    return name
}
