import BuildContext
import Console
import Dockerfile
import EngineClient
import EngineWire
import Linux
import ProjectModel

/// The builds of a project's services.
struct ServiceBuilds {
    let project: Project
    let session: Session
    /// `--build-arg`; these override those of the file.
    var arguments: [String: String] = [:]
    /// A step that fails opens a shell.
    var debugs = false
    var noCache = false
    var pull = false
    /// `--ssh`.
    var agents: [String: String] = [:]
    /// The images will run on this machine.
    var isForRunning = false
    /// `--cache-from` and `--cache-to`, in addition to those of the file.
    var cacheFrom: [String] = []
    var cacheTo: [String] = []

    /// The builds of `services` and of the services whose images they use, in an order in which each finds what it
    /// needs.
    func wishes(for services: [String]) throws -> [BuildWish] {
        var done: [String: Int] = [:]
        var path: [String] = []
        var wishes: [BuildWish] = []
        func visit(_ name: String) throws {
            if path.contains(name) {
                throw CommandFailure(
                    "builds depend on each other: \((path + [name]).joined(separator: " → "))",
                    hint: "check `additional_contexts:` of these services")
            }
            guard let service = project.service(name), let build = service.build, done[name] == nil else { return }
            path.append(name)
            defer { path.removeLast() }
            for value in build.additionalContexts.values.sorted() where value.hasPrefix("service:") {
                try visit(String(value.dropFirst("service:".count)))
            }
            done[name] = wishes.count
            wishes.append(try wish(of: service, build, done))
        }
        for name in services.sorted() { try visit(name) }
        // Show a remark that several services share only once.
        var told: Set<String> = []
        for remark in wishes.flatMap(\.remarks) where told.insert(remark).inserted { session.warn(remark) }
        return wishes
    }

    /// `before`: the indices of the builds before it, by service.
    private func wish(
        of service: Service, _ build: BuildDefinition, _ before: [String: Int]
    ) throws -> BuildWish {
        let name = service.name
        let (context, owner) = try folder(of: build.context, "service \"\(name)\": the build context \(build.context)")
        let dockerfile: BuildWish.Dockerfile
        if let text = build.inline {
            dockerfile = .text(text, name: "\(name).dockerfile_inline")
        } else {
            let file = build.dockerfile ?? "Dockerfile"
            let path = file.hasPrefix("/") ? file : "\(context)/\(file)"
            dockerfile = .file(path, name: owner == nil ? shown(path) : file)
        }
        let given = build.arguments.merging(arguments) { $1 }
        var wish = try BuildWish(
            title: name, dockerfile, context: context, shown: build.context, owner: owner, arguments: given,
            target: build.target)
        wish.service = name
        wish.request.tags = [service.image ?? "\(project.name)-\(name)"] + build.tags
        wish.request.labels = build.labels
        wish.request.labels["com.docker.compose.project"] = project.name
        wish.request.labels["com.docker.compose.service"] = name
        wish.request.labels["com.docker.compose.version"] = WireVersion.product
        wish.request.platform = try platform(of: service, build)
        wish.request.pull = build.pull || pull
        wish.request.debugs = debugs
        wish.request.noCache = build.noCache || noCache
        wish.request.noCacheFilter = build.noCacheFilter
        wish.request.extraHosts = build.extraHosts
        wish.request.shmSize = build.shmSize
        wish.request.ulimits = build.ulimits
        wish.request.allowsInsecure = build.privileged || build.entitlements.contains("security.insecure")
        wish.request.allowsHostNetwork = build.network == "host" || build.entitlements.contains("network.host")
        if let network = build.network, !network.isEmpty, network != "default" {
            // A network of the project by its key, or any network by its name.
            wish.request.network = project.networks[network]?.name ?? network
        }
        let unread = build.withoutEffect
        if !unread.isEmpty {
            session.warn("service \"\(name)\": under build, \(unread.joined(separator: ", ")) has no effect yet")
        }
        wish.request.epoch = try BuildEpoch.value(given, session.environment)
        do throws(UsageFailure) {
            try session.addCaches(from: build.cacheFrom + cacheFrom, to: build.cacheTo + cacheTo, to: &wish)
        } catch { throw CommandFailure("service \"\(name)\": \(error.message)", hint: error.hint) }
        try addContexts(build, service, before, to: &wish)
        wish.request.agents = try session.agents(build.ssh).merging(agents) { $1 }
        wish.request.secrets = try build.secrets.map { try secret($0, of: service) }
        return wish
    }

