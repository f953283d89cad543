import ProjectModel

extension IntentEdit {
    /// `up` and `create`: take the services from the file, with their dependencies; the others stay as they were.
    mutating func up(_ up: UpIntent) throws(IntentError) {
        guard let project else { throw .projectNeeded }
        guard !project.services.isEmpty || !desired.services.isEmpty else { throw .noServiceSelected }
        let known = Set(project.services.map(\.name))
        for name in (names + up.scale.keys.sorted()) where !known.contains(name) {
            throw .noSuchService(name, suggestion: likelySpelling(of: name, among: known))
        }
        for (name, count) in up.scale.sorted(by: { $0.key < $1.key }) where count < 0 {
            throw .badScale(service: name, count)
        }
        let named = names.isEmpty ? known : Set(names)
        var targets = named
        if up.dependencies { targets = DependencyGraph(services: project.services).closure(of: named) }
        change.services = Array(targets)
        change.scope.add(targets, up.recreate == .never ? .missing : .whole)
        desired.project = project.name
        desired.workingDirectory = project.workingDirectory
        desired.configFiles = project.configFiles
        desired.environmentFiles = project.environmentFiles
        desired.disabledServices = project.disabledServices
        desired.removal = nil
        markOrphans(known: known.union(project.disabledServices), remove: up.removeOrphans)
        var indices = indicesByName()
        for spec in project.services where indices[spec.name] == nil {
            indices[spec.name] = desired.services.count
            desired.services.append(DesiredService(spec: spec, goal: .absent))
        }
        var keepsDefinitions: Set<String> = []
        for spec in project.services {
            guard let index = indices[spec.name] else { continue }
            desired.services[index].isOrphan = false
            let isTarget = targets.contains(spec.name)
            let isKept = !isTarget || (up.recreate == .never && !replicas(desired.services[index]).isEmpty)
            if isKept { keepsDefinitions.insert(spec.name) }
            if isTarget { update(index, to: spec, up, isNamed: named.contains(spec.name)) }
        }
        desired.services.sort { $0.spec.name < $1.spec.name }
        takeDefinitions(from: project, kept: keepsDefinitions)
    }

    private mutating func update(_ index: Int, to spec: Service, _ up: UpIntent, isNamed: Bool) {
        var service = desired.services[index]
        service.isUpdatePaused = nil
        service.isRollingBack = nil
        let replicas = replicas(service)
        if up.recreate == .never, let model = replicas.min(by: { ($0.number ?? 0) < ($1.number ?? 0) }) {
            // The existing container is right by definition: where it differs, its template and image become the desired ones.
            if !divergences(from: model.template, to: service.spec.template).isEmpty {
                service.spec.template = model.template
            }
            let resolved = service.spec.image.flatMap { images[$0] }
            if (service.pinnedImage ?? resolved ?? model.imageID) != model.imageID {
                service.pinnedImage = model.imageID
            }
        } else {
            service.spec = spec
            service.pinnedImage = nil
        }
        service.scale = up.scale[spec.name] ?? spec.scale
        if up.start {
            service.setGoal(.running)
        } else if service.goal == .absent {
            service.setGoal(.created)
        } else {
            // Create what is missing, but start nothing.
            let up = Set(replicas.filter(\.isUp).compactMap(\.number))
            for number in 1...max(1, service.scale) where !up.contains(number) && service.isUpWanted(of: number) {
                service.edit(number) { $0.goal = .created }
            }
        }
        let renews = up.renewAnonymousVolumes && replicas.contains(where: \.hasAnonymousVolumes)
        let isAsked = isNamed ? up.recreate == .force : up.recreateDependencies
        let isForced = up.recreate != .never && (isAsked || renews)
        let isAskedAlready = replicas.contains { $0.recreateRound < service.recreateRound }
        if isForced, !replicas.isEmpty {
            if !isAskedAlready { service.recreateRound += 1 }
            service.renewAnonymousVolumes = renews
        }
        desired.services[index] = service
        if up.start { askForStart(index) }
    }

