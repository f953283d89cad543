import ArgumentParser
import Console
import EngineWire
import Linux
import ProjectModel

/// `berth build`: builds the images of services with a `build:` section.
struct Build: Verb {
    static let configuration = CommandConfiguration(commandName: "build", abstract: "Build the services' images")

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A build argument; without a value, the value in the environment", valueName: "name=value"))
    var buildArg: [String] = []
    @Flag(name: .customLong("no-cache"), help: "Do not use the cache") var noCache = false
    @Flag(name: .customLong("pull"), help: "Check registries for newer base images") var pullsBases = false
    @Flag(name: .customLong("with-dependencies"), help: "Also build dependencies of the named services")
    var withDependencies = false
    @Flag(help: "Give all reasons why a step was not taken from the cache") var why = false
    @Flag(help: "Only check the Dockerfiles and report what could be better") var check = false
    @Flag(help: "When a step fails, open a shell in the state in which it failed") var debug = false
    @Flag(name: .shortAndLong, help: "Print only the images' ids") var quiet = false
    @Flag(help: "Push the images to the registries of their names") var push = false
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("An SSH agent for the steps: default, or id=SOCKET", valueName: "agent"))
    var ssh: [String] = []
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A cache to import results of steps from: type=local,src=FOLDER, type=registry,ref=IMAGE, or an image",
            valueName: "where"))
    var cacheFrom: [String] = []
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Where to export the results of steps: type=inline, type=local,dest=FOLDER or type=registry,ref=IMAGE, with mode=min|max",
            valueName: "where"))
    var cacheTo: [String] = []
    @Option(help: .hidden) var builder: String?
    @Option(name: .shortAndLong, help: .hidden) var memory: String?
    @Option(help: .hidden) var provenance: String?
    @Option(help: .hidden) var sbom: String?
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all that are built)", completion: .services) var services: [String] = []

    func run(in session: Session) throws {
        if debug { try session.checkDebug() }
        let project = try session.loadProject(services: services, actsOn: .services(dependencies: withDependencies))
        try session.check(services: services, among: project.services.map(\.name))
        let selected = project.selection(of: services, dependencies: withDependencies)
        let built = project.services.filter { selected.contains($0.name) && $0.hasBuild }.map(\.name)
        guard !built.isEmpty else {
            session.stderr.line("No service has a `build:`.")
            return
        }
        var builds = ServiceBuilds(project: project, session: session)
        builds.arguments = BuildArgumentValues(buildArg, session.environment).values
        builds.debugs = debug
        builds.noCache = noCache
        builds.pull = pullsBases
        builds.agents = try session.agents(ssh)
        builds.cacheFrom = cacheFrom
        builds.cacheTo = cacheTo
        let wishes = try builds.wishes(for: built)
        if check { return try session.check(wishes) }
        session.tellAttestations(provenance, sbom)
        let pushed = ServiceImages(push ? project.services.filter { built.contains($0.name) } : [], in: project.name)
        for (service, reason) in pushed.skipped { session.warn("service \"\(service)\" is not pushed: \(reason)") }
        if session.global.dryRun {
            for wish in wishes { session.stdout.line("build \(wish.service ?? "")  # \(wish.request.tags[0])") }
            for image in pushed.references { session.stdout.line("push \(image)") }
            return
        }
        let ids = try session.build(wishes, BuildShow(isQuiet: quiet, why: why))
        if !pushed.references.isEmpty { try session.push(pushed.references, isQuiet: quiet) }
        if quiet { for image in ids { session.stdout.line(image.id) } }
    }
}

/// `--build-arg`: `NAME=value`, or `NAME` for the environment's.
struct BuildArgumentValues {
    private(set) var values: [String: String] = [:]

    init(_ texts: [String], _ environment: [String: String]) {
        for text in texts {
            if let place = text.firstIndex(of: "=") {
                values[String(text[..<place])] = String(text[text.index(after: place)...])
            } else if let value = environment[text] {
                values[text] = value
            }
        }
    }
}

extension Session {
    /// `--check`: the mistakes in the Dockerfiles and what the linter finds. Fails if there is anything.
    func check(_ wishes: [BuildWish]) throws {
        var count = 0
        for wish in wishes {
            for finding in wish.mistakes + wish.findings {
                if count > 0, progress != .json { stderr.line() }
                show(finding, of: wish.source)
                count += 1
            }
        }
        guard count == 0 else { throw ExitStatus.failure }
        stdout.line("Check complete, no warnings found.")
    }
}
