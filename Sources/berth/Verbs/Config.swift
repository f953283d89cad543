import ArgumentParser
import ComposeFile
import Console
import EngineClient
import EngineWire
import JSON
import Linux
import YAML

/// `berth config`: prints the project as berth understands it: merged, interpolated, short forms expanded.
struct Config: Verb {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check the file and show how berth understands it", aliases: ["convert"])

    @Option(help: "yaml or json; for --variables also table") var format: Format?
    @Option(name: .shortAndLong, help: "Write to this file") var output: String?
    @Flag(name: .shortAndLong, help: "Only check the file") var quiet = false
    @Flag(help: "Replace image tags by the current digests of the registries") var resolveImageDigests = false
    @Flag(help: "Print an override file that pins images to digests") var lockImageDigests = false
    @Flag(help: "Print the JSON schema of the format, for editors; reads no file") var schema = false
    @OptionGroup(title: "Lists") var lists: ListingFlags
    @OptionGroup(title: "Steps to leave out") var leftOut: LoadStepFlags
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: ArgumentHelp("Services; includes their dependencies (default: all)", valueName: "services"))
    var names: [String] = []

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case yaml, json, table

        var variables: VariablesFormat {
            switch self {
            case .yaml: .yaml
            case .json: .json
            case .table: .table
            }
        }
    }

    func validate() throws {
        if format == .table, !lists.variables { throw ValidationError("--format table works only with --variables") }
    }

    func run(in session: Session) throws {
        if schema { return session.stdout.write(composeSchema().text(.pretty(indent: 2))) }
        let listing = lists.listing(format ?? .table)
        var steps = leftOut.steps(compatibility: global.compatibility)
        switch listing {
        case nil, .environment, .hash: break
        case .variables:
            steps.interpolate = false
            steps.resolveEnvironment = false
        // Lists need no env_file, so it may be missing.
        default: steps.resolveEnvironment = false
        }
        var result = try session.loadFiles(services: selection(for: listing, session), steps: steps)
        for warning in result.diagnostics + result.unsupported.map(\.asWarning) {
            session.show(warning, result.sources)
        }
        if listing == nil, resolveImageDigests || lockImageDigests { try pinImages(&result, session) }
        if quiet { return }
        try write(text(of: result, listing, session), session)
    }

    /// The services to load: all of them for lists, except for images and profiles.
    private func selection(for listing: ConfigListing?, _ session: Session) -> [String] {
        if names.isEmpty { return [] }
        switch listing {
        case nil where leftOut.noInterpolate, .variables:
            session.warn("berth shows all services: it selects services only after interpolation")
            return []
        case nil, .images, .profiles: return names
        default: return []
        }
    }

    private func pinImages(_ result: inout LoadResult, _ session: Session) throws {
        let images = ImageReferences.all(in: result)
        if images.isEmpty { return }
        let hosts = Set(images.map(RegistryAccounts.host))
        let request = ResolveRequest(
            references: images, logins: RegistryAccounts(environment: session.environment).logins(at: hosts))
        let resolved = try session.engine.resolveImages(request)
        ImageReferences.replace(Dictionary(zip(images, resolved)) { first, _ in first }, in: &result)
    }

    private func text(of result: LoadResult, _ listing: ConfigListing?, _ session: Session) throws -> String {
        var options = ConfigOptions(services: names, allResources: session.global.allResources)
        options.imagesOnly = lockImageDigests
        guard let listing else {
            return renderConfig(result, format: format == .json ? .json : .yaml, options: options)
        }
        if listing != .images { options.services = [] }
        if case .hash(let names) = listing {
            try session.check(
                services: names.filter { $0 != "*" }, among: result.model["services"]?.mapping?.keys ?? [])
        }
        do throws(Diagnostic) { return try renderListing(result, listing, options: options) } catch {
            throw CommandFailure(error.message, hint: error.hint)
        }
    }

    private func write(_ text: String, _ session: Session) throws {
        guard let output else {
            session.stdout.write(text)
            // JSON has no line break at its end, for programs that read it; on a terminal the prompt needs one.
            if session.stdout.isTerminal, !text.hasSuffix("\n"), !text.isEmpty { session.stdout.line() }
            return
        }
        do throws(SyscallError) { try writeFileAtomically(output, Array(text.utf8), mode: 0o644) } catch {
            throw CommandFailure("cannot write \(output): \(error.code)")
        }
    }
}

extension Diagnostic {
    /// A problem that only matters for running the project is not an error here.
    fileprivate var asWarning: Diagnostic {
        var warning = self
        warning.severity = .warning
        return warning
    }
}