    /// The platform to build for: this machine's if the image will run here, otherwise the requested one.
    private func platform(of service: Service, _ build: BuildDefinition) throws -> String? {
        let asked = service.platform ?? session.environment["DOCKER_DEFAULT_PLATFORM"]
        guard build.platforms.count > 1 else { return service.platform ?? build.platforms.first ?? asked }
        if let asked, build.platforms.contains(asked) { return asked }
        // nil means the machine's own.
        guard !isForRunning else { return nil }
        throw CommandFailure(
            "service \"\(service.name)\": images of several platforms cannot be built at once: \(build.platforms.joined(separator: ", "))",
            hint: "choose one: `DOCKER_DEFAULT_PLATFORM=\(build.platforms[0]) berth build`")
    }

    /// The folder of a context: the context itself, or one with a clone of the repository.
    private func folder(of context: String, _ what: String) throws -> (String, TemporaryFolder?) {
        if context.hasPrefix("/") { return (context, nil) }
        guard let source = GitSource(context) else {
            throw CommandFailure(
                "\(what) cannot be read",
                hint: "name a folder, or a git repository such as https://host/repo.git#branch:folder")
        }
        let fetched = try session.fetch(source)
        return (fetched.path, fetched.folder)
    }

    /// As short as a person would write it.
    private func shown(_ path: String) -> String {
        let base = "\(session.workingDirectory)/"
        return path.hasPrefix(base) ? String(path.dropFirst(base.count)) : path
    }

    private func addContexts(
        _ build: BuildDefinition, _ service: Service, _ before: [String: Int], to wish: inout BuildWish
    ) throws {
        for (name, value) in build.additionalContexts {
            if try session.addLayout(value, as: name, to: &wish) { continue }
            if value.hasPrefix("docker-image://") {
                wish.request.contexts[name] = .image(String(value.dropFirst("docker-image://".count)))
            } else if value.hasPrefix("service:") {
                let other = String(value.dropFirst("service:".count))
                wish.request.contexts[name] =
                    before[other].map { .build($0) }
                    ?? .image(project.service(other)?.image ?? "\(project.name)-\(other)")
            } else {
                let (path, owner) = try folder(
                    of: value, "service \"\(service.name)\": the context \(name) = \(value)")
                wish.request.contexts[name] = .folder(value)
                wish.contexts[name] = try BuildWish.folder(path, name, owner: owner)
            }
        }
    }

    private func secret(_ mount: FileMount, of service: Service) throws -> BuildRequest.Secret {
        let prefix = "/run/secrets/"
        let id = mount.target.hasPrefix(prefix) ? String(mount.target.dropFirst(prefix.count)) : mount.source
        switch project.secrets[mount.source]?.source {
        case .file(let path):
            do throws(SyscallError) { return .init(id: id, content: try readFile(path, limit: 500 << 10)) } catch {
                throw CommandFailure(
                    "service \"\(service.name)\": the secret \(mount.source) cannot be read: \(path): \(error.code)")
            }
        case .content(let text): return .init(id: id, content: Array(text.utf8))
        default:
            throw CommandFailure(
                "service \"\(service.name)\": the secret \(mount.source) has no content for a build",
                hint: "give it `file:` or `environment:` under `secrets:`")
        }
    }
}

