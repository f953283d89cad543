import ArgumentParser
import Console
import EngineClient
import EngineWire

/// `berth volume create`: creates a volume of no project, for projects that use it as external.
struct VolumeCreate: Verb {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create a volume that projects can share (`external: true`)")

    @Option(name: .shortAndLong, help: "local") var driver: String?
    @Option(
        name: .shortAndLong, parsing: .unconditionalSingleValue,
        help: "A driver option: type=…, device=… and o=…, as for mount(8)")
    var opt: [String] = []
    @Option(parsing: .unconditionalSingleValue, help: "KEY=VALUE") var label: [String] = []
    @Option(name: .customLong("name"), help: .hidden) var oldName: String?
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Its name (default: a new one)") var name: String?

    func run(in session: Session) throws {
        try session.refuseDryRun("volume create")
        var request = VolumeRequest(name: name ?? oldName)
        request.driver = driver
        request.options = try KeyedValues("--opt", opt).values
        request.labels = KeyedValues(labels: label).values
        session.stdout.line(try session.engine.create(request).name)
    }
}

/// `berth volume prune`.
struct VolumePrune: Verb {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove anonymous volumes that no container uses: their data is lost")

    @Flag(name: .shortAndLong, help: "Also remove named volumes") var all = false
    @Option(parsing: .unconditionalSingleValue, help: "label=KEY[=VALUE], label!=KEY[=VALUE] or all=true")
    var filter: [String] = []
    @Flag(name: .shortAndLong, help: "Do not ask") var force = false
    @OptionGroup(title: "Global") var global: GlobalOptions

    func run(in session: Session) throws {
        try session.refuseDryRun("volume prune")
        let wanted = try PruneFilter(filter, of: .volumes, all: all, now: session.now).request
        let unused = try session.engine.volumes().filter { volume in
            volume.users.isEmpty && (wanted.all || volume.isAnonymous)
                && wanted.allows(labels: volume.labels, created: volume.createdAt)
        }
        try session.prune(.volumes, unused.map(\.name).sorted(), force: force)
    }
}
