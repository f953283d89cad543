import EngineWire
import ProjectModel
import Reconcile

/// Performs the actions of one plan for one operation, and reports their progress.
final class ActionPerformer: Sendable {
    let desired: Desired
    let runner: ContainerRunner
    let objects: ObjectStore
    let operation: Operation
    let ledger: UpdateLedger
    /// The grace period for containers that it stops; nil means each service's own.
    let stopTimeout: Duration?
    let logTail: @Sendable (ContainerRecord) async -> [String]

    init(
        desired: Desired, runner: ContainerRunner, objects: ObjectStore, operation: Operation, ledger: UpdateLedger,
        stopTimeout: Duration?, logTail: @escaping @Sendable (ContainerRecord) async -> [String]
    ) {
        self.desired = desired
        self.runner = runner
        self.objects = objects
        self.operation = operation
        self.ledger = ledger
        self.stopTimeout = stopTimeout
        self.logTail = logTail
    }

    var inventory: Inventory { runner.inventory }
    private var project: String? { desired.project.isEmpty ? nil : desired.project }

    func perform(_ planned: PlannedAction) async throws {
        try await recorded(planned) { try await self.carryOut(planned) }
    }

    private func carryOut(_ planned: PlannedAction) async throws {
        let reason = planned.reason
        switch planned.action {
        case .createNetwork(let key, let name):
            guard let definition = desired.networks[key] else { return }
            try await report(.network, name, "Creating", "Created", reason) {
                try await self.objects.createNetwork(
                    definition, project: self.project, key: self.project.map { _ in key })
            }
        case .repairNetwork(let name):
            try await report(.network, name, "Repairing", "Repaired", reason) {
                try await self.objects.repairNetwork(name)
            }
        case .removeNetwork(let name):
            try await report(.network, name, "Removing", "Removed", reason) {
                try await self.objects.removeNetwork(name)
            }
        case .createVolume(let key, let name):
            guard let definition = desired.volumes[key] else { return }
            try await report(.volume, name, "Creating", "Created", reason) {
                try await self.objects.createVolume(
                    definition, project: self.project, key: self.project.map { _ in key })
            }
        case .removeVolume(let name):
            try await report(.volume, name, "Removing", "Removed", reason) { try await self.objects.removeVolume(name) }
        case .create(let replica, let replacing): try await create(replica, replacing: replacing, reason)
        case .createNext(let replica, let replacing, let beside):
            try await create(replica, replacing: replacing, reason, order: beside ? .startFirst : .stopFirst)
        case .withdraw(_, let id): try await withdraw(id, reason)
        case .watch(let replica, let replacing): try await watch(replica, replacing: replacing, reason)
        case .admit(let replica, let replacing): try await admit(replica, replacing: replacing, reason)
        case .rest(_, let pause): try await rest(pause)
        case .start(let replica, let existing): try await start(replica, existing, reason)
        case .stop(_, let id): try await stop(id, reason)
        case .remove(_, let id, let anonymousVolumes):
            try await report(.container, await name(id), "Removing", "Removed", reason) {
                try await self.runner.remove(id, anonymousVolumes: anonymousVolumes)
            }
        case .pause(_, let id):
            try await report(.container, await name(id), "Pausing", "Paused", reason) {
                try await self.runner.pause(id)
            }
        case .unpause(let replica, let id):
            let startRound = rounds(of: replica)?.start
            try await report(.container, await name(id), "Unpausing", "Unpaused", reason) {
                try await self.runner.unpause(id, startRound: startRound)
            }
        case .detach(_, let id, let key, _):
            try await report(.container, await name(id), "Detaching", "Detached", reason) {
                try await self.runner.detach(id, key: key)
            }
        case .attach(let replica, let id, let key, _):
            try await report(.container, await name(id), "Attaching", "Attached", reason) {
                guard let wanted = try await self.draft(of: replica, for: id) else { return }
                try await self.runner.attach(id, key: key, as: wanted)
            }
        case .update(let replica, let id):
            try await report(.container, await name(id), "Updating", "Updated", reason) {
                guard let wanted = try await self.draft(of: replica, for: id) else { return }
                try await self.runner.update(id, to: wanted)
            }
        case .wait(let service, let condition, let required):
            try await wait(service, condition, required: required)
        }
    }

