import ComposeFile
import Console

/// What `COMPOSE_…` variables ask for where no flag does.
extension Session {
    /// `environment` with the variables of `.env`, or of the files of `--env-file`, that set what flags would set.
    ///
    /// Those that say where the project is are left to the load.
    static func completed(
        _ environment: [String: String], _ global: GlobalOptions, _ folder: String
    ) -> [String: String] {
        let request = LoadRequest(
            files: global.files, workingDirectory: folder, projectDirectory: global.projectDirectory,
            environmentFiles: global.environmentFiles, environment: environment)
        var added = composeVariables(request, from: DiskFiles())
        added["COMPOSE_PROJECT_NAME"] = nil
        added["COMPOSE_ENV_FILES"] = nil
        return environment.merging(added) { own, _ in own }
    }

    /// A variable that is on or off, in Go's words for it.
    func isOn(_ variable: String) -> Bool { ComposeVariable.isOn(environment[variable]) }

    /// What becomes of containers whose services are not in the file: removed, or not even mentioned.
    func orphans(remove flag: Bool) throws(UsageFailure) -> (remove: Bool, ignore: Bool) {
        let remove = flag || isOn("COMPOSE_REMOVE_ORPHANS")
        let ignore = isOn("COMPOSE_IGNORE_ORPHANS")
        if remove, ignore {
            throw UsageFailure(
                "COMPOSE_IGNORE_ORPHANS cannot be combined with \(flag ? "--remove-orphans" : "COMPOSE_REMOVE_ORPHANS")",
                hint: "unset COMPOSE_IGNORE_ORPHANS")
        }
        return (remove, ignore)
    }

    /// `--parallel`, else COMPOSE_PARALLEL_LIMIT: so many steps at once; nil: as many as can.
    func parallelism() throws(UsageFailure) -> Int? {
        if let given = global.parallel { return given > 0 ? given : nil }
        guard let text = environment["COMPOSE_PARALLEL_LIMIT"], !text.isEmpty else { return nil }
        guard let limit = Int(text) else {
            throw UsageFailure("COMPOSE_PARALLEL_LIMIT must be an integer, found \"\(text)\"")
        }
        return limit > 0 ? limit : nil
    }
}
