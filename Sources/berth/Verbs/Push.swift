import ArgumentParser
import Console
import EngineClient
import EngineWire
import ProjectModel

/// `berth push`: pushes the images that the project builds to their registries.
struct Push: Verb {
    static let configuration = CommandConfiguration(
        commandName: "push", abstract: "Push the built images of services to their registries")

    @Flag(help: "Continue if an image cannot be pushed") var ignorePushFailures = false
    @Flag(name: .customLong("include-deps"), help: "Also for dependencies of these services") var includeDependencies =
        false
    @Flag(name: .shortAndLong, help: "Do not show progress") var quiet = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)", completion: .services) var services: [String] = []

    func run(in session: Session) throws {
        let project = try session.loadProject(
            services: services, actsOn: .services(dependencies: includeDependencies))
        try session.check(services: services, among: project.services.map(\.name))
        let selected = project.selection(of: services, dependencies: includeDependencies)
        let images = ServiceImages(project.services.filter { selected.contains($0.name) }, in: project.name)
        for (service, reason) in images.skipped where services.contains(service) || images.references.isEmpty {
            session.warn("service \"\(service)\" is not pushed: \(reason)")
        }
        guard !images.references.isEmpty else { return }
        if session.global.dryRun {
            for reference in images.references { session.stdout.line("push \(reference)") }
            return
        }
        try session.push(images.references, ignoresFailures: ignorePushFailures, isQuiet: quiet)
    }
}

/// The images that services build and that have a name with a registry.
struct ServiceImages {
    private(set) var references: [String] = []
    /// Services without such an image, and why.
    private(set) var skipped: [(service: String, reason: String)] = []

    init(_ services: [Service], in project: String) {
        for service in services {
            guard let build = service.build else {
                skipped.append((service.name, "it has no `build:`, so the project does not build its image"))
                continue
            }
            guard let image = service.image, service.hasNamedImage(in: project) else {
                skipped.append((service.name, "it has no `image:` that names a registry"))
                continue
            }
            for name in [image] + build.tags where !references.contains(name) { references.append(name) }
        }
    }
}

/// `berth image push`: pushes one image to its registry.
struct ImagePush: Verb {
    static let configuration = CommandConfiguration(commandName: "push", abstract: "Push an image to its registry")

    @Flag(name: .shortAndLong, help: "Push all tags of the repository") var allTags = false
    @Flag(name: .shortAndLong, help: "Do not show progress") var quiet = false
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "The image; its name contains the registry", completion: .images) var reference: String

    func run(in session: Session) throws {
        try session.refuseDryRun("image push")
        var references = [reference]
        if allTags {
            references = try session.engine.images().compactMap(\.reference).filter { $0.hasPrefix("\(reference):") }
            guard !references.isEmpty else {
                throw CommandFailure("there is no local image of the repository \(reference)")
            }
        }
        try session.push(references, isQuiet: quiet)
        for reference in references { session.stdout.line(reference) }
    }
}

extension Session {
    /// Pushes images with the caller's logins, and shows progress. Shows failures, then throws a status.
    func push(_ references: [String], ignoresFailures: Bool = false, isQuiet: Bool) throws {
        let hosts = Set(references.map(RegistryAccounts.host))
        let request = PushRequest(
            references: references, ignoresFailures: ignoresFailures,
            logins: RegistryAccounts(environment: environment).logins(at: hosts))
        let reporter = makeReporter(quiet: isQuiet)
        let operation = RunningOperation(try engine.push(request), in: self, reporter: reporter)
        try follow(operation, reporter: reporter)
        _ = try conclude(operation, try unwrap(operation.outcome))
    }
}
