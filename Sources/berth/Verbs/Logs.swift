import ArgumentParser
import Console
import EngineClient
import EngineWire
import Linux
import ProjectModel

/// `berth logs`: shows the output of containers.
struct Logs: Verb {
    static let configuration = CommandConfiguration(commandName: "logs", abstract: "Show containers' output")

    @Flag(name: .shortAndLong, help: "Follow new output") var follow = false
    @Option(name: [.customLong("tail"), .customShort("n")], help: "The number of last lines of each container, or all")
    var tail = TailArgument(all: ())
    @Option(parsing: .unconditional, help: "From this time (2026-01-02T15:04:05), or from this long ago (10m)")
    var since: String?
    @Option(parsing: .unconditional, help: "Up to this time, or up to this long ago (10m)") var until: String?
    @Flag(name: .shortAndLong, help: "Show when each line was written") var timestamps = false
    @Option(help: "The replica's number") var index: Int?
    @Flag(name: .customLong("no-log-prefix"), help: "Print lines without prefixes") var noPrefix = false
    @Flag(name: .customLong("no-color"), help: "Do not colour prefixes") var noColour = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "Services (default: all)", completion: .services) var services: [String] = []

    func run(in session: Session) throws {
        var request = LogRequest(
            services: [], index: index, follow: follow, tail: tail.lines,
            since: try since.map { try Self.instant($0, "--since", session.now) },
            until: try until.map { try Self.instant($0, "--until", session.now) })
        let scope = try session.scope(services)
        let (target, named) = (scope.target, scope.named)
        let chosen = scope.chosen.filter { row in
            !row.isOneOff || named.containers.contains { $0.id == row.id }
        }
        request.choose(named)
        if let index, !chosen.contains(where: { $0.number == index }) {
            let name = services.first ?? target.name
            throw CommandFailure("service \"\(name)\" is not running container #\(index)")
        }
        if chosen.isEmpty, !follow {
            if target.project == nil, scope.containers.isEmpty {
                session.warn("no containers for project \"\(target.name)\"")
            }
            return
        }
        let project = try target.project ?? session.engine.storedProject(target.name)?.project
        let printer = LogPrinter(
            stdout: session.stdout, stderr: session.stderr,
            style: noColour ? Style(isColoured: false) : session.style,
            options: LogPrinter.Options(prefix: !noPrefix, timestamps: timestamps, mergesErrors: true),
            services: project?.services.map(\.name) ?? Set(scope.containers.map(\.service)).sorted(),
            labels: chosen.map { Self.label(of: $0) })
        let stream = try session.engine.logs(request, of: target.name)
        // Show a named service completely; of other services only the named containers.
        let own = named.containers.isEmpty ? nil : Set(chosen.map(\.name))
        while let lines = try stream.nextBatch() {
            printer.print(own.map { own in lines.filter { own.contains($0.container) } } ?? lines)
        }
        printer.finish()
    }

    /// `web-1`, or the container's own name.
    static func label(of row: ContainerRow) -> String {
        let prefix = "\(row.project)-"
        return row.name.hasPrefix(prefix) ? String(row.name.dropFirst(prefix.count)) : row.name
    }

    static func instant(_ text: String, _ flag: String, _ now: Double) throws -> Double {
        do throws(InstantArgument.Invalid) {
            return try InstantArgument.parse(text, now: now, offset: CallingProcess.localOffset)
        } catch {
            throw UsageFailure(
                "invalid value for \(flag): \"\(error.text)\"",
                hint: "write a time (2026-01-02T15:04:05, with Z or +01:00 if not local) or how long ago (10m, 1h30m)"
            )
        }
    }
}

extension LogRequest {
    /// Requests the services of everything that is named; if only a single container is named, no more than its
    /// service.
    fileprivate mutating func choose(_ named: NamedContainers) {
        services = named.services + Set(named.containers.map(\.service)).subtracting(named.services).sorted()
        includeAll = named.containers.contains(where: \.isOneOff)
        if named.services.isEmpty, named.containers.count == 1, let number = named.containers[0].number {
            index = number
        }
    }
}

extension TailArgument {
    init(all: Void) { lines = nil }
}
