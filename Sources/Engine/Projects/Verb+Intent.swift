import EngineWire
import ProjectModel
import Reconcile

extension Verb {
    /// The verb ends an operation that is still waiting, instead of queueing behind it.
    var supersedes: Bool {
        switch self {
        case .down, .stop, .kill, .pause, .remove: true
        case .up, .create, .start, .restart, .unpause, .scale, .pull, .rollback: false
        }
    }

    /// Its services count as up only when their dependencies meet `depends_on`, even if the services already run.
    var settlesDependencies: Bool {
        switch self {
        case .up(let options): options.start
        case .start, .scale, .rollback: true
        case .create, .down, .stop, .restart, .kill, .pause, .unpause, .remove, .pull: false
        }
    }

    var namesWhatRuns: Bool {
        switch self {
        case .up, .create, .scale, .start, .rollback: true
        default: false
        }
    }

    /// The services that it names; an empty list means all. `services`: those of its request.
    func named(_ services: [String]) -> [String] {
        if case .scale(let counts, _) = self { return counts.keys.sorted() }
        return services
    }

    /// It also acts on the dependencies of the named services.
    var drawsInDependencies: Bool {
        switch self {
        case .up(let options), .create(let options): options.dependencies
        case .scale(_, let dependencies): dependencies
        default: true
        }
    }

    /// The client does not want a warning about orphans.
    var ignoresOrphans: Bool {
        switch self {
        case .up(let options), .create(let options): options.ignoreOrphans ?? false
        default: false
        }
    }

    /// Pull images before anything else; nil for verbs that need none. `.some(nil)` means each service's own policy.
    var pullPolicy: PullPolicy?? {
        switch self {
        case .up(let options), .create(let options): .some(options.pull)
        case .scale: .some(nil)
        default: nil
        }
    }

    var stopTimeout: Duration? {
        switch self {
        case .up(let options), .create(let options): options.timeout
        case .down(let options): options.timeout
        case .stop(let timeout), .restart(let timeout, _): timeout
        default: nil
        }
    }

    var wait: (timeout: Duration?, Void)? {
        switch self {
        case .up(let options) where options.wait: (options.waitTimeout, ())
        case .start(true, let timeout): (timeout, ())
        default: nil
        }
    }
}

extension Verb {
    /// The verb as the history of a service names it.
    var cause: VersionRow.Cause {
        switch self {
        case .up: .up
        case .create: .create
        case .scale: .scale
        case .rollback: .rollback
        default: .other
        }
    }
}

extension IntentVerb {
    /// The intent behind a verb: the part of a request that changes the desired state. The engine handles the rest.
    /// `targets`: what a rollback restores.
    init(_ verb: Verb, targets: [String: RollbackTarget] = [:]) {
        switch verb {
        case .up(let options): self = .up(UpIntent(options))
        case .create(let options): self = .create(UpIntent(options))
        case .down(let options): self = .down(removeOrphans: options.removeOrphans, volumes: options.volumes)
        case .start, .pull: self = .start
        case .stop: self = .stop
        case .restart(_, let dependents): self = .restart(dependents: dependents)
        case .kill(let signal, let removeOrphans): self = .kill(signal: signal, removeOrphans: removeOrphans)
        case .pause: self = .pause
        case .unpause: self = .unpause
        case .remove(let stop, let volumes): self = .remove(stop: stop, volumes: volumes)
        case .rollback: self = .rollback(targets)
        case .scale(let scale, let dependencies): self = .scale(scale, dependencies: dependencies)
        }
    }
}

extension UpIntent {
    init(_ options: UpOptions) {
        let recreate: Recreate =
            switch options.recreate {
            case .diverged: .diverged
            case .force: .force
            case .never: .never
            }
        self.init(
            recreate: recreate, dependencies: options.dependencies,
            recreateDependencies: options.recreateDependencies, removeOrphans: options.removeOrphans,
            scale: options.scale,
            renewAnonymousVolumes: options.renewAnonymousVolumes, start: options.start)
    }
}

