import OCI
import ProjectModel

/// Verbs on single containers: they affect neither the siblings nor the dependents of a container.
extension IntentEdit {
    /// The containers that the user named.
    private var named: [ObservedContainer] { observed.containers.filter { ids.contains($0.id) } }

    mutating func editSingly(_ verb: IntentVerb) throws(IntentError) {
        for index in desired.singles.indices where ids.contains(desired.singles[index].id) {
            try editSingle(index, verb)
        }
        for container in named {
            guard let number = container.number,
                let index = desired.services.firstIndex(where: { $0.spec.name == container.service })
            else { continue }
            switch verb {
            case .start: start(container, number, index)
            case .stop: stop(container, number, index)
            case .restart: restart(container, number, index)
            case .kill(let signal, _): try kill(container, number, index, signal)
            case .pause: pause(container, number, index)
            case .unpause: unpause(container, number, index)
            case .remove(let stop, let volumes): remove(container, number, index, stop: stop, volumes: volumes)
            case .up, .create, .down, .rollback, .scale: throw .needsServices(container.name)
            }
            change.services = Array(Set(change.services).union([container.service]))
            change.scope.add([container.service], .existing)
        }
    }

    private mutating func start(_ container: ObservedContainer, _ number: Int, _ index: Int) {
        desired.removal = nil
        let round = desired.services[index].startRound(of: number)
        let isAsked = container.needsStart && container.startRound >= round
        desired.services[index].edit(number) { replica in
            replica.goal = .running
            if isAsked { replica.startRound = max(round, container.startRound) + 1 }
        }
    }

    private mutating func stop(_ container: ObservedContainer, _ number: Int, _ index: Int) {
        guard [.running, .paused].contains(desired.services[index].goal(of: number)) else { return }
        desired.services[index].edit(number) { $0.goal = .stopped }
    }

    private mutating func restart(_ container: ObservedContainer, _ number: Int, _ index: Int) {
        let round = max(desired.services[index].restartRound(of: number), container.restartRound) + 1
        desired.services[index].edit(number) { replica in
            replica.goal = .running
            replica.restartRound = round
        }
    }

    private mutating func kill(
        _ container: ObservedContainer, _ number: Int, _ index: Int, _ signal: String
    ) throws(IntentError) {
        guard let sent = SignalName.number(signal) else { throw .badSignal(signal) }
        guard container.isUp, sent == SignalName.kill else { return }
        stop(container, number, index)
    }

    private mutating func pause(_ container: ObservedContainer, _ number: Int, _ index: Int) {
        guard container.isUp, desired.services[index].goal(of: number) == .running else { return }
        desired.services[index].edit(number) { $0.goal = .paused }
    }

    /// Includes containers that another program paused.
    private mutating func unpause(_ container: ObservedContainer, _ number: Int, _ index: Int) {
        let goal = desired.services[index].goal(of: number)
        guard goal == .paused || goal == .running else { return }
        let round = desired.services[index].startRound(of: number)
        let isForeign = container.state == .paused && container.isPausedByOthers && container.startRound >= round
        desired.services[index].edit(number) { replica in
            replica.goal = .running
            if isForeign { replica.startRound = max(round, container.startRound) + 1 }
        }
    }

    private mutating func remove(
        _ container: ObservedContainer, _ number: Int, _ index: Int, stop: Bool, volumes: Bool
    ) {
        guard stop || !container.isUp else {
            change.notes.append("\(container.name) is still running; use --stop")
            return
        }
        desired.services[index].edit(number) { replica in
            replica.goal = .absent
            replica.keepsAnonymousVolumes = volumes ? nil : true
        }
    }
}

extension ObservedContainer {
    /// Only a requested start brings it back.
    var needsStart: Bool {
        switch state {
        case .exited, .restarting: true
        case .paused: isPausedByOthers
        case .created, .running: false
        }
    }
}