    // MARK: Containers

    /// `order`: the order of an update by rules.
    private func create(
        _ replica: Replica, replacing: String?, _ reason: PlanReason, order: UpdateRules.Order? = nil
    ) async throws {
        if let single = desired.single(replica) { return try await create(single, reason) }
        guard case .numbered(let serviceName, let number) = replica, let service = desired.service(serviceName) else {
            return
        }
        let fullName = service.spec.containerName ?? "\(desired.project)-\(serviceName)-\(number)"
        let words = replacing == nil ? ("Creating", "Created") : ("Recreate", "Recreated")
        try await report(.container, fullName, words.0, words.1, reason, showsLog: false) {
            let image = try await self.objects.image(
                of: service.spec, pinned: service.pinnedImage, project: self.desired.project)
            let draft = ContainerDraft(
                definitions: self.desired.definitions,
                avoidedPorts: self.desired.services.flatMap(\.spec.ports),
                owner: .replica(project: self.desired.project, service: serviceName, number: number),
                template: service.spec.template, dependsOn: service.spec.dependsOn,
                rounds: .init(
                    recreate: service.recreateRound, restart: service.restartRound(of: number),
                    start: service.startRound(of: number)),
                image: image, id: self.runner.machine.newID(), now: self.runner.machine.now(),
                version: WireVersion.product)
            var record = draft.record()
            if let replacing, let old = await self.inventory.container(replacing) {
                let renews = service.renewAnonymousVolumes && old.recreateRound < service.recreateRound
                record.take(placeOf: old, withVolumes: !renews)
                record.isAside = order == nil ? nil : true
                record.runsBeside = order == .startFirst ? true : nil
            }
            _ = try await self.runner.create(record, image: image)
        }
    }

    /// The record that the container `id` would get if it were created from its service now, with the image that it
    /// has.
    private func draft(of replica: Replica, for id: String) async throws -> ContainerRecord? {
        guard case .numbered(let serviceName, let number) = replica, let service = desired.service(serviceName),
            let record = await inventory.container(id)
        else { return nil }
        // Only the labels of the image matter here, because its name may be gone.
        let image = MachineImage(id: record.imageID, config: record.image)
        return ContainerDraft(
            definitions: desired.definitions, avoidedPorts: desired.services.flatMap(\.spec.ports),
            owner: .replica(project: desired.project, service: serviceName, number: number),
            template: service.spec.template, dependsOn: service.spec.dependsOn, image: image, id: id,
            now: record.createdAt, version: WireVersion.product
        ).record()
    }

    private func container(_ replica: Replica, _ existing: String?) async -> String? {
        if let id = existing ?? desired.single(replica)?.id { return id }
        return await newest(replica)?.id
    }

    /// Creates the process of a container that will start later, and leaves it at its gate.
    func prepare(_ planned: PlannedAction) async {
        guard case .start(let replica, let existing) = planned.action, !operation.isCancelled,
            desired.single(replica)?.isHeld != true, let id = await container(replica, existing)
        else { return }
        await runner.prepare(id)
    }

    func giveUp(_ planned: PlannedAction) async {
        guard case .start(let replica, let existing) = planned.action, let id = await container(replica, existing)
        else {
            return
        }
        await runner.giveUp(id)
    }

    private func create(_ single: DesiredContainer, _ reason: PlanReason) async throws {
        try await report(.container, "\(single.replica)", "Creating", "Created", reason, showsLog: false) {
            let image = try await self.objects.image(of: single)
            let draft = ContainerDraft(
                definitions: single.definitions, owner: single.owner, template: single.template,
                dependsOn: single.dependsOn,
                rounds: .init(restart: single.wish.restartRound, start: single.wish.startRound), image: image,
                id: single.id, now: self.runner.machine.now(), version: WireVersion.product)
            var record = draft.record()
            record.wish = single.wish
            // The client lets it run. If the client has gone, it never runs.
            if single.isHeld { record.wish?.goal = .created }
            _ = try await self.runner.create(record, image: image)
        }
    }

