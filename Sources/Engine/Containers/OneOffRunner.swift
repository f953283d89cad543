import EngineWire
import ProjectModel
import Reconcile

/// `run`: the dependencies as `up` brings them, then one container that waits at its gate for its streams.
struct OneOffRunner: Sendable {
    let parts: EngineParts
    let loop: ProjectLoop

    func begin(_ request: RunRequest) async -> Operation {
        let operation = Operation(
            id: String(parts.machine.newID().prefix(16)), key: request.key, project: request.project.name,
            parallelism: request.parallelism)
        parts.operations.add(operation)
        Task {
            do {
                try await run(request, operation)
            } catch {
                operation.finish(.init(status: .failed, errors: [EngineFailure(describing: error)]))
            }
            await parts.operations.remove(operation)
            await parts.vault.release(request.project)
        }
        return operation
    }

    private func run(_ request: RunRequest, _ operation: Operation) async throws {
        let dependencies = request.dependencies ? request.service.dependsOn.map(\.service) : []
        guard await bringUp(dependencies, request, operation) else { return }
        let slug = parts.machine.newID()
        operation.need(imagesOf: [request.service])
        let name = request.name ?? "\(request.project.name)-\(request.service.name)-run-\(slug.prefix(12))"
        let (desired, service) = Self.wish(of: request)
        guard try await isPossible(name, desired, request, operation) else { return }
        try await makeObjects(request, operation)
        let puller = ImagePuller(
            machine: parts.machine, operation: operation, logins: request.logins ?? RegistryLogins())
        let failures = await puller.pull([request.service], project: request.project.name, override: request.pull)
        guard !operation.isCancelled else { return operation.finish(.init(status: .cancelled)) }
        guard failures.isEmpty else { return operation.finish(.init(status: .failed, errors: failures)) }
        let image = try await parts.objects.image(of: request.service, project: request.project.name)
        let draft = ContainerDraft(
            desired: desired, service: service, image: image, id: parts.machine.newID(), now: parts.machine.now(),
            version: WireVersion.product)
        let record = try await parts.runner.create(
            draft.record(.oneOff(name: name, slug: slug, autoRemove: request.remove, useAliases: request.useAliases)),
            image: image)
        do {
            try await parts.runner.start(record.id, rounds: nil, holdsStreams: true)
        } catch {
            try? await parts.runner.remove(record.id, anonymousVolumes: true)
            throw error
        }
        operation.emit(.created(container: await ContainerRow(held: record)))
        operation.finish(.init(status: .succeeded, changes: 1))
    }

    /// The project as it is for the one-off, and its service with what the command line changed.
    private static func wish(of request: RunRequest) -> (Desired, DesiredService) {
        var desired = Desired(project: request.project.name)
        desired.take(request.project)
        desired.secrets = request.project.secrets
        desired.configs = request.project.configs
        desired.workingDirectory = request.project.workingDirectory
        desired.configFiles = request.project.configFiles
        var spec = request.service
        spec.restart = .no
        spec.containerName = nil
        let service = DesiredService(spec: spec, goal: .running, scale: 1)
        desired.services.removeAll { $0.spec.name == spec.name }
        desired.services.append(service)
        return (desired, service)
    }

    /// True when nothing on this machine stands against the one-off and what is made for it alone.
    private func isPossible(
        _ name: String, _ desired: Desired, _ request: RunRequest, _ operation: Operation
    ) async throws -> Bool {
        let observed = try await ProjectObserver(inventory: parts.inventory, machine: parts.machine).observe(desired)
        var actions: [Action] = []
        for key in Set(request.service.networks.map(\.network)).sorted() {
            guard let definition = desired.networks[key], !definition.external,
                observed.networks[definition.name] == nil
            else { continue }
            actions.append(.createNetwork(key: key, name: definition.name))
        }
        for case .volume(let key?, _, _) in request.service.volumes.map(\.kind) {
            guard let definition = desired.volumes[key], !definition.external,
                observed.volumes[definition.name] == nil
            else { continue }
            actions.append(.createVolume(key: key, name: definition.name))
        }
        actions.append(.create(.oneOff(service: request.service.name, name: name), replacing: nil))
        let plan = Plan(
            actions: actions.enumerated().map {
                PlannedAction(number: $0.offset + 1, action: $0.element, after: [], reason: "run")
            })
        let verdict = await parts.preflight.verdict(desired, plan, observed, isTrial: true)
        for warning in verdict.warnings {
            operation.emit(.warning(warning.message, hint: warning.hint, path: warning.path))
        }
        if verdict.errors.isEmpty { return true }
        operation.finish(.init(status: .failed, errors: verdict.errors))
        return false
    }

