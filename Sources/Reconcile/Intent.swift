import ProjectModel

extension Desired {
    /// Edits the wish as `verb` asks; a verb that asks for what is wished already leaves the value equal, so that nothing
    /// is written.
    ///
    /// `project` is the file as it is now, for verbs that read it; `services` are the named ones, none meaning all.
    package mutating func apply(
        _ verb: IntentVerb, project: Project?, services names: [String], observed: Observed
    ) throws(IntentError) -> IntentChange {
        var edit = IntentEdit(self, project: project, names: names, observed: observed)
        switch verb {
        case .up(let up): try edit.up(up)
        case .create(var up):
            up.start = false
            try edit.up(up)
        case .down(let orphans, let volumes): try edit.down(removeOrphans: orphans, volumes: volumes)
        case .start: try edit.start()
        case .stop: try edit.stop()
        case .restart(let dependents): try edit.restart(dependents: dependents)
        case .kill(let signal, let orphans): try edit.kill(signal, removeOrphans: orphans)
        case .pause: try edit.pause()
        case .unpause: try edit.unpause()
        case .remove(let stop, let volumes): try edit.remove(stop: stop, volumes: volumes)
        case .scale(let counts, let dependencies): try edit.scale(counts, dependencies: dependencies)
        }
        edit.change.services.sort()
        edit.change.orphans = edit.desired.services.filter(\.isOrphan).map(\.spec.name)
        edit.change.changed = edit.desired != self
        self = edit.desired
        return edit.change
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
    var change = IntentChange()
    /// Numbered containers by service.
    let containers: [String: [ObservedContainer]]
    /// What image references resolve to now.
    let images: [String: String]

    init(_ desired: Desired, project: Project?, names: [String], observed: Observed) {
        self.desired = desired
        self.project = project
        self.names = names
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
        let isNeeded = replicas(service).contains { container in
            guard container.startRound >= service.startRound else { return false }
            switch container.state {
            case .exited, .restarting: return true
            case .paused: return container.isPausedByOthers
            case .created, .running: return false
            }
        }
        if isNeeded { desired.services[index].startRound += 1 }
    }
}
