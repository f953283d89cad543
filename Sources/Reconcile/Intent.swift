import ProjectModel

extension Desired {
    /// Edits the desired state for `verb`. If the state already is as the verb wants it, it stays equal and nothing is
    /// written.
    ///
    /// `project` is the current file, for verbs that read it. `services` and `containers` (ids) are those that the user
    /// named; if both are empty, the verb acts on all services.
    package mutating func apply(
        _ verb: IntentVerb, project: Project?, services names: [String], containers ids: Set<String> = [],
        observed: Observed
    ) throws(IntentError) -> IntentChange {
        var edit = IntentEdit(self, project: project, names: names, containers: ids, observed: observed)
        if names.isEmpty, !ids.isEmpty { edit.change.scope = PlanScope(extents: [:]) } else { try edit.apply(verb) }
        try edit.editSingly(verb)
        edit.change.services.sort()
        edit.change.orphans = edit.desired.services.filter(\.isOrphan).map(\.spec.name)
        edit.change.changed = edit.desired != self
        self = edit.desired
        return edit.change
    }
}

extension IntentEdit {
    /// Applies the verb to the named services, or to all.
    fileprivate mutating func apply(_ verb: IntentVerb) throws(IntentError) {
        switch verb {
        case .up(let up): try self.up(up)
        case .create(var up):
            up.start = false
            try self.up(up)
        case .down(let orphans, let volumes): try down(removeOrphans: orphans, volumes: volumes)
        case .start: try start()
        case .stop: try stop()
        case .restart(let dependents): try restart(dependents: dependents)
        case .kill(let signal, let orphans): try kill(signal, removeOrphans: orphans)
        case .pause: try pause()
        case .unpause: try unpause()
        case .remove(let stop, let volumes): try remove(stop: stop, volumes: volumes)
        case .rollback(let targets): try rollback(targets)
        case .scale(let counts, let dependencies): try scale(counts, dependencies: dependencies)
        }
    }
}

extension Desired {
    /// Pins services to the images that their references mean now, so that a later pull replaces nothing until the next `up`.
    /// Call it after the verb, once images are pulled. `up` removes the old pin.
    package mutating func pinImages(of names: [String], as observed: Observed) {
        let names = Set(names)
        for index in services.indices where names.contains(services[index].spec.name) {
            guard let image = services[index].spec.image.flatMap({ observed.images[$0] }) else { continue }
            services[index].pinnedImage = image
        }
    }
}

/// One verb's edit of the desired state, on a copy, so that an error leaves no partial edit.
struct IntentEdit {
    var desired: Desired
    let project: Project?
    let names: [String]
    /// Ids of containers that the user named.
    let ids: Set<String>
    let observed: Observed
    var change = IntentChange()
    /// Numbered containers by service.
    let containers: [String: [ObservedContainer]]
    /// The images that references mean now.
    let images: [String: String]

    init(_ desired: Desired, project: Project?, names: [String], containers ids: Set<String>, observed: Observed) {
        self.desired = desired
        self.project = project
        self.names = names
        self.ids = ids
        self.observed = observed
        images = observed.images
        containers = Dictionary(grouping: observed.containers.filter { $0.number != nil }, by: \.service)
    }

    /// The indices of the named services, or of all that are still in the file. Fails for a name that neither the desired state
    /// nor the file has. A service that only the file has needs no action.
    mutating func chosen() throws(IntentError) -> [Int] {
        let indices = indicesByName()
        guard !names.isEmpty else {
            let all = desired.services.indices.filter { !desired.services[$0].isOrphan }
            change.services = all.map { desired.services[$0].spec.name }
            change.scope.add(change.services, .existing)
            return all
        }
        let known = knownNames()
        for name in names where !known.contains(name) {
            throw .noSuchService(name, suggestion: likelySpelling(of: name, among: known))
        }
        change.services = Array(Set(names))
        change.scope.add(names, .existing)
        return Set(names).compactMap { indices[$0] }.sorted()
    }

    func knownNames() -> Set<String> {
        var known = Set(desired.services.map(\.spec.name)).union(desired.disabledServices)
        known.formUnion(project?.services.map(\.name) ?? [])
        known.formUnion(project?.disabledServices ?? [])
        return known
    }

    func indicesByName() -> [String: Int] {
        Dictionary(desired.services.enumerated().map { ($0.element.spec.name, $0.offset) }) { first, _ in first }
    }

    func replicas(_ service: DesiredService) -> [ObservedContainer] { containers[service.spec.name] ?? [] }

    /// Requests a start if a replica is down, waits for its next restart, or was paused by another program, unless a start is
    /// already requested.
    mutating func askForStart(_ index: Int) {
        let service = desired.services[index]
        let isNeeded = replicas(service).contains { $0.needsStart && $0.startRound >= service.startRound }
        if isNeeded { desired.services[index].startRound = nextStartRound(index) }
    }

    /// A round number that no replica of the service has used yet.
    func nextStartRound(_ index: Int) -> Int {
        let service = desired.services[index]
        return max(service.startRound, replicas(service).map(\.startRound).max() ?? 0) + 1
    }

    func nextRestartRound(_ index: Int) -> Int {
        let service = desired.services[index]
        return max(service.restartRound, replicas(service).map(\.restartRound).max() ?? 0) + 1
    }
}
