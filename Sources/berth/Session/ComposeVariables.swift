import ComposeFile
import Console

/// Applies `COMPOSE_…` variables where no flag is given.
extension Session {
    /// `environment` plus the variables of `.env`, or of the files of `--env-file`, that stand for flags.
    ///
    /// The load itself handles those that locate the project.
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

    /// The value of an on/off variable, by Go's rules.
    func isOn(_ variable: String) -> Bool { ComposeVariable.isOn(environment[variable]) }

    /// What to do with containers whose services are not in the file: remove them, or not even mention them.
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

    /// `--parallel`, or else COMPOSE_PARALLEL_LIMIT: the maximum number of steps at a time; nil means as many as
    /// possible.
    func parallelism() throws(UsageFailure) -> Int? {
        if let given = global.parallel { return given > 0 ? given : nil }
        guard let text = environment["COMPOSE_PARALLEL_LIMIT"], !text.isEmpty else { return nil }
        guard let limit = Int(text) else {
            throw UsageFailure("COMPOSE_PARALLEL_LIMIT must be an integer, found \"\(text)\"")
        }
        return limit > 0 ? limit : nil
    }
}
