import ArgumentParser
import Console
import EngineClient
import EngineWire
import JSON
import Linux

/// `berth image`: the image store.
struct ImageVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "List, pull, push, build, change and remove images",
        subcommands: [
            ImageList.self, ImagePull.self, ImagePush.self, ImageImport.self, ImageLoad.self, ImageSave.self,
            ImageTag.self,
            ImageRemove.self,
            ImageInspect.self, ImagePrune.self, ImageBuild.self,
        ])
}

struct ImageList: Verb {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List images", aliases: ["list"])

    @Option(help: "table, json, or a Go template") var format: String?
    @Flag(name: .shortAndLong, help: "Print only ids") var quiet = false
    @Flag(name: .customLong("no-trunc"), help: "Show full ids") var whole = false
    @Flag(help: "Also show the digests that registries know") var digests = false
    @Flag(name: .shortAndLong, help: .hidden) var all = false
    @Option(
        parsing: .unconditionalSingleValue,
        help: "reference=PATTERN, label=KEY[=VALUE] or dangling=true|false")
    var filter: [String] = []
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Only this repository, or repository:tag") var name: String?

    func run(in session: Session) throws {
        let format = try ListFormat(format)
        let wanted = try ListFilter(filter, of: .images)
        let images = try session.engine.images().filter { image in
            isWanted(image.reference)
                && wanted.allows(
                    ["reference": image.reference ?? "", "dangling": "\(image.reference == nil)"],
                    labels: image.labels ?? [:])
        }.sorted { ($0.reference ?? "~", $0.id) < ($1.reference ?? "~", $1.id) }
        let now = session.now
        if quiet {
            var seen = Set<String>()
            let ids = images.map(\.id).filter { seen.insert($0).inserted }
            return session.stdout.write(ids.map { "\(whole ? $0 : ObjectListings.shortID($0))\n" }.joined())
        }
        try session.print(images.map { ObjectListings.fields($0, now: now) }, format: format, shape: .lines) {
            ObjectListings.table(
                images, now: now, whole: whole, digests: digests, width: session.stdout.width)
        }
    }

    private func isWanted(_ reference: String?) -> Bool {
        guard let name else { return true }
        guard let reference else { return false }
        return reference == name || reference.hasPrefix("\(name):") || reference.hasPrefix("\(name)@")
    }
}

struct ImagePull: Verb {
    static let configuration = CommandConfiguration(commandName: "pull", abstract: "Pull an image from its registry")

    @Option(help: "os/architecture[/variant]") var platform: String?
    @Flag(name: .shortAndLong, help: "Do not show progress") var quiet = false
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "The image, as in a Compose file", completion: .images) var reference: String

    func run(in session: Session) throws {
        try session.refuseDryRun("image pull")
        let request = PullRequest(
            reference: reference, platform: platform,
            logins: RegistryAccounts(environment: session.environment).logins(at: [RegistryAccounts.host(of: reference)]
            ))
        let reporter = session.makeReporter(quiet: quiet)
        let operation = RunningOperation(
            try session.engine.pull(request), in: session, reporter: reporter)
        try session.follow(operation, reporter: reporter)
        _ = try session.conclude(operation, try session.unwrap(operation.outcome))
        session.stdout.line(reference)
    }
}

struct ImageTag: Verb {
    static let configuration = CommandConfiguration(commandName: "tag", abstract: "Give an image another name")

    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "The image", completion: .images) var source: String
    @Argument(help: "The new name") var target: String

    func run(in session: Session) throws {
        try session.refuseDryRun("image tag")
        try session.engine.tag(TagRequest(source: source, target: target))
    }
}

struct ImageRemove: Verb {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove images", aliases: ["remove"])

    @Flag(name: .shortAndLong, help: "Remove the name even if containers use the image") var force = false
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Names or ids", completion: .images) var names: [String]

    func run(in session: Session) throws {
        try session.refuseDryRun("image rm")
        var hasFailed = false
        for name in names {
            do throws(EngineFailure) {
                for line in try session.engine.removeImages([name], force: force) { session.stdout.line(line) }
            } catch {
                session.show(error)
                hasFailed = true
            }
        }
        if hasFailed { throw ExitStatus.failure }
    }
}

struct ImageInspect: Verb {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show everything about images as JSON")

    @Option(name: .shortAndLong, help: "A Go template") var format: String?
    @OptionGroup(title: "Global") var global: GlobalOptions
    @Argument(help: "Names or ids", completion: .images) var names: [String]

    func run(in session: Session) throws {
        try session.print(inspected: try names.map { try session.engine.inspect(image: $0) }, format: format)
    }
}

extension Session {
    /// Prints one array, like `docker inspect`, or each value with a template.
    func print(inspected values: [JSONValue], format: String?) throws {
        let all = values.flatMap { $0.array ?? [$0] }
        guard let format, !format.isEmpty, format != "json" else {
            return stdout.write(JSONValue.array(all).text(.pretty(indent: 4)))
        }
        stdout.write(try ListFormat.render(try GoTemplate(format), titled: false, all))
    }
}
