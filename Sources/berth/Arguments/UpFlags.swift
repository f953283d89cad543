import ArgumentParser
import Console
import EngineWire

/// Flags of `up`, `create` and `plan` that decide what happens to existing containers.
struct RecreationFlags: ParsableArguments {
    @Flag(help: "Recreate containers even if nothing changed") var forceRecreate = false
    @Flag(name: .customLong("no-recreate"), help: "Do not recreate containers, even if something changed")
    var noRecreate = false
    @Flag(help: "Remove containers of services that are not in the file") var removeOrphans = false
    @Option(help: "When to pull images: always, missing, never, policy") var pull: PullArgument?
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("The number of replicas of a service", valueName: "service=count"))
    var scale: [ScaleArgument] = []
    @Flag(
        name: [.customLong("yes"), .customShort("y")],
        help: "Answer every question with yes, even if data would be lost")
    var yes = false
    @Flag(help: "Build images first, even if they exist") var build = false
    @Flag(name: .customLong("no-build"), help: "Do not build images, even if they are missing") var noBuild = false
    @Flag(help: "Pull images without showing progress") var quietPull = false
    @Flag(help: "Build without showing progress") var quietBuild = false

    func validate() throws {
        if forceRecreate, noRecreate {
            throw ValidationError("--force-recreate and --no-recreate are incompatible")
        }
        if build, noBuild { throw ValidationError("--build and --no-build are incompatible") }
    }

    var buildChoice: BuildChoice { build ? .all : noBuild ? .none : .missing }

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
