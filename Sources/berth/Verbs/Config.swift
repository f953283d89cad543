import ArgumentParser
import ComposeFile
import Console
import JSON
import Linux
import ProjectModel
import YAML

/// `berth config`: the file as it is understood: merged, interpolated, short forms expanded.
struct Config: Verb {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check the file and show it as it is understood", aliases: ["convert"])

    @Option(help: "yaml or json") var format: Format = .yaml
    @Option(name: .shortAndLong, help: "Write to this file") var output: String?
    @Flag(name: .shortAndLong, help: "Only check") var quiet = false
    @Flag(help: "Only names of services") var services = false
    @Flag(help: "Only names of volumes") var volumes = false
    @Flag(help: "Only names of networks") var networks = false
    @Flag(help: "Only names of profiles") var profiles = false
    @Flag(help: "Only names of images") var images = false
    @Flag(help: "The variables that the file refers to") var variables = false
    @Flag(help: "The JSON schema of the format, for editors; reads no file") var schema = false
    @Flag(help: "The values of these variables") var environment = false
    @Flag(name: .customLong("no-interpolate"), help: "Leave ${…} as it is") var noInterpolate = false
    @Flag(name: .customLong("no-normalize"), help: "Do not fill in what is implied") var noNormalise = false
    @Flag(name: .customLong("no-path-resolution"), help: "Leave relative paths as they are") var noPaths = false
    @Flag(name: .customLong("no-consistency"), help: "Do not check whether services, networks … fit") var noCheck =
        false
    @Flag(name: .customLong("no-env-resolution"), help: "Do not read env_file") var noEnvironmentFiles = false
    @Flag(help: .hidden) var resolveImageDigests = false
    @Flag(help: .hidden) var lockImageDigests = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: ArgumentHelp("Services, with what they depend on (default: all)", valueName: "services"))
    var names: [String] = []

    enum Format: String, ExpressibleByArgument, CaseIterable { case yaml, json }

    func validate() throws {
        if resolveImageDigests || lockImageDigests {
            throw ValidationError("image digests cannot be resolved yet")
        }
    }

    func run(in session: Session) throws {
        if schema { return session.stdout.write(composeSchema().text(.pretty(indent: 2))) }
        var steps = LoadSteps()
        steps.interpolate = !noInterpolate
        steps.normalise = !noNormalise
        steps.resolvePaths = !noPaths
        steps.checkConsistency = !noCheck
        steps.resolveEnvironment = !noEnvironmentFiles
        let result = try session.loadFiles(services: names, steps: steps)
        for warning in result.diagnostics + result.unsupported { session.show(warning, result.sources) }
        if quiet { return }
        try write(text(of: result, session), session)
    }

    private func text(of result: LoadResult, _ session: Session) -> String {
        let project = result.project
        switch true {
        case services: return Self.lines(project.services.map(\.name))
        case volumes: return Self.lines(project.volumes.keys)
        case networks: return Self.lines(project.networks.keys)
        case images: return Self.lines(Set(project.services.map { $0.image ?? "\(project.name)-\($0.name)" }))
        case profiles:
            let disabled = result.disabled.entries.flatMap { entry in
                entry.value["profiles"]?.sequence?.compactMap(\.string) ?? []
            }
            return Self.lines(Set(project.services.flatMap(\.profiles) + disabled))
        case variables: return Self.table(result.references)
        case environment:
            let named = Set(result.references.map(\.name))
            return Self.lines(result.environment.filter { named.contains($0.key) }.map { "\($0.key)=\($0.value)" })
        default:
            let options = ConfigOptions(services: names, allResources: session.global.allResources)
            return renderConfig(result, format: format == .json ? .json : .yaml, options: options)
        }
    }

    private func write(_ text: String, _ session: Session) throws {
        guard let output else {
            return text.hasSuffix("\n") || text.isEmpty ? session.stdout.write(text) : session.stdout.line(text)
        }
        do throws(SyscallError) { try writeFileAtomically(output, Array(text.utf8), mode: 0o644) } catch {
            throw CommandFailure("cannot write \(output): \(error.code)")
        }
    }

    private static func lines(_ names: some Sequence<String>) -> String { names.sorted().map { "\($0)\n" }.joined() }

    private static func table(_ references: [Template.Reference]) -> String {
        var table = TextTable(["NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"], minimum: 20)
        var seen = Set<String>()
        for reference in references.sorted(by: { $0.name < $1.name }) where seen.insert(reference.name).inserted {
            table.add([reference.name, "\(reference.isRequired)", reference.defaultValue, reference.alternative])
        }
        return table.render()
    }
}