    private func start(_ replica: Replica, _ existing: String?, _ reason: PlanReason) async throws {
        guard let id = await container(replica, existing) else {
            throw EngineFailure(code: .notFound, message: "\(replica) has no container")
        }
        let rounds = rounds(of: replica)
        let holdsStreams = desired.single(replica)?.isHeld ?? false
        let isUpdate = await inventory.container(id)?.isAside == true
        try await report(.container, await name(id), "Starting", "Started", reason) {
            do { try await self.runner.start(id, rounds: rounds, holdsStreams: holdsStreams) } catch {
                var failure = EngineFailure(describing: error)
                if failure.log.isEmpty, let record = await self.inventory.container(id) {
                    failure.log = await self.logTail(record)
                }
                if error is TakenBack || isUpdate {
                    let goesBack = isUpdate && self.desired.service(replica.service)?.rules?.failureAction == .rollback
                    self.ledger.note(goesBack ? .rollback : .pause, for: replica.service)
                }
                throw failure
            }
        }
    }

    /// The container of a replica that was created last: a successor if there is one, otherwise the container in the
    /// place.
    func newest(_ replica: Replica) async -> ContainerRecord? {
        guard case .numbered(let service, let number) = replica else { return nil }
        let all = await inventory.everyContainer(of: desired.project).filter {
            $0.service == service && $0.number == number && !$0.isOneOff
        }
        for record in all where await inventory.isSuccessor(record) { return record }
        for record in all where await !inventory.isHidden(record) { return record }
        return nil
    }

    private func rounds(of replica: Replica) -> (start: Int, restart: Int)? {
        if let single = desired.single(replica) { return (single.wish.startRound, single.wish.restartRound) }
        guard case .numbered(let name, let number) = replica, let service = desired.service(name) else { return nil }
        return (service.startRound(of: number), service.restartRound(of: number))
    }

    private func stop(_ id: String, _ reason: PlanReason) async throws {
        try await report(.container, await name(id), "Stopping", "Stopped", reason) {
            try await self.runner.stop(id, timeout: self.stopTimeout, forced: self.operation.forced)
        }
    }

    func name(_ id: String) async -> String { await inventory.container(id)?.name ?? String(id.prefix(12)) }

    // MARK: Waiting

    private func wait(_ service: String, _ condition: Action.Condition, required: Bool) async throws {
        let waiter = ServiceWaiter(
            inventory: inventory, machine: runner.machine, project: desired.project, operation: operation,
            logTail: logTail, isAwaited: { [desired] in desired.goal(of: $0.owner) == .running })
        let need: ServiceWaiter.Need =
            switch condition {
            case .started: .started
            case .healthy: .healthy
            case .completed: .completed
            }
        let verdict = await operation.interruptible { await waiter.wait(for: [service: need]) }
        switch verdict {
        case .reached: return
        case .cancelled: throw CancellationError()
        case .failed(let message, let name):
            if let name {
                operation.object(
                    .container, name, required ? "Error" : "Skipped", done: true, failed: required, reason: message)
            }
            guard required else { return operation.emit(.warning("optional dependency \"\(service)\": \(message)")) }
            let record = if let name { await inventory.container(named: name) } else { nil as ContainerRecord? }
            throw await EngineFailure(
                .dependencyFailed, "dependency failed to start: \(message)", of: record, inventory, logTail)
        }
    }

    // MARK: Reports

    func report(
        _ kind: ObjectProgress.Kind, _ name: String, _ begun: String, _ done: String, _ reason: PlanReason,
        showsLog: Bool = true, _ body: @Sendable () async throws -> Void
    ) async throws {
        let reason = reason.isRoutine ? nil : "\(reason)"
        operation.object(kind, name, begun, reason: reason)
        do {
            try await body()
            operation.object(kind, name, done, done: true)
        } catch {
            var failure = EngineFailure(describing: error)
            if showsLog, failure.log.isEmpty, kind == .container, let record = await inventory.container(named: name) {
                failure.log = await logTail(record)
            }
            operation.object(kind, name, "Error", done: true, failed: true, reason: failure.message)
            throw failure
        }
    }
}
