import ArgumentParser
import Console
import EngineWire

/// Flags that `up`, `create` and `plan` have in common: what becomes of containers that exist.
struct RecreationFlags: ParsableArguments {
    @Flag(help: "Recreate containers even if nothing changed") var forceRecreate = false
    @Flag(name: .customLong("no-recreate"), help: "Leave containers as they are, changed or not") var noRecreate = false
    @Flag(help: "Remove containers of services that are not in the file") var removeOrphans = false
    @Option(help: "When images are fetched: always, missing, never, policy") var pull: PullArgument?
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("How many replicas a service has", valueName: "service=count"))
    var scale: [ScaleArgument] = []
    @Flag(name: [.customLong("yes"), .customShort("y")], help: "Agree to what would ask, loss of data included")
    var yes = false
    @Flag(help: .hidden) var build = false
    @Flag(name: .customLong("no-build"), help: .hidden) var noBuild = false
    @Flag(help: "Fetch images without showing how far that is") var quietPull = false
    @Flag(help: .hidden) var quietBuild = false

    func validate() throws {
        if forceRecreate, noRecreate {
            throw ValidationError("--force-recreate and --no-recreate are incompatible")
        }
        if build {
            throw ValidationError(
                "--build: berth cannot build images yet; build elsewhere and `docker save NAME | berth image load`")
        }
    }

    func options(in session: Session) throws(UsageFailure) -> UpOptions {
        var options = UpOptions()
        let orphans = try session.orphans(remove: removeOrphans)
        options.recreate = forceRecreate ? .force : noRecreate ? .never : .diverged
        options.removeOrphans = orphans.remove
        options.ignoreOrphans = orphans.ignore
        options.scale = scale.counts
        options.pull = pull?.policy
        return options
    }

    var consent: Session.Consent { yes ? .given : .ask }
}
