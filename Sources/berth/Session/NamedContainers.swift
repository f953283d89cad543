import Console
import EngineClient
import EngineWire
import ProjectModel

/// The services or single containers that a verb's arguments name; containers as `ps` and `logs` show them.
struct NamedContainers {
    /// Names of services; if `containers` is empty too, every service is meant.
    var services: [String] = []
    /// Containers that were named individually.
    var containers: [ContainerRow] = []

    var isEmpty: Bool { services.isEmpty && containers.isEmpty }

    /// Whether a container is meant: by its service, by its own name, or because nothing was named.
    func contains(_ row: ContainerRow) -> Bool {
        isEmpty || services.contains(row.service) || containers.contains { $0.id == row.id }
    }

    /// The services, for verbs that act only on whole services.
    /// - Throws: when some but not all containers of a service were named.
    func wholeServices(among all: [ContainerRow]) throws -> [String] {
        var result = services
        for row in containers where !result.contains(row.service) {
            let replicas = all.filter { $0.service == row.service && !$0.isOneOff }
            if row.isOneOff {
                throw CommandFailure(
                    "`run` created \(row.name), but this verb acts on services",
                    hint: "`berth rm -sf \(row.name)` stops and removes it")
            }
            guard replicas.allSatisfy({ replica in containers.contains { $0.id == replica.id } }) else {
                throw CommandFailure(
                    "\(row.name) is one of \(replicas.count) containers of the service \"\(row.service)\"; this verb acts on "
                        + "all of them",
                    hint: "name the service, \(row.service), or reduce its replicas: "
                        + "`berth scale \(row.service)=\(replicas.count - 1)`")
            }
            result.append(row.service)
        }
        return result
    }
}

/// The project that a verb acts on, its containers, and which of them the arguments name.
struct Scope {
    let target: ProjectTarget
    let containers: [ContainerRow]
    let named: NamedContainers

    /// The named containers.
    var chosen: [ContainerRow] { containers.filter(named.contains) }
}

extension Session {
    /// Resolves `names`: services of the project, or else its containers, or else containers of another project by
    /// their full names, which needs no Compose file.
    func scope(_ names: [String], in given: ProjectTarget? = nil) throws -> Scope {
        let target: ProjectTarget
        do { target = try given ?? self.target() } catch let failure as ProjectFailure {
            guard let foreign = foreignProject(of: names) else { throw failure }
            return try scope(names, in: foreign)
        }
        let containers = try engine.containers(of: target.name, all: true)
        if names.isEmpty { return Scope(target: target, containers: containers, named: NamedContainers()) }
        let known = try knownServices(of: target, containers: containers)
        var named = NamedContainers()
        for name in names {
            if known.contains(name) {
                named.services.append(name)
            } else if let row = containers.first(where: { $0.answers(to: name) }) {
                named.containers.append(row)
            } else if given == nil, named.isEmpty, let foreign = foreignProject(of: names) {
                return try scope(names, in: foreign)
            } else {
                try check(services: [name], among: known)
            }
        }
        return Scope(target: target, containers: containers, named: named)
    }

    /// The project of the container that the first of `names` refers to.
    private func foreignProject(of names: [String]) -> ProjectTarget? {
        // An engine that is not running knows no names beyond the files, and a typing error must not start it.
        guard let name = names.first, engine.isRunning, let row = try? engine.container(name), row.answers(to: name),
            !row.project.isEmpty
        else { return nil }
        return ProjectTarget(name: row.project, project: nil)
    }

    /// The container of no project called `name`.
    func freeContainer(_ name: String) -> ContainerRow? {
        guard engine.isRunning, let row = try? engine.container(name), row.answers(to: name), row.project.isEmpty
        else { return nil }
        return row
    }
}

extension ContainerRow {
    /// By its name, by its label in `logs`, or by its id, which `ps --format json` and Docker's tools shorten.
    fileprivate func answers(to name: String) -> Bool {
        self.name == name || !isOneOff && Logs.label(of: self) == name || name.count >= 12 && id.hasPrefix(name)
    }
}