    /// Services that left the file: orphans while they have containers, else forgotten.
    mutating func markOrphans(known: Set<String>, remove: Bool) {
        desired.services.removeAll { !known.contains($0.spec.name) && (containers[$0.spec.name] ?? []).isEmpty }
        var stored: Set<String> = []
        for index in desired.services.indices {
            stored.insert(desired.services[index].spec.name)
            guard !known.contains(desired.services[index].spec.name) else { continue }
            desired.services[index].isOrphan = true
            guard remove else { continue }
            desired.services[index].setGoal(.absent)
            change.scope.add([desired.services[index].spec.name], .whole)
        }
        for (name, replicas) in containers where !known.contains(name) && !stored.contains(name) {
            guard let model = replicas.first else { continue }
            var orphan = DesiredService(
                spec: Service(name: name, template: model.template), goal: remove ? .absent : goal(of: model))
            orphan.isOrphan = true
            orphan.scale = replicas.count
            desired.services.append(orphan)
            if remove { change.scope.add([name], .whole) }
        }
    }

    private func goal(of container: ObservedContainer) -> DesiredService.Goal {
        switch container.state {
        case .created: .created
        case .running, .restarting: .running
        case .paused: .paused
        case .exited: .stopped
        }
    }

    /// Takes networks, volumes, secrets and configs from the file. If a service keeps its old definition, the objects that it uses
    /// keep theirs too, so that `up web` does not change `db`.
    private mutating func takeDefinitions(from project: Project, kept names: Set<String>) {
        var networks: Set<String> = []
        var volumes: Set<String> = []
        var secrets: Set<String> = []
        var configs: Set<String> = []
        for service in desired.services where service.goal != .absent {
            guard service.isOrphan || names.contains(service.spec.name) || isDisabled(service) else { continue }
            networks.formUnion(service.spec.networks.map(\.network))
            volumes.formUnion(service.spec.volumeKeys)
            secrets.formUnion(service.spec.secrets.map(\.source))
            configs.formUnion(service.spec.configs.map(\.source))
        }
        desired.networks.take(project.networks, keeping: networks)
        desired.volumes.take(project.volumes, keeping: volumes)
        desired.secrets.take(project.secrets, keeping: secrets)
        desired.configs.take(project.configs, keeping: configs)
    }

    private func isDisabled(_ service: DesiredService) -> Bool { desired.disabledServices.contains(service.spec.name) }

    /// `scale`: changes only the named counts, and makes the dependencies run.
    mutating func scale(_ counts: [String: Int], dependencies: Bool) throws(IntentError) {
        for (name, count) in counts.sorted(by: { $0.key < $1.key }) where count < 0 {
            throw .badScale(service: name, count)
        }
        let known = knownNames()
        for name in counts.keys.sorted() where !known.contains(name) {
            throw .noSuchService(name, suggestion: likelySpelling(of: name, among: known))
        }
        try adoptMissing(counts.keys.sorted())
        let graph = DependencyGraph(services: desired.services.map(\.spec))
        let targets = dependencies ? graph.closure(of: counts.keys) : Set(counts.keys)
        change.services = Array(targets)
        change.scope.add(counts.keys, .whole)
        change.scope.add(targets, .missing)
        desired.removal = nil
        for index in desired.services.indices where targets.contains(desired.services[index].spec.name) {
            if let count = counts[desired.services[index].spec.name] { desired.services[index].scale = count }
            desired.services[index].setGoal(.running)
            askForStart(index)
        }
    }

    /// Adds services that are in the file but not in the desired state, with everything that they need.
    private mutating func adoptMissing(_ names: [String]) throws(IntentError) {
        let stored = Set(desired.services.map(\.spec.name))
        guard !stored.isSuperset(of: names) else { return }
        guard let project else { throw .projectNeeded }
        for spec in project.services where !stored.contains(spec.name) {
            desired.services.append(DesiredService(spec: spec, goal: .absent))
        }
        let missing = names.first { name in !desired.services.contains { $0.spec.name == name } }
        if let missing { throw .noSuchService(missing, suggestion: nil) }
        desired.services.sort { $0.spec.name < $1.spec.name }
        takeDefinitions(from: project, kept: stored)
    }
}

extension Dictionary {
    /// Becomes `other`, but keeps the entries whose keys are in `kept`.
    fileprivate mutating func take(_ other: [Key: Value], keeping kept: Set<Key>) {
        self = other.merging(filter { kept.contains($0.key) }) { _, old in old }
    }
}