extension Action {
    /// The container that it acts on, if it exists already.
    var containerID: String? {
        switch self {
        case .start(_, let existing): existing
        case .stop(_, let id), .remove(_, let id, _), .pause(_, let id), .unpause(_, let id), .attach(_, let id, _, _),
            .detach(_, let id, _, _), .update(_, let id), .withdraw(_, let id), .createNext(_, let id, _),
            .watch(_, let id?):
            id
        default: nil
        }
    }
}

extension PlanDescription {
    init(_ plan: Plan) {
        self.init(
            actions: plan.actions.map {
                .init(
                    number: $0.number, text: "\($0.action)", after: $0.after, reason: "\($0.reason)",
                    needsConsent: $0.needsConsent)
            })
    }

    /// The images that would be pulled.
    init(fetching pulls: [PullNeed]) { self.init(actions: Self.actions(of: pulls)) }

    /// Adds the images to pull first, the images to remove at the end, and the findings of the checks.
    init(
        _ plan: Plan, fetching pulls: [PullNeed], building builds: [String: String] = [:],
        _ verdict: PreflightInspector.Verdict, removing images: [String] = []
    ) {
        self.init(plan)
        let built = builds.sorted { $0.key < $1.key }.enumerated().map { index, build in
            Action(number: index + 1, text: "build \(build.key)", after: [], reason: build.value)
        }
        let count = built.count + pulls.count
        let fetched = Self.actions(of: pulls).map { action in
            var action = action
            action.number += built.count
            action.after = built.map(\.number)
            return action
        }
        actions =
            built + fetched
            + actions.map { action in
                var action = action
                action.number += count
                // Build and pull everything before creating anything.
                action.after =
                    action.after.isEmpty ? Array(0..<count).map { $0 + 1 } : action.after.map { $0 + count }
                return action
            }
        let last = actions.map(\.number)
        for (index, image) in images.enumerated() {
            actions.append(
                .init(
                    number: last.count + index + 1, text: "remove image \(image)", after: last,
                    reason: "images are removed too"))
        }
        errors = verdict.errors
        warnings = verdict.warnings
    }
}

extension PlanDescription {
    private static func actions(of pulls: [PullNeed]) -> [Action] {
        pulls.enumerated().map { index, pull in
            Action(number: index + 1, text: "pull \(pull.reference)", after: [], reason: pull.reason)
        }
    }
}

extension Desired {
    /// Includes everything that `project` names, before it is decided which part is taken over.
    mutating func take(_ project: Project) {
        networks.merge(project.networks) { _, new in new }
        volumes.merge(project.volumes) { _, new in new }
        for service in project.services {
            if let index = services.firstIndex(where: { $0.spec.name == service.name }) {
                services[index].spec = service
            } else {
                services.append(DesiredService(spec: service, goal: .absent))
            }
        }
    }

    /// Every service wants the same or less than before, so the change is safe even if it could not be stored.
    func onlyTakesAway(from before: Desired?) -> Bool {
        guard let before else { return removal != nil }
        return services.allSatisfy { service in
            guard let old = before.service(service.spec.name) else { return false }
            return service.onlyTakesAway(from: old)
        }
    }
}

extension DesiredService {
    fileprivate func onlyTakesAway(from old: DesiredService) -> Bool {
        // 0 stands for all replicas without a state of their own.
        let numbers = [0] + ((replicas ?? []) + (old.replicas ?? [])).map(\.number)
        let goals = numbers.map { (old: old.goal(of: $0), new: goal(of: $0)) }
        if goals.allSatisfy({ [.stopped, .absent].contains($0.new) }) { return true }
        return spec == old.spec && scale <= old.scale
            && goals.allSatisfy { $0.new == $0.old || [.stopped, .absent].contains($0.new) }
    }
}
