import ProjectModel

extension Desired {
    /// Edits the wish as `verb` asks; a verb that asks for what is wished already leaves the value equal, so that nothing
    /// is written.
    ///
    /// `project` is the file as it is now, for verbs that read it; `services` are the named ones, and `containers` the ids of those that
    /// were named by themselves; none of either means all services.
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
    /// What the verb asks of the named services, or of all.
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
    /// Holds services to the images that their references resolve to now, so that a later pull makes nothing anew until
    /// `up` asks: to be called after the verb, once images are pulled. `up` takes the old pin away.
    package mutating func pinImages(of names: [String], as observed: Observed) {
        let names = Set(names)
        for index in services.indices where names.contains(services[index].spec.name) {
            guard let image = services[index].spec.image.flatMap({ observed.images[$0] }) else { continue }
            services[index].pinnedImage = image
        }
    }
}

/// One verb's edit of a project's wish, on a copy: an error leaves nothing half edited.
struct IntentEdit {
    var desired: Desired
    let project: Project?
    let names: [String]
    /// Of containers that were named by themselves.
    let ids: Set<String>
    let observed: Observed
    var change = IntentChange()
    /// Numbered containers by service.
    let containers: [String: [ObservedContainer]]
    /// What image references resolve to now.
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

    /// The indices of the named services, or of all that did not leave the file; fails for a name that neither the wish nor
    /// the file knows. One that only the file knows has nothing to act on.
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

    /// Asks for a start where a replica is down, or waits for its next restart, or was paused by somebody else, and no start is
    /// asked for yet.
    mutating func askForStart(_ index: Int) {
        let service = desired.services[index]
        let isNeeded = replicas(service).contains { $0.needsStart && $0.startRound >= service.startRound }
        if isNeeded { desired.services[index].startRound = nextStartRound(index) }
    }

    /// A round that no replica of the service has taken yet, also none that was asked by itself.
    func nextStartRound(_ index: Int) -> Int {
        let service = desired.services[index]
        return max(service.startRound, replicas(service).map(\.startRound).max() ?? 0) + 1
    }

    func nextRestartRound(_ index: Int) -> Int {
        let service = desired.services[index]
        return max(service.restartRound, replicas(service).map(\.restartRound).max() ?? 0) + 1
    }
}
