import ProjectModel
import YAML

/// Loads a Compose project: finds its files, reads, interpolates, checks, merges and completes them.
///
/// - Throws: `LoadFailure` with all errors, not only the first.
package func load(_ request: LoadRequest, from source: some FileSource) throws(LoadFailure) -> LoadResult {
    try Loader(request: request, source: source).load()
}

private struct Loader {
    let request: LoadRequest
    let source: any FileSource
    let report = Report()
    private var steps: LoadSteps { request.steps }

    func load() throws(LoadFailure) -> LoadResult {
        var workspace = Discovery(request: request, source: source, report: report).workspace()
        let (found, source, caller) = (workspace, source, request.workingDirectory)
        report.adviceForUnset = { UnsetVariable.advice($0, found, from: source, caller) }
        try failIfErrors()
        let reading = Reading(source: source, report: report, standardInput: request.standardInput)
        let documents = workspace.files.flatMap { reading.documents(of: $0) }
        let name = ProjectName.resolve(request, workspace, documents, report)
        workspace.environment["COMPOSE_PROJECT_NAME"] = name
        let assembly = Assembly(reading: reading, report: report, steps: request.steps)
        let scope = Scope(directory: workspace.projectDirectory, environment: workspace.environment)
        var model = assembly.model(of: consume documents, scope)
        model.updateMapping { $0.remove("version") }
        if !report.hasErrors, model.mapping?.isEmpty ?? true {
            report.error(
                .none, "the Compose file is empty: \(workspace.files.joined(separator: ", "))",
                hint: "begin it with `services:`, and the name of a service on the next line, indented")
        }
        let references = steps.interpolate ? [] : References.variables(in: model)
        // From here on each phase continues after errors, so that one run reports all of them.
        complete(&model, name, workspace)
        let unknown = unknownServices(in: model)
        let disabled = chooseServices(&model, workspace)
        readFiles(&model, workspace)
        if let unknown, !report.hasErrors {
            throw LoadFailure(diagnostics: report.sorted, sources: report.sources, unknownServices: unknown)
        }
        try failIfErrors()
        let unsupported = Report()
        unsupported.sources = report.sources
        Support(report: unsupported).check(model, .mapping(Format.file))
        return LoadResult(
            name: name, model: model, disabled: disabled, diagnostics: report.sorted,
            unsupported: report.sorted(unsupported.diagnostics + report.deferred), environment: workspace.environment,
            references: references, workspace: workspace, source: source, sources: report.sources, steps: request.steps)
    }

    private func complete(_ model: inout Node, _ name: String, _ workspace: Workspace) {
        if !report.isIncomplete {
            Validation(report: report).checkRequired(model, Shape(record: Format.file))
        }
        Completion(lenient: !steps.interpolate).apply(to: &model)
        Exclusions(report: report, lenient: !steps.interpolate).check(model)
        if steps.resolvePaths {
            PathResolution(directory: workspace.projectDirectory, home: workspace.environment["HOME"]).apply(to: &model)
        }
        let resolution = EnvironmentResolution(source: source, report: report, environment: workspace.environment)
        if steps.interpolate {
            model.update("services") { services in
                services.updateMapping { resolution.resolveVariables(in: &$0, arguments: steps.normalise) }
            }
        }
        if steps.normalise {
            Normalisation(projectName: name).apply(to: &model)
        }
        if steps.interpolate || steps.normalise {
            model.updateMapping { $0["name"] = .text(name, at: $0["name"]?.span ?? .none) }
        }
    }

    /// Splits off the services that profiles leave out, and checks the rest.
    private func chooseServices(_ model: inout Node, _ workspace: Workspace) -> Mapping {
        var disabled = Mapping()
        guard steps.interpolate else { return disabled }
        let profiles = Profiles(request, environment: workspace.environment)
        model.update("services") { services in
            services.updateMapping { disabled = profiles.split(&$0) }
        }
        if steps.checkConsistency {
            Consistency(report: report, model: model, disabled: disabled).check()
        }
        return disabled
    }

    /// Services that the caller names, also by patterns, must exist.
    private func unknownServices(in model: Node) -> LoadFailure.UnknownServices? {
        guard steps.interpolate, !request.services.isEmpty, !report.isIncomplete else { return nil }
        let known = model["services"]?.mapping?.keys ?? []
        let names = request.services.filter { name in !known.contains { Selection.matches($0, name) } }
        return names.isEmpty ? nil : .init(names: names, known: known)
    }

    private func readFiles(_ model: inout Node, _ workspace: Workspace) {
        guard steps.interpolate else { return }
        let variables = steps.resolveEnvironment
        let resolution = EnvironmentResolution(source: source, report: report, environment: workspace.environment)
        model.update("services") { services in
            services.updateMapping { resolution.readFiles(of: &$0, variables: variables) }
        }
    }

    private func failIfErrors() throws(LoadFailure) {
        if report.hasErrors { throw LoadFailure(diagnostics: report.sorted, sources: report.sources) }
    }
}

extension References {
    /// Every substitution in the strings of a tree.
    static func variables(in node: Node) -> [Template.Reference] {
        switch node.value {
        case .string(let text): text.utf8.contains(UInt8(ascii: "$")) ? Template.references(in: text) : []
        case .sequence(let nodes): nodes.flatMap(variables)
        case .mapping(let mapping): mapping.entries.flatMap { variables(in: $0.value) }
        default: []
        }
    }
}
