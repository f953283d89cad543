import ArgumentParser
import ComposeFile

/// Flags of `config` that skip a step of loading.
struct LoadStepFlags: ParsableArguments {
    @Flag(name: .customLong("no-interpolate"), help: "Do not replace ${…} by values") var noInterpolate = false
    @Flag(name: .customLong("no-normalize"), help: "Do not add implied defaults") var noNormalise = false
    @Flag(name: .customLong("no-path-resolution"), help: "Do not make relative paths absolute") var noPaths = false
    @Flag(name: .customLong("no-consistency"), help: "Do not check references between services, networks and so on")
    var noCheck =
        false
    @Flag(name: .customLong("no-env-resolution"), help: "Do not read env_file") var noEnvironmentFiles = false

    /// As in docker compose, `--compatibility` skips normalisation.
    func steps(compatibility: Bool) -> LoadSteps {
        var steps = LoadSteps()
        steps.interpolate = !noInterpolate
        steps.normalise = !noNormalise && !compatibility
        steps.resolvePaths = !noPaths
        steps.checkConsistency = !noCheck
        steps.resolveEnvironment = !noEnvironmentFiles
        return steps
    }
}

/// Flags of `config` that print a list instead of the model; of several, the first in this order counts.
struct ListingFlags: ParsableArguments {
    @Flag(help: "Print only the names of services") var services = false
    @Flag(help: "Print only names of volumes") var volumes = false
    @Flag(help: "Print only names of networks") var networks = false
    @Flag(help: "Print only models that services use") var models = false
    @Option(help: ArgumentHelp("Print hashes of these services' settings, '*' for all", valueName: "services"))
    var hash: String?
    @Flag(help: "Print only names of profiles") var profiles = false
    @Flag(help: "Print only names of images") var images = false
    @Flag(help: "Print the variables that the files use, with defaults") var variables = false
    @Flag(help: "Print the variables that the files can use, with values") var environment = false

    func listing(_ format: Config.Format) -> ConfigListing? {
        if services { return .services }
        if volumes { return .volumes }
        if networks { return .networks }
        if models { return .models }
        if let hash, !hash.isEmpty { return .hash(hash.split(separator: ",").map(String.init)) }
        if profiles { return .profiles }
        if images { return .images }
        if variables { return .variables(format.variables) }
        return environment ? .environment : nil
    }
}
