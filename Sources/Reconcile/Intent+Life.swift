import OCI
import ProjectModel

extension IntentEdit {
    /// Without names, removes everything that the project created, whatever the profiles. With names, removes only these services,
    /// and the rest too if they were the last ones.
    mutating func down(removeOrphans: Bool, volumes: Bool) throws(IntentError) {
        let chosen = try chosen()
        for index in chosen {
            desired.services[index].setGoal(.absent)
            desired.services[index].keepsAnonymousVolumes = nil
        }
        let isWhole = names.isEmpty || desired.services.allSatisfy { $0.isOrphan || $0.goal == .absent }
        guard isWhole else { return }
        change.scope = .all
        if removeOrphans {
            for index in desired.services.indices where desired.services[index].isOrphan {
                desired.services[index].setGoal(.absent)
            }
        }
        desired.removal = Desired.Removal(orphans: removeOrphans, volumes: volumes)
    }

    /// Starts existing containers and their dependencies.
    mutating func start() throws(IntentError) {
        let chosen = try chosen()
        let graph = DependencyGraph(services: desired.services.map(\.spec))
        for name in names.sorted() where (containers[name] ?? []).isEmpty { throw .serviceHasNoContainer(name) }
        let targets = graph.closure(of: chosen.map { desired.services[$0].spec.name })
        for index in desired.services.indices where targets.contains(desired.services[index].spec.name) {
            let service = desired.services[index]
            guard !replicas(service).isEmpty else {
                // `start` does not create dependencies that never existed.
                if names.isEmpty, service.scale > 0 { throw .serviceHasNoContainer(service.spec.name) }
                continue
            }
            desired.services[index].setGoal(.running)
            desired.removal = nil
            askForStart(index)
        }
        change.services = Array(targets)
        change.scope.add(targets, .existing)
    }

    mutating func stop() throws(IntentError) {
        for index in try chosen() where desired.services[index].isUpWanted {
            desired.services[index].setGoal(.stopped)
        }
    }

    /// Restarts services that have containers: each runs with a process that started after the verb.
    mutating func restart(dependents: Bool) throws(IntentError) {
        let chosen = try chosen()
        var targets = Set(chosen.map { desired.services[$0].spec.name })
        if dependents {
            let graph = DependencyGraph(services: desired.services.map(\.spec))
            let drawnIn = graph.restarting(with: targets).subtracting(targets).filter { name in
                // The restart of a dependency does not start a dependent that is down.
                (containers[name] ?? []).contains(where: \.isUp)
            }
            targets.formUnion(drawnIn)
        }
        for index in desired.services.indices where targets.contains(desired.services[index].spec.name) {
            guard !replicas(desired.services[index]).isEmpty, desired.services[index].goal != .absent else { continue }
            desired.services[index].setGoal(.running)
            desired.services[index].restartRound = nextRestartRound(index)
        }
        change.services = Array(targets)
        change.scope.add(targets, .existing)
    }

    /// A killed container stays down. After any other signal the process decides whether it ends; the engine handles the end when it
    /// happens.
    mutating func kill(_ signal: String, removeOrphans: Bool) throws(IntentError) {
        guard let sent = SignalName.number(signal) else { throw .badSignal(signal) }
        for index in try chosen() {
            let service = desired.services[index]
            guard sent == SignalName.kill, service.isUpWanted, replicas(service).contains(where: \.isUp) else {
                continue
            }
            desired.services[index].setGoal(.stopped)
        }
        guard removeOrphans else { return }
        for index in desired.services.indices where desired.services[index].isOrphan {
            desired.services[index].setGoal(.absent)
            change.scope.add([desired.services[index].spec.name], .existing)
        }
    }

    /// A replica that a verb stopped individually stays down.
    mutating func pause() throws(IntentError) {
        for index in try chosen() where desired.services[index].wantsRunning {
            guard replicas(desired.services[index]).contains(where: \.isUp) else { continue }
            desired.services[index].replaceGoals(.running, by: .paused)
        }
    }

    /// Includes containers that another program paused.
    mutating func unpause() throws(IntentError) {
        for index in try chosen() {
            desired.services[index].replaceGoals(.paused, by: .running)
            let service = desired.services[index]
            let isForeign = replicas(service).contains { container in
                let number = container.number ?? 0
                return service.goal(of: number) == .running && container.state == .paused
                    && container.isPausedByOthers && container.startRound >= service.startRound(of: number)
            }
            if isForeign { desired.services[index].startRound = nextStartRound(index) }
        }
    }

    /// `rm`: removes a whole service or nothing of it, so a service with a running replica stays.
    mutating func remove(stop: Bool, volumes: Bool) throws(IntentError) {
        change.services = []
        var removed: [String] = []
        for index in try chosen() {
            let service = desired.services[index]
            let replicas = replicas(service)
            guard !replicas.isEmpty else { continue }
            let running = replicas.filter(\.isUp).count
            guard stop || running == 0 else {
                if running < replicas.count {
                    change.notes.append(
                        "\(service.spec.name): \(running) of \(replicas.count) are still running; use --stop")
                }
                continue
            }
            desired.services[index].setGoal(.absent)
            desired.services[index].keepsAnonymousVolumes = volumes ? nil : true
            removed.append(service.spec.name)
        }
        change.services = removed
        change.scope = PlanScope(extents: [:])
        change.scope.add(removed, .existing)
    }
}
