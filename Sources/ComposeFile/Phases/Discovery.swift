import Linux
import YAML

/// The location of a project: its files, its directory, and its variables.
struct Workspace {
    /// Absolute paths in merge order; `-` is standard input.
    var files: [String] = []
    var projectDirectory = ""
    /// The caller's environment, plus `.env` or the files of `--env-file`.
    var environment: [String: String] = [:]
    /// Absolute paths from `--env-file` or COMPOSE_ENV_FILES.
    var environmentFiles: [String] = []
}

/// Phase 1: finds the Compose files and reads the environment files.
struct Discovery {
    private static let baseNames = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"]
    private static let overrideNames = [
        "compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml",
    ]

    let request: LoadRequest
    let source: any FileSource
    let report: Report

    func workspace() -> Workspace {
        var workspace = Workspace()
        workspace.environment = request.environment
        if workspace.environment["PWD"] == nil { workspace.environment["PWD"] = request.workingDirectory }
        let start = startFolder
        readEnvironmentFiles(start, &workspace)
        let named = request.files.isEmpty ? namedByEnvironment(workspace.environment) : request.files.map(absolute)
        if let named {
            workspace.files = named
        } else {
            workspace.files = search(from: request.projectDirectory.map(absolute) ?? request.workingDirectory)
        }
        guard !workspace.files.isEmpty else { return workspace }
        let folder = workspace.files.first { $0 != "-" }.map(FilePath.folder)
        workspace.projectDirectory = request.projectDirectory.map(absolute) ?? folder ?? request.workingDirectory
        if let folder, folder != start, workspace.environmentFiles.isEmpty { readDotEnv(in: folder, &workspace) }
        return workspace
    }

    /// The caller's environment, plus the first environment files.
    func environment() -> [String: String] {
        var workspace = Workspace()
        workspace.environment = request.environment
        readEnvironmentFiles(startFolder, &workspace)
        return workspace.environment
    }

    private func absolute(_ path: String) -> String {
        path == "-" ? path : FilePath.absolute(path, in: request.workingDirectory)
    }

    private var startFolder: String {
        if let folder = request.projectDirectory { return absolute(folder) }
        return request.files.first { $0 != "-" }.map { FilePath.folder(of: absolute($0)) } ?? request.workingDirectory
    }

    // MARK: Compose files

    private func namedByEnvironment(_ environment: [String: String]) -> [String]? {
        guard let list = environment["COMPOSE_FILE"], !list.isEmpty else { return nil }
        let separator = environment["COMPOSE_PATH_SEPARATOR"].flatMap { $0.isEmpty ? nil : $0 } ?? ":"
        return list.split(separator: separator).map { absolute(String($0)) }
    }

    private func search(from start: String) -> [String] {
        var folder = start
        while true {
            if let base = pick(Self.baseNames, in: folder, what: "Compose files") {
                let override = pick(Self.overrideNames, in: folder, what: "override files")
                return [base] + (override.map { [$0] } ?? [])
            }
            let parent = FilePath.folder(of: folder)
            if parent == folder || !folder.isAbsolutePath { break }
            folder = parent
        }
        report.error(
            .none, "there is no compose.yaml in \(start) or any folder above it",
            hint: "name the file with -f, or write a compose.yaml")
        return []
    }

    private func pick(_ names: [String], in folder: String, what: String) -> String? {
        let prefix = folder == "/" ? "" : folder
        let found = names.map { "\(prefix)/\($0)" }.filter(source.exists)
        if let first = found.first, found.count > 1 {
            let others = found.dropFirst().map(FilePath.name).joined(separator: ", ")
            report.warning(.none, "several \(what) in \(folder): \(FilePath.name(of: first)) is used, \(others) not")
        }
        return found.first
    }

    // MARK: Environment files

    private func readEnvironmentFiles(_ start: String, _ workspace: inout Workspace) {
        var named = request.environmentFiles
        if named.isEmpty, let list = workspace.environment["COMPOSE_ENV_FILES"] {
            named = list.split(separator: ",").map(String.init)
        }
        if named.isEmpty { return readDotEnv(in: start, &workspace) }
        workspace.environmentFiles = named.map(absolute)
        var values: [String: String] = [:]
        for path in workspace.environmentFiles {
            values.merge(read(path, workspace.environment, earlier: values, isRequired: true)) { _, new in new }
        }
        workspace.environment.merge(values) { old, _ in old }
    }

    private func readDotEnv(in folder: String, _ workspace: inout Workspace) {
        if ComposeVariable.isOn(workspace.environment["COMPOSE_DISABLE_ENV_FILE"]) { return }
        let path = folder == "/" ? "/.env" : "\(folder)/.env"
        guard source.exists(path) else { return }
        let values = read(path, workspace.environment, earlier: [:], isRequired: false)
        workspace.environment.merge(values) { old, _ in old }
    }

    private func read(
        _ path: String, _ environment: [String: String], earlier: [String: String], isRequired: Bool
    ) -> [String: String] {
        let reader = EnvironmentFiles(source: source, report: report)
        return reader.read(path, required: isRequired, at: .none, earlier: earlier) { environment[$0] }
    }
}
