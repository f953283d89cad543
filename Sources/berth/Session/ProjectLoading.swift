import ComposeFile
import Console
import Linux
import ProjectModel
import YAML

extension Session {
    /// The project in the caller's Compose files, read with the caller's permissions; warnings go to standard error.
    ///
    /// Refuses the services that the verb acts on if they have an attribute that berth does not support and that
    /// security or data depend on.
    func loadProject(services: [String] = [], actsOn part: ActedPart = .nothing) throws -> Project {
        let result = try loadFiles(services: services)
        loaded = result
        let (project, unsupported) = result.built()
        let problems: [Diagnostic] =
            switch part {
            case .nothing: []
            case .services(let dependencies): Self.concerning(services, dependencies, in: project, unsupported)
            }
        // Warnings first, so that the most important comes last.
        for warning in result.diagnostics + problems where warning.severity == .warning {
            show(warning, result.sources)
        }
        let errors = problems.filter { $0.severity == .error }
        if !errors.isEmpty { throw failure(errors, result.sources) }
        return project
    }

    /// What a verb acts on.
    enum ActedPart {
        case nothing
        /// The named services, or all if there are no names; with `dependencies` also what they depend on.
        case services(dependencies: Bool)
    }

    /// Without diagnostics about services, networks and so on that the named services do not use.
    private static func concerning(
        _ names: [String], _ dependencies: Bool, in project: Project, _ problems: [Diagnostic]
    ) -> [Diagnostic] {
        guard !names.isEmpty, !problems.isEmpty else { return problems }
        let used = project.uses(of: project.selection(of: names, dependencies: dependencies))
        return problems.filter { problem in
            guard let path = problem.path.flatMap(AttributePath.init(parsing:)), path.steps.count > 1,
                case .key(let section) = path.steps[0], case .key(let name) = path.steps[1]
            else { return true }
            return used[section]?.contains(name) ?? true
        }
    }

    /// The complete result of loading, without showing warnings.
    func loadFiles(services: [String] = [], steps: LoadSteps = LoadSteps()) throws -> LoadResult {
        var request = LoadRequest(
            files: global.files, workingDirectory: workingDirectory,
            projectDirectory: global.projectDirectory, projectName: global.projectName,
            profiles: global.profiles, environmentFiles: global.environmentFiles, environment: environment,
            services: services, steps: steps)
        if global.files.contains("-") { request.standardInput = try openInput("-").readToEnd() }
        do {
            return try load(request, from: DiskFiles())
        } catch {
            if let unknown = error.unknownServices { try check(services: unknown.names, among: unknown.known) }
            throw failure(error.diagnostics, error.sources)
        }
    }

    func show(_ diagnostic: Diagnostic, _ sources: SourceMap) {
        stderr.line(
            progress == .json
                ? DiagnosticLine.text(diagnostic) : sources.render(diagnostic, colour: errorStyle.isColoured))
    }

    private func failure(_ diagnostics: [Diagnostic], _ sources: SourceMap) -> ProjectFailure {
        let texts = diagnostics.map { sources.render($0, colour: errorStyle.isColoured) }
        return ProjectFailure(text: texts.joined(separator: "\n\n"), lines: diagnostics.map { DiagnosticLine.text($0) })
    }
}
