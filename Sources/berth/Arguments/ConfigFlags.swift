import ArgumentParser
import ComposeFile

/// Flags of `config` that leave a step of loading out.
struct LoadStepFlags: ParsableArguments {
    @Flag(name: .customLong("no-interpolate"), help: "Leave ${…} as it is") var noInterpolate = false
    @Flag(name: .customLong("no-normalize"), help: "Do not fill in what is implied") var noNormalise = false
    @Flag(name: .customLong("no-path-resolution"), help: "Leave relative paths as they are") var noPaths = false
    @Flag(name: .customLong("no-consistency"), help: "Do not check whether services, networks … fit") var noCheck =
        false
    @Flag(name: .customLong("no-env-resolution"), help: "Do not read env_file") var noEnvironmentFiles = false

    /// As docker compose has it, `--compatibility` leaves normalising out.
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

/// Flags of `config` that print a list in place of the model; of several the first in this order counts.
struct ListingFlags: ParsableArguments {
    @Flag(help: "Only names of services") var services = false
    @Flag(help: "Only names of volumes") var volumes = false
    @Flag(help: "Only names of networks") var networks = false
    @Flag(help: "Only models that services use") var models = false
    @Option(help: ArgumentHelp("Hashes of these services' settings, '*' for all", valueName: "services"))
    var hash: String?
    @Flag(help: "Only names of profiles") var profiles = false
    @Flag(help: "Only names of images") var images = false
    @Flag(help: "The variables that the files refer to, with defaults") var variables = false
    @Flag(help: "The variables that the files can refer to, with values") var environment = false

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