    /// True when everything the one-off depends on is as it should be.
    private func bringUp(_ services: [String], _ request: RunRequest, _ operation: Operation) async -> Bool {
        guard !services.isEmpty else { return true }
        var options = UpOptions()
        options.recreate = .never
        options.ignoreOrphans = request.ignoreOrphans
        var dependencies = OperationRequest(
            key: "\(request.key)-dependencies", verb: .up(options), project: request.project, services: services,
            parallelism: request.parallelism)
        dependencies.logins = request.logins
        let up = await loop.submit(dependencies)
        let cancellation = operation.onCancel { up.cancel(force: operation.isForced) }
        defer { operation.forgetCancellation(cancellation) }
        for await event in up.events() {
            switch event {
            case .object, .warning, .transfer: operation.emit(event)
            default: continue
            }
        }
        guard let outcome = up.outcome, outcome.status == .succeeded else {
            operation.finish(up.outcome ?? .init(status: .failed))
            return false
        }
        let waiter = ServiceWaiter(
            inventory: parts.inventory, machine: parts.machine, project: request.project.name, operation: operation,
            logTail: parts.logTail)
        for dependency in request.service.dependsOn where dependency.condition != .started {
            let verdict = await operation.interruptible {
                await waiter.wait(for: [dependency.service: dependency.condition == .healthy ? .healthy : .completed])
            }
            guard case .failed(let message, let name) = verdict, dependency.required else { continue }
            let record = if let name { await parts.inventory.container(named: name) } else { nil as ContainerRecord? }
            let failure = await EngineFailure("dependency_failed", message, of: record, parts.inventory, parts.logTail)
            operation.finish(.init(status: .failed, errors: [failure]))
            return false
        }
        if operation.isCancelled { operation.finish(.init(status: .cancelled)) }
        return !operation.isCancelled
    }

    /// Networks and volumes that only this service uses.
    private func makeObjects(_ request: RunRequest, _ operation: Operation) async throws {
        let project = request.project
        for attachment in request.service.networks {
            guard let definition = project.networks[attachment.network], !definition.external,
                await parts.inventory.network(definition.name) == nil
            else { continue }
            operation.object(.network, definition.name, "Creating")
            try await parts.objects.createNetwork(definition, project: project.name, key: attachment.network)
            operation.object(.network, definition.name, "Created", done: true)
        }
        for volume in request.service.volumes {
            guard case .volume(let key?, _, _) = volume.kind, let definition = project.volumes[key],
                !definition.external,
                await parts.inventory.volume(definition.name) == nil
            else { continue }
            operation.object(.volume, definition.name, "Creating")
            try await parts.objects.createVolume(definition, project: project.name, key: key)
            operation.object(.volume, definition.name, "Created", done: true)
        }
    }
}

extension ContainerRow {
    /// A container that waits at its gate.
    init(held record: ContainerRecord) async {
        self.init(
            id: record.id, name: record.name, project: record.project, service: record.service, number: nil,
            isOneOff: true,
            image: record.spec.image ?? record.imageID, imageID: record.imageID, command: record.arguments,
            labels: record.labels, state: .created, createdAt: Double(record.createdAt) / 1e9, tty: record.spec.tty)
    }
}
