import ComposeFile
import Console
import Linux
import ProjectModel
import YAML

extension Session {
    /// The project of the caller's Compose files, read with the caller's rights; warnings go to standard error.
    ///
    /// Of the services that the verb acts on, an attribute whose neglect would weaken security or lose data is refused.
    func loadProject(services: [String] = [], actsOn part: ActedPart = .nothing) throws -> Project {
        let result = try loadFiles(services: services)
        loaded = result
        let (project, unsupported) = result.built()
        let problems: [Diagnostic] =
            switch part {
            case .nothing: []
            case .services(let dependencies): Self.concerning(services, dependencies, in: project, unsupported)
            }
        // Warnings first, so that what has to be done stands last.
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
        /// The named services, none meaning all; with `dependencies` what they depend on as well.
        case services(dependencies: Bool)
    }

    /// Without what is said of services, networks and the like that the named services have nothing to do with.
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

    /// Everything that loading gives, without any warning shown.
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
