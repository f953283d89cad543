import ArgumentParser
import Console
import EngineClient
import EngineWire
import Linux

/// `berth cp`: copies files into and out of containers, running or not.
struct Copy: Verb {
    static let configuration = CommandConfiguration(
        commandName: "cp", abstract: "Copy files between containers and this machine")

    @Flag(name: .shortAndLong, help: "Keep the owners and groups of files that are copied out") var archive = false
    @Flag(
        name: [.customLong("follow-link"), .customShort("L")], help: "If the source is a link, copy its target")
    var followsLink = false
    @Option(help: "The replica's number (default: the lowest)") var index: Int?
    @Flag(help: "Copy to every container of the service, including those of run") var all = false
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "SERVICE:PATH, a path, or - for a tar from standard input") var source: String
    @Argument(help: "A path, or - for a tar to standard output, or SERVICE:PATH") var target: String

    func run(in session: Session) throws {
        try session.refuseDryRun("cp")
        switch (CopyPlace(source), CopyPlace(target)) {
        case (.container(let name, let path), .local(let folder)): try copyOut(name, path, to: folder, session)
        case (.container(let name, let path), .stream):
            let container = try container(name, session)
            let (path, _) = try follow(path, in: container, session)
            try session.engine.archive(ArchiveRequest(path: path, .out(name: Self.name(path))), of: container.id)
                .receiveArchive(into: 1)
        case (.local(let path), .container(let name, let folder)):
            let (parent, own, found) = try local(path)
            guard found.exists else { throw CommandFailure("\(path): no such file or folder") }
            for container in try containers(name, session) {
                let target = try end(folder, in: container, session)
                let route = try CopyRoute(from: found, to: target)
                try CopyHelper.pack(
                    route.name.isEmpty ? "" : own, of: route.name.isEmpty ? path : parent, as: route.name,
                    environment: session.environment
                ) { try send($0, to: route.folder, in: container, session) }
            }
        case (.stream, .container(let name, let folder)):
            guard !all else { throw UsageFailure("only one container can read standard input: leave out --all") }
            let container = try container(name, session)
            let target = try end(folder, in: container, session)
            guard target.isFolder else { throw CommandFailure("\(folder): not a folder in \(container.name)") }
            try send(0, to: target.path, in: container, session)
        case (.container, .container):
            throw UsageFailure(
                "copying between containers is not supported",
                hint: "copy out and in: berth cp A:PATH - | berth cp - B:FOLDER")
        default:
            throw UsageFailure(
                "one side must be a container", hint: "berth cp SERVICE:PATH FILE, or berth cp FILE SERVICE:PATH")
        }
    }

    private func send(_ descriptor: CInt, to folder: String, in container: ContainerRow, _ session: Session) throws {
        try session.engine.archive(ArchiveRequest(path: folder, .into(keepsKinds: true)), of: container.id)
            .sendArchive(from: descriptor)
    }

    private func copyOut(_ name: String, _ given: String, to folder: String, _ session: Session) throws {
        let container = try container(name, session)
        let (path, row) = try follow(given, in: container, session)
        let source = CopyEnd(path: path, exists: true, isFolder: row.isFolder)
        let (_, _, target) = try local(folder)
        let route = try CopyRoute(from: source, to: target)
        let stream = try session.engine.archive(
            ArchiveRequest(path: path, .out(name: route.name)), of: container.id)
        try CopyHelper.unpack(
            into: route.folder, keepsOwners: archive && CallingProcess.isRoot, environment: session.environment
        ) { try stream.receiveArchive(into: $0) }
    }

    private static func name(_ path: String) -> String {
        path.hasSuffix("/.") ? "" : path.split(separator: "/").last.map(String.init) ?? ""
    }

    // MARK: The two sides

    /// The folder of a local path, its name there, and its kind. Follows a link if requested, or if it leads to a
    /// folder.
    private func local(_ path: String) throws -> (folder: String, name: String, end: CopyEnd) {
        let kind =
            followsLink || path.hasSuffix("/") || path.hasSuffix("/.") || path == "."
            ? PathKind.following(path) : PathKind.of(path)
        let end = CopyEnd(path: path, exists: kind != .nothing, isFolder: kind == .folder)
        guard followsLink, let real = PathKind.real(path) else { return Self.split(path, end) }
        return Self.split(real, end)
    }

    private static func split(_ path: String, _ end: CopyEnd) -> (folder: String, name: String, end: CopyEnd) {
        var text = path[...]
        while text.count > 1, text.hasSuffix("/") { text = text.dropLast() }
        guard let slash = text.lastIndex(of: "/") else { return (".", String(text), end) }
        let folder = slash == text.startIndex ? "/" : String(text[..<slash])
        return (folder, String(text[text.index(after: slash)...]), end)
    }

    /// The kind of a path in a container; follows links at its end, even if the target does not exist.
    private func end(_ given: String, in container: ContainerRow, _ session: Session) throws -> CopyEnd {
        var path = given
        for _ in 0..<40 {
            let row: FileRow
            do throws(EngineFailure) { row = try session.engine.file(path, in: container.id) } catch {
                guard error.code == .notFound else { throw error }
                return CopyEnd(path: path, exists: false, isFolder: false)
            }
            guard let target = row.linkTarget else {
                return CopyEnd(path: path, exists: true, isFolder: row.isFolder)
            }
            path = Self.joined(path, target)
        }
        throw CommandFailure("\(given): too many links")
    }

    private func follow(
        _ given: String, in container: ContainerRow, _ session: Session
    ) throws -> (path: String, row: FileRow) {
        var path = given
        for _ in 0..<40 {
            let row = try session.engine.file(path, in: container.id)
            guard followsLink, let target = row.linkTarget else { return (path, row) }
            path = Self.joined(path, target)
        }
        throw CommandFailure("\(given): too many links")
    }

    /// The target of a link at `path`.
    private static func joined(_ path: String, _ target: String) -> String {
        if target.hasPrefix("/") { return target }
        let folder = path.split(separator: "/").dropLast().joined(separator: "/")
        return "/\(folder)/\(target)"
    }

    private func container(_ name: String, _ session: Session) throws -> ContainerRow {
        guard let row = try containers(name, session).first else { throw CommandFailure("no such container: \(name)") }
        return row
    }

    /// Running or not; the one with the lowest number, unless all are requested.
    private func containers(_ name: String, _ session: Session) throws -> [ContainerRow] {
        try session.anyContainers(of: name, index: index, all: all)
    }
}

extension Session {
    /// The containers that `name` refers to, running or not: the one with that name, or else the service's container
    /// with the lowest number, or with `index`; with `all` all of them, including one-offs.
    func anyContainers(of name: String, index: Int? = nil, all: Bool = false) throws -> [ContainerRow] {
        let scope: Scope
        do { scope = try self.scope([name]) } catch {
            guard index == nil, let row = freeContainer(name) else { throw error }
            return [row]
        }
        let chosen = scope.chosen.filter { all || !scope.named.containers.isEmpty || !$0.isOneOff }
            .filter { index == nil || $0.number == index }
            .sorted { ($0.isOneOff ? 1 : 0, $0.number ?? 0) < ($1.isOneOff ? 1 : 0, $1.number ?? 0) }
        guard let first = chosen.first else {
            let place = index.map { " #\($0)" } ?? ""
            throw CommandFailure("service \"\(name)\" has no container\(place)", hint: "berth create \(name)")
        }
        return all ? chosen : [first]
    }
}
