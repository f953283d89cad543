import ArgumentParser
import Console
import EngineClient
import EngineWire
import JSON
import Linux
import ProjectModel

/// `berth image build`: builds an image from a folder with a Dockerfile, like `docker build`.
struct ImageBuild: Verb {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Build an image from a folder with a Dockerfile",
        discussion:
            """
            The context is a folder, a git repository (https://host/repo.git#branch:folder), or - for a Dockerfile or a tar on \
            standard input. -f names the Dockerfile (default: Dockerfile in the folder).
            """)

    @Option(name: .shortAndLong, parsing: .unconditionalSingleValue, help: "A name for the image") var tag: [String] =
        []
    @Option(name: [.customShort("f"), .customLong("dockerfile")], help: "The Dockerfile, - for standard input")
    var dockerfile: String?
    @Option(help: "The stage to build (default: the last)") var target: String?
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A build argument; without a value, the value in the environment", valueName: "name=value"))
    var buildArg: [String] = []
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "An additional context: name=path, name=docker-image://image, name=oci-layout://folder",
            valueName: "name=value"))
    var buildContext: [String] = []
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
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A secret: id=ID,src=FILE or id=ID,env=VARIABLE", valueName: "fields"))
    var secret: [String] = []
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("An SSH agent for the steps: default, or id=SOCKET", valueName: "agent"))
    var ssh: [String] = []
    @Option(name: .shortAndLong, parsing: .unconditionalSingleValue, help: "A label of the image: KEY=VALUE") var label:
        [String] = []
    @Option(parsing: .unconditionalSingleValue, help: "A line of /etc/hosts: host:address") var addHost: [String] = []
    @Option(parsing: .unconditionalSingleValue, help: "Allow steps with network.host or security.insecure") var allow:
        [String] = []
    @Option(help: "The network of the steps: default, none, host or a name") var network: String?
    @Option(help: "os/architecture[/variant]") var platform: String?
    @Option(
        name: .shortAndLong, parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Where to write the result: a folder, - for a tar, or type=local|tar|oci|docker|image|registry,dest=PATH",
            valueName: "where"))
    var output: [String] = []
    @Option(help: "Write digests and names to this file as JSON") var metadataFile: String?
    @Option(parsing: .unconditionalSingleValue, help: "An annotation of the image's manifest: KEY=VALUE")
    var annotation: [String] = []
    @Option(help: .hidden) var provenance: String?
    @Option(help: .hidden) var sbom: String?
    @Option(parsing: .unconditionalSingleValue, help: .hidden) var attest: [String] = []
    @Option(help: .hidden) var builder: String?
    @Flag(help: "Push the image to the registries of its names") var push = false
    @Flag(help: .hidden) var load = false
    @Option(name: .customLong("iidfile"), help: "Write the image's id to this file") var idFile: String?
    @Option(
        name: .customLong("no-cache-filter"), parsing: .unconditionalSingleValue,
        help: "A stage to build without the cache")
    var noCacheFilter: [String] = []
    @Flag(name: .customLong("no-cache"), help: "Do not use the cache") var noCache = false
    @Flag(name: .customLong("pull"), help: "Check registries for newer base images") var pullsBases = false
    @Flag(help: "Give all reasons why a step was not taken from the cache") var why = false
    @Flag(help: "Only check the Dockerfile and report what could be better") var check = false
    @Flag(help: "When a step fails, open a shell in the state in which it failed") var debug = false
    @Flag(name: .shortAndLong, help: "Print only the image's id") var quiet = false
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "A folder, a git repository, or -") var context: String

    func run(in session: Session) throws {
        try session.refuseDryRun("image build")
        if debug { try session.checkDebug() }
        try session.check(names: tag)
        var wish = try wish(in: session)
        if !output.isEmpty { wish.outputs = try output.map { try BuildOutputWish($0, in: session) } }
        if push, !wish.outputs.contains(where: { $0.kind == .image }) {
            wish.outputs.append(BuildOutputWish(kind: .image))
        }
        try session.addCaches(from: cacheFrom, to: cacheTo, to: &wish)
        wish.request.tags += wish.outputs.flatMap(\.names).filter { !tag.contains($0) }
        let isPushed = push || wish.outputs.contains(where: \.isPushed)
        guard !isPushed || !wish.request.tags.isEmpty else {
            throw UsageFailure(
                "an image needs a name to be pushed", hint: "name it with -t REGISTRY/NAME:TAG")
        }
        if check { return try session.check([wish]) }
        session.tellAttestations(provenance, sbom, attest)
        for remark in wish.remarks { session.warn(remark) }
        let images = try session.build([wish], BuildShow(isQuiet: quiet, why: why))
        guard let image = images.first else { return }
        if isPushed { try session.push(wish.request.tags, isQuiet: quiet) }
        if let idFile { try session.write(image.id, to: idFile) }
        if let metadataFile {
            var object = JSONObject()
            object["containerimage.config.digest"] = .string(image.id)
            object["containerimage.digest"] = .string(image.manifest)
            let names = wish.request.tags
            if !names.isEmpty { object["image.name"] = .string(names.joined(separator: ",")) }
            try session.write("\(JSONValue.object(object).text())\n", to: metadataFile)
        }
        if quiet { session.stdout.line(image.id) }
    }

    private func wish(in session: Session) throws -> BuildWish {
        let arguments = BuildArgumentValues(buildArg, session.environment).values
        let found = try source(in: session)
        var wish = try BuildWish(
            title: tag.first ?? "build", found.dockerfile, context: found.folder,
            shown: found.owner == nil ? nil : context, owner: found.owner, arguments: arguments, target: target)
        wish.request.annotations =
            KeyedValues(
                labels: annotation.map { $0.hasPrefix("manifest:") ? String($0.dropFirst("manifest:".count)) : $0 }
            ).values
        wish.request.tags = tag
        wish.request.labels = KeyedValues(labels: label).values
        wish.request.debugs = debug
        wish.request.noCache = noCache
        wish.request.noCacheFilter = noCacheFilter.flatMap { $0.split(separator: ",").map(String.init) }
        wish.request.pull = pullsBases
        if let platform, platform.contains(",") {
            throw UsageFailure(
                "--platform \(platform): images of several platforms cannot be built at once",
                hint: "build one platform after the other, each with its own tag")
        }
        wish.request.platform = platform ?? session.environment["DOCKER_DEFAULT_PLATFORM"]
        wish.request.network = network == "default" ? nil : network
        wish.request.allowsInsecure = allow.contains("security.insecure")
        wish.request.allowsHostNetwork = allow.contains("network.host") || network == "host"
        wish.request.epoch = try BuildEpoch.value(arguments, session.environment)
        for line in addHost {
            guard let place = line.firstIndex(where: { $0 == ":" || $0 == "=" }) else {
                throw UsageFailure("--add-host \(line): write host:address")
            }
            wish.request.extraHosts.append(
                ExtraHost(host: String(line[..<place]), addresses: [String(line[line.index(after: place)...])]))
        }
        for (name, value) in try KeyedValues("--build-context", buildContext).values {
            if try session.addLayout(value, as: name, to: &wish) { continue }
            if value.hasPrefix("docker-image://") {
                wish.request.contexts[name] = .image(String(value.dropFirst("docker-image://".count)))
            } else {
                let folder = try session.contextFolder(value, name)
                wish.request.contexts[name] = .folder(folder.shown)
                wish.contexts[name] = folder.context
            }
        }
        wish.request.agents = try session.agents(ssh)
        wish.request.secrets = try secret.map { try Self.secret($0, session) }
        return wish
    }

    private static func secret(_ text: String, _ session: Session) throws -> BuildRequest.Secret {
        var fields: [String: String] = [:]
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
            if pair.count == 2 { fields[pair[0]] = pair[1] }
        }
        guard let id = fields["id"] else {
            throw UsageFailure("--secret \(text): it has no id", hint: "write --secret id=ID,src=FILE")
        }
        if let path = fields["src"] ?? fields["source"] {
            do throws(SyscallError) {
                return .init(id: id, content: try readFile(session.absolute(path), limit: 500 << 10))
            } catch {
                throw CommandFailure("the secret \(id) cannot be read: \(path): \(error.code)")
            }
        }
        let variable = fields["env"] ?? id
        guard let value = session.environment[variable] else {
            throw CommandFailure("the secret \(id) is missing: the variable \(variable) is not set")
        }
        return .init(id: id, content: Array(value.utf8))
    }
}

extension Session {
    func write(_ text: String, to path: String) throws {
        do throws(SyscallError) { try writeFileAtomically(absolute(path), Array(text.utf8), mode: 0o644) } catch {
            throw CommandFailure("\(path) cannot be written: \(error.code)")
        }
    }

    /// Warns those who request attestations that there are none.
    func tellAttestations(_ provenance: String?, _ sbom: String?, _ others: [String] = []) {
        let asked = [("--provenance", provenance), ("--sbom", sbom)].filter {
            $0.1 != nil && $0.1 != "false" && $0.1 != "0"
        }
        for name in asked.map(\.0) + others.map({ "--attest \($0)" }) {
            warn("\(name): berth does not create attestations; the image is built without them")
        }
    }

    /// `path` relative to the caller's working directory, as an absolute path.
    func absolute(_ path: String) -> String {
        let whole = path.hasPrefix("/") ? path : "\(workingDirectory)/\(path)"
        var parts: [Substring] = []
        for part in whole.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
