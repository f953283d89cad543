import EngineWire
import Monitor
import ProjectModel
import Reconcile

/// Single containers: one-offs of a project, and containers of no project.
extension Engine {
    /// Starts a `run`: first the dependencies, then a one-off that waits at its gate for its streams.
    package func run(_ request: RunRequest, in project: String) async throws -> Operation {
        await gate.wait(for: .ready)
        try Self.check(project)
        var request = request
        request.project = try await parts.vault.hold(request.project)
        var options = UpOptions()
        options.recreate = .never
        options.ignoreOrphans = request.ignoreOrphans
        options.removeOrphans = request.removeOrphans ?? false
        let needs = request.dependencies ? request.service.dependsOn : []
        var operation = OperationRequest(
            key: request.key, verb: .up(options), project: request.project, services: needs.map(\.service),
            parallelism: request.parallelism)
        operation.logins = request.logins
        let new = Self.oneOff(request, needs, id: parts.machine.newID())
        return await loop(.project(project)).submit(Work(request: operation, new: new))
    }

    private static func oneOff(_ request: RunRequest, _ needs: [Dependency], id: String) -> NewContainer {
        var service = request.service
        service.restart = .no
        service.containerName = nil
        service.stdinOpen = true
        service.stdinOnce = true
        service.autoRemove = request.remove ? true : nil
        // It answers to its service's names only on request.
        for index in service.networks.indices {
            let aliases = service.networks[index].aliases
            service.networks[index].aliases = request.useAliases ? [service.name] + aliases : []
        }
        let name = request.name ?? "\(request.project.name)-\(service.name)-run-\(id.prefix(12))"
        var wanted = DesiredContainer(
            id: id, owner: .oneOff(project: request.project.name, service: service.name, name: name),
            template: service.template, definitions: Definitions(of: request.project),
            wish: ContainerWish(goal: .running))
        wanted.dependsOn = needs
        wanted.isHeld = true
        return NewContainer(
            wanted: wanted, service: service, pull: request.pull, removesOrphans: request.removeOrphans ?? false)
    }

    /// Makes a container of no project; the operation ends with `created`.
    package func create(_ request: ContainerRequest) async throws -> Operation {
        await gate.wait(for: .ready)
        await forgetLoops()
        let id = parts.machine.newID()
        let name = request.name ?? "berth-\(id.prefix(12))"
        try Self.check(name: name, of: "container")
        if let other = await parts.inventory.container(named: name) {
            throw EngineFailure.nameTaken(name, by: other.id)
        }
        var template = request.template
        template.containerName = nil
        for index in template.networks.indices {
            // A network may be named by its id.
            let wanted = template.networks[index].network
            template.networks[index].network = await parts.inventory.findNetwork(wanted)?.name ?? wanted
        }
        if template.networkMode == nil, template.networks.isEmpty {
            template.networks = [NetworkAttachment(network: Self.commonNetwork)]
        }
        let wish = ContainerWish(goal: request.starts ? .running : .created)
        var wanted = DesiredContainer(
            id: id, owner: .free(name: name), template: template,
            definitions: try await definitions(for: template), wish: wish)
        wanted.isHeld = request.isHeld
        var service = Service(name: name, template: template)
        service.pullPolicy = request.pull
        var operation = OperationRequest(key: request.key, verb: .create(UpOptions()))
        operation.logins = request.logins
        let new = NewContainer(wanted: wanted, service: service, pull: request.pull)
        return await loop(.container(id)).submit(Work(request: operation, new: new))
    }

    /// The default network of containers of no project; created when the first one needs it.
    package static let commonNetwork = "bridge"

    /// Its networks already exist; missing volumes are created.
    private func definitions(for template: ContainerTemplate) async throws -> Definitions {
        var definitions = Definitions()
        for name in template.networks.map(\.network) {
            if let record = await parts.inventory.network(name) {
                definitions.networks[name] = record.definition
                definitions.networks[name]?.external = true
            } else {
                guard name == Self.commonNetwork else {
                    throw EngineFailure(
                        code: .notFound, message: "no such network: \(name)",
                        hint: "`berth network create \(name)` creates it")
                }
                definitions.networks[name] = settings.networkDefaults.common(name)
            }
        }
        for case .volume(let name?, _, _) in template.volumes.map(\.kind) {
            try Self.check(name: name, of: "volume")
            definitions.volumes[name] = await parts.inventory.volume(name)?.definition ?? VolumeDefinition(name: name)
            definitions.volumes[name]?.external = await parts.inventory.volume(name) != nil
        }
        return definitions
    }

    /// A verb on one container, by name or id; it does not affect others.
    package func submit(_ request: OperationRequest, toContainer name: String) async throws -> Operation {
        await gate.wait(for: .ready)
        let record = try await find(name)
        var request = request
        (request.services, request.containers, request.project) = ([], [record.id], nil)
        return await loop(record.group).submit(Work(request: request))
    }

    /// Containers of all projects, and of none.
    package func containers(all: Bool) async -> [ContainerRow] {
        await gate.wait(for: .known)
        var projects: [String: Desired?] = [:]
        var rows: [ContainerRow] = []
        for record in await parts.inventory.allContainers() where await !parts.inventory.isHidden(record) {
            guard ![.creating, .removing].contains(record.life.phase), all || record.holdsPorts else { continue }
            guard let project = record.project else {
                rows.append(await row(record, nil))
                continue
            }
            let desired: Desired?
            if let known = projects[project] { desired = known } else { desired = await self.desired(of: project) }
            projects[project] = .some(desired)
            rows.append(await row(record, desired))
        }
        return rows
    }

    /// Returns the exit code once the container does not run and is not about to be restarted; nil when it is gone without one.
    package func waitUntilEnded(_ name: String) async throws -> Int? {
        await gate.wait(for: .known)
        var record = try await find(name)
        while !Task.isCancelled {
            let epoch = await parts.inventory.currentEpoch()
            guard let current = await parts.inventory.container(record.id) else { break }
            record = current
            if [.exited, .removing].contains(current.life.phase) { break }
            await parts.inventory.change(of: .container(current.id), after: epoch)
        }
        return record.life.exit?.code
    }
}
