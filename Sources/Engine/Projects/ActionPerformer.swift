import EngineWire
import ProjectModel
import Reconcile

/// Carries out the actions of one plan for one operation, and tells how they go.
final class ActionPerformer: Sendable {
    let desired: Desired
    let runner: ContainerRunner
    let objects: ObjectStore
    let operation: Operation
    /// For containers that are stopped on the way; nil: each service's own grace period.
    let stopTimeout: Duration?
    let logTail: @Sendable (ContainerRecord) async -> [String]

    init(
        desired: Desired, runner: ContainerRunner, objects: ObjectStore, operation: Operation, stopTimeout: Duration?,
        logTail: @escaping @Sendable (ContainerRecord) async -> [String]
    ) {
        self.desired = desired
        self.runner = runner
        self.objects = objects
        self.operation = operation
        self.stopTimeout = stopTimeout
        self.logTail = logTail
    }

    private var inventory: Inventory { runner.inventory }

    func perform(_ planned: PlannedAction) async throws {
        let reason = planned.reason
        switch planned.action {
        case .createNetwork(let key, let name):
            guard let definition = desired.networks[key] else { return }
            try await report(.network, name, "Creating", "Created", reason) {
                try await self.objects.createNetwork(definition, project: self.desired.project, key: key)
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
                try await self.objects.createVolume(definition, project: self.desired.project, key: key)
            }
        case .removeVolume(let name):
            try await report(.volume, name, "Removing", "Removed", reason) { try await self.objects.removeVolume(name) }
        case .create(let replica, let replacing): try await create(replica, replacing: replacing, reason)
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
            let startRound = desired.service(replica.service)?.startRound
            try await report(.container, await name(id), "Unpausing", "Unpaused", reason) {
                try await self.runner.unpause(id, startRound: startRound)
            }
        case .wait(let service, let condition, let required):
            try await wait(service, condition, required: required)
        }
    }

    // MARK: Containers

    private func create(_ replica: Replica, replacing: String?, _ reason: String) async throws {
        guard case .numbered(let serviceName, let number) = replica, let service = desired.service(serviceName) else {
            return
        }
        let fullName = service.spec.containerName ?? "\(desired.project)-\(serviceName)-\(number)"
        let words = replacing == nil ? ("Creating", "Created") : ("Recreate", "Recreated")
        try await report(.container, fullName, words.0, words.1, reason, showsLog: false) {
            let image = try await self.objects.image(
                of: service.spec, pinned: service.pinnedImage, project: self.desired.project)
            let draft = ContainerDraft(
                desired: self.desired, service: service, image: image, id: self.runner.machine.newID(),
                now: self.runner.machine.now(), version: WireVersion.product)
            var record = draft.record(.number(number))
            if let replacing, let old = await self.inventory.container(replacing) {
                let renews = service.renewAnonymousVolumes && old.recreateRound < service.recreateRound
                record.take(placeOf: old, withVolumes: !renews)
            }
            _ = try await self.runner.create(record, image: image)
        }
    }

    private func start(_ replica: Replica, _ existing: String?, _ reason: String) async throws {
        var id = existing
        if id == nil, case .numbered(let service, let number) = replica {
            id = await inventory.containers(of: desired.project, service: service).first { $0.number == number }?.id
        }
        guard let id else { throw EngineFailure(code: "not_found", message: "\(replica) has no container") }
        let rounds = desired.service(replica.service).map { (start: $0.startRound, restart: $0.restartRound) }
        try await report(.container, await name(id), "Starting", "Started", reason) {
            try await self.runner.start(id, rounds: rounds)
        }
    }

    private func stop(_ id: String, _ reason: String) async throws {
        let operation = operation
        try await report(.container, await name(id), "Stopping", "Stopped", reason) {
            try await self.runner.stop(id, timeout: self.stopTimeout, isForced: { operation.isForced })
        }
    }

    private func name(_ id: String) async -> String { await inventory.container(id)?.name ?? String(id.prefix(12)) }

    // MARK: Waiting

    private func wait(_ service: String, _ condition: Action.Condition, required: Bool) async throws {
        let waiter = ServiceWaiter(
            inventory: inventory, machine: runner.machine, project: desired.project, operation: operation,
            logTail: logTail)
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
                "dependency_failed", "dependency failed to start: \(message)", of: record, inventory, logTail)
        }
    }

    // MARK: Reports

    /// What a person expects anyway is not explained: new things are made, what is down is started, what was asked for is done.
    private static func isRoutine(_ reason: String) -> Bool {
        let routine = [
            "no container", "not running", "start asked for", "should be stopped", "the project goes down",
            "volumes go too",
        ]
        return routine.contains(reason)
            || reason.hasPrefix("used by ")
    }

    private func report(
        _ kind: ObjectProgress.Kind, _ name: String, _ begun: String, _ done: String, _ reason: String,
        showsLog: Bool = true, _ body: @Sendable () async throws -> Void
    ) async throws {
        let reason = Self.isRoutine(reason) ? nil : reason
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
