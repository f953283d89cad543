import Console
import EngineClient
import EngineWire
import ProjectModel

/// The Compose files do not form a valid project.
struct ProjectFailure: Error, Equatable, CustomStringConvertible {
    /// The complete text for a person, with places and hints.
    let text: String
    var description: String { text }
    /// For programs: one JSON object for each diagnostic.
    var lines: [String]
}

/// The project that a verb acts on: from its file, or only by name.
struct ProjectTarget {
    let name: String
    /// nil when only the name was given: then the engine's stored copy applies.
    let project: Project?
}

extension Session {
    /// The project whose name was given, without reading a file, or the one in the folder.
    func target() throws -> ProjectTarget {
        guard global.files.isEmpty, let name = givenName else {
            do {
                let project = try loadProject()
                return ProjectTarget(name: project.name, project: project)
            } catch let failure as ProjectFailure {
                let hint = "without the file you can act on what already runs: berth --project-name NAME …"
                throw ProjectFailure(
                    text: "\(failure.text)\n  \(errorStyle(.cyan, "hint:")) \(hint)", lines: failure.lines)
            }
        }
        guard Self.isProjectName(name) else {
            throw UsageFailure(
                "\"\(name)\" cannot be a project's name",
                hint: "use lower-case letters, digits, - and _, a letter or digit first")
        }
        return ProjectTarget(name: name, project: nil)
    }

    /// `--project-name`, or else COMPOSE_PROJECT_NAME; an empty value counts as not given.
    private var givenName: String? {
        [global.projectName, environment["COMPOSE_PROJECT_NAME"]].compactMap { $0 }.first { !$0.isEmpty }
    }

    static func isProjectName(_ name: String) -> Bool {
        let isAllowed = { (byte: UInt8) in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x5F
        }
        guard let first = name.utf8.first, first != 0x2D, first != 0x5F else { return false }
        return name.utf8.allSatisfy(isAllowed)
    }

    /// Refuses a service that the project does not have.
    func check(services: [String], among known: some Sequence<String>) throws {
        let known = Set(known)
        for name in services where !known.contains(name) {
            if let service = Self.service(ofContainer: name, among: known) {
                throw CommandFailure(
                    "no such service: \(name)", hint: "it is a container's name; its service is \(service)")
            }
            throw CommandFailure(
                "no such service: \(name)\(Suggestion.question(for: name, among: known.sorted()))",
                hint: known.isEmpty ? nil : "services: \(known.sorted().joined(separator: ", "))")
        }
    }

    /// Extracts `web` from `shop-web-1` and `web-1`.
    private static func service(ofContainer name: String, among known: Set<String>) -> String? {
        guard let dash = name.lastIndex(of: "-"), Int(name[name.index(after: dash)...]) != nil else { return nil }
        let stem = name[..<dash]
        return known.filter { stem == $0 || stem.hasSuffix("-\($0)") }.max { $0.count < $1.count }
    }

    /// Services in the file or in the engine's copy of it, and those that only have containers.
    func knownServices(of target: ProjectTarget, containers: [ContainerRow]) throws -> Set<String> {
        let project = try target.project ?? engine.storedProject(target.name)?.project
        return Set(containers.map(\.service) + (project.map { $0.services.map(\.name) + $0.disabledServices } ?? []))
    }

    /// The container for `exec`, `attach` and `port`: the one called `name`, or else the container of the service
    /// `name` with the lowest number, or with `index`. As in docker compose, 0 counts as not given.
    func container(of name: String, index: Int?) throws -> ContainerRow {
        let index = index == 0 ? nil : index
        let scope: Scope
        do { scope = try self.scope([name]) } catch {
            guard index == nil, let row = freeContainer(name) else { throw error }
            if row.state == .running { return row }
            let verb = row.state == .paused ? "unpause" : "start"
            throw CommandFailure(
                "container \(row.name) is not running: \(ContainerText.explainedStatus(row, now: now))",
                hint: "berth container \(verb) \(row.name)")
        }
        let candidates = scope.chosen.filter { !scope.named.containers.isEmpty || !$0.isOneOff }
            .filter { index == nil || $0.number == index }
            .sorted { ($0.number ?? 0) < ($1.number ?? 0) }
        if let running = candidates.first(where: { $0.state == .running }) { return running }
        if let paused = candidates.first(where: { $0.state == .paused }) {
            throw CommandFailure("\(paused.name) is paused", hint: "berth unpause \(paused.service)")
        }
        let place = index.map { " container #\($0)" } ?? ""
        let status = candidates.first.map { ": \(ContainerText.explainedStatus($0, now: now))" } ?? ""
        if let ended = scope.named.containers.first {
            throw CommandFailure(
                "container \(ended.name) is not running\(status)",
                hint: ended.isOneOff ? nil : "berth up -d \(ended.service)")
        }
        let numbers = scope.chosen.filter { !$0.isOneOff }.compactMap(\.number).sorted().map(String.init)
        throw CommandFailure(
            "service \"\(name)\" is not running\(place)\(status)",
            hint: candidates.isEmpty && !numbers.isEmpty
                ? "its containers have the numbers \(numbers.joined(separator: ", "))" : "berth up -d \(name)")
    }
}