extension BuildWish {
    /// An additional context, with its own .dockerignore.
    static func folder(_ path: String, _ name: String, owner: (any AnyObject & Sendable)? = nil) throws -> ContextFolder
    {
        var findings = Findings(file: "\(path)/.dockerignore")
        let ignored = (try? readFile(findings.file, limit: 4 << 20)).map {
            IgnoreFile(file: findings.file, bytes: $0, findings: &findings)
        }
        do throws(SyscallError) {
            return try ContextFolder(path, ignoring: ignored ?? IgnoreFile(), owner: owner)
        } catch {
            throw CommandFailure("the build context \(name) = \(path) cannot be read: \(error.code)")
        }
    }
}

/// SOURCE_DATE_EPOCH.
enum BuildEpoch {
    static func value(_ arguments: [String: String], _ environment: [String: String]) throws -> Int64? {
        guard let text = arguments["SOURCE_DATE_EPOCH"] ?? environment["SOURCE_DATE_EPOCH"], !text.isEmpty else {
            return nil
        }
        guard let seconds = Int64(text), seconds >= 0 else {
            throw CommandFailure("SOURCE_DATE_EPOCH is \"\(text)\"; expected a number of seconds since 1970")
        }
        return seconds
    }
}

/// What `up`, `create` and `run` build first.
enum BuildChoice {
    /// Services whose image is missing, or that request it (`pull_policy: build`).
    case missing
    /// `--build`.
    case all
    /// `--no-build`.
    case none
}

extension Session {
    /// The services in `services` to build now, each with the reason.
    func neededBuilds(
        _ project: Project, _ services: [String], dependencies: Bool, _ choice: BuildChoice
    ) throws -> [(service: String, reason: String)] {
        let selected = project.selection(of: services, dependencies: dependencies)
        let candidates = project.services.filter { selected.contains($0.name) && $0.hasBuild }
        guard !candidates.isEmpty, choice != .none else { return [] }
        if choice == .all { return candidates.map { ($0.name, "--build") } }
        var here: Set<String> = []
        for row in try engine.images() { if let reference = row.reference { here.insert(Self.plain(reference)) } }
        return candidates.compactMap { service in
            if service.pullPolicy == .build { return (service.name, "pull_policy: build") }
            let image = service.image ?? "\(project.name)-\(service.name)"
            return here.contains(Self.plain(image)) ? nil : (service.name, "there is no image \(image)")
        }
    }

    /// For a dry run: the services that would be built, and why; nil for none.
    func plannedBuilds(
        _ project: Project, _ services: [String], dependencies: Bool, _ choice: BuildChoice
    ) throws -> [String: String]? {
        let needed = try neededBuilds(project, services, dependencies: dependencies, choice)
        return needed.isEmpty ? nil : Dictionary(needed.map { ($0.service, $0.reason) }) { first, _ in first }
    }

    /// `busybox`, `busybox:latest` and `docker.io/library/busybox` are the same.
    private static func plain(_ image: String) -> String {
        var name = image[...]
        for prefix in ["docker.io/", "library/"] where name.hasPrefix(prefix) { name = name.dropFirst(prefix.count) }
        let last = name.split(separator: "/").last ?? ""
        return last.contains(":") || name.contains("@") ? String(name) : "\(name):latest"
    }

    /// Builds what `up` needs, if anything.
    func buildMissing(
        _ project: Project, _ services: [String], dependencies: Bool, _ choice: BuildChoice, isQuiet: Bool
    ) throws {
        guard !global.dryRun else { return }
        let needed = try neededBuilds(project, services, dependencies: dependencies, choice)
        guard !needed.isEmpty else { return }
        var builds = ServiceBuilds(project: project, session: self)
        builds.isForRunning = true
        let wishes = try builds.wishes(for: needed.map(\.service))
        _ = try build(wishes, BuildShow(isQuiet: isQuiet, warnings: false))
    }
}
