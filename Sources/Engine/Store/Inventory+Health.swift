import EngineWire
import Reconcile

/// What health checks found. It is not stored: after a restart of the engine, health is unknown until the next probe.
struct HealthTable {
    private(set) var states: [String: ObservedContainer.Health] = [:]
    /// The output of last probes that failed.
    private(set) var answers: [String: HealthAnswer] = [:]
    /// The results of probes, for containers with a health check.
    private(set) var histories: [String: HealthHistory] = [:]

    /// Returns nil if `id` was in this state with this answer already; otherwise, whether the state is new.
    mutating func set(_ state: ObservedContainer.Health, _ answer: HealthAnswer?, of id: String) -> Bool? {
        guard answers[id] != answer || states[id] != state else { return nil }
        answers[id] = answer
        let isNew = states[id] != state
        states[id] = state
        return isNew
    }

    mutating func describe(_ id: String, as status: String) {
        histories[id, default: HealthHistory(status: "")].status = status
    }

    mutating func add(_ probe: HealthHistory.Probe, to id: String) {
        histories[id, default: HealthHistory(status: "starting")].add(probe)
    }

    mutating func begin(_ id: String) { histories[id] = HealthHistory(status: "starting") }

    /// Forgets the state and the answer, and keeps the history. Returns whether there was a state.
    mutating func forget(_ id: String) -> Bool {
        answers[id] = nil
        return states.removeValue(forKey: id) != nil
    }

    mutating func remove(_ id: String) {
        _ = forget(id)
        histories[id] = nil
    }
}

extension Inventory {
    func health(of id: String) -> ObservedContainer.Health? { health.states[id] }
    /// The output of the last failed probe; nil when the last probe succeeded or there was none.
    func lastAnswer(of id: String) -> HealthAnswer? { health.answers[id] }
    func healthHistory(of id: String) -> HealthHistory? { health.histories[id] }

    /// Sets the result of a probe, with its output when it failed. Ignores it when the run that `container` describes
    /// is over.
    func setHealth(
        _ value: ObservedContainer.Health, of container: ContainerRecord, answer: HealthAnswer? = nil
    ) {
        guard runs(container), let isNew = health.set(value, answer, of: container.id) else { return }
        if isNew, let record = containers[container.id] {
            health.describe(container.id, as: value.rawValue)
            if value != .starting {
                var occurrence = Occurrence(at: Double(events.now()) / 1e9, kind: .health)
                occurrence.health = ContainerRow.Health(rawValue: value.rawValue)
                occurrence.answer = answer
                history.note(occurrence, of: record)
                events.publish(record.event("health_status: \(value.rawValue)", at: events.now()))
            }
        }
        changed(container)
    }

    /// Adds one probe to the history of the run that `container` describes.
    func note(_ probe: HealthHistory.Probe, of container: ContainerRecord) {
        guard runs(container) else { return }
        health.add(probe, to: container.id)
    }

    /// A run begins: discards the results of the previous one.
    func beginHealth(of container: ContainerRecord) { health.begin(container.id) }

    func forgetHealth(of id: String) {
        guard health.forget(id), let record = containers[id] else { return }
        changed(record)
    }
}
