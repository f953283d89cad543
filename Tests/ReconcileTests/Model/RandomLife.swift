import ProjectModel
import Reconcile

/// A project that lives a random life on a model machine: its file changes, verbs come in, things happen behind its back,
/// plans break off and fail; all of it follows from the seed.
struct RandomLife {
    private var random: SeededGenerator
    private(set) var machine = ModelMachine()
    private(set) var desired = Desired(project: "demo")
    private(set) var file = Project(name: "demo")
    /// Whether the person says yes to losing volumes.
    private let consents: Bool
    private(set) var story: [String] = []
    /// What the last verb may touch.
    private var scope = PlanScope.all

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        consents = random.chance(50)
        machine.observed.images = ["busybox": "sha256:1"]
        if random.chance(30) {
            var foreign = ObservedVolume(
                name: "demo_v1", project: "other", key: "v1", definition: VolumeDefinition(name: "demo_v1"))
            foreign.definition.driver = "other"
            machine.observed.volumes["demo_v1"] = foreign
        }
        for key in ["n0", "n1"] { file.networks[key] = NetworkDefinition(name: "demo_\(key)") }
        for key in ["v0", "v1"] { file.volumes[key] = VolumeDefinition(name: "demo_\(key)") }
        for index in 0..<Int.random(in: 1...5, using: &random) { addService(index) }
    }

    private mutating func addService(_ index: Int) {
        var spec = Service(name: "s\(index)", image: "busybox")
        if random.chance(25) { spec.scale = Int.random(in: 0...3, using: &random) }
        if random.chance(40) { spec.healthcheck = Healthcheck(test: ["CMD", "true"]) }
        if random.chance(15) {
            spec.command = ["job"]
            spec.healthcheck = nil
        }
        for lower in file.services where random.chance(35) {
            var need = Dependency(service: lower.name, restart: random.chance(40), required: random.chance(80))
            if lower.command == ["job"], random.chance(60) { need.condition = .completed }
            if lower.healthcheck != nil, random.chance(60) { need.condition = .healthy }
            spec.dependsOn.append(need)
        }
        if let owner = file.services.first, owner.scale == 1, owner.command == nil, random.chance(20) {
            spec.networkMode = .service(owner.name)
        } else {
            for key in ["n0", "n1"] where random.chance(40) { spec.networks.append(NetworkAttachment(network: key)) }
        }
        for key in ["v0", "v1"] where random.chance(25) { spec.volumes.append(.named(key, at: "/\(key)")) }
        if random.chance(25) {
            spec.volumes.append(
                ServiceVolume(kind: .volume(source: nil, noCopy: false, subpath: nil), target: "/anonymous"))
        }
        if spec.scale == 1, random.chance(30) {
            spec.ports = [PortMapping(target: 80, published: "\(8000 + index)")]
            if random.chance(40) { spec.containerName = "fixed\(index)" }
        }
        if random.chance(40) {
            spec.updateConfig = UpdateRules()
            spec.updateConfig?.parallelism = Int.random(in: 0...2, using: &random)
            if random.chance(50) { spec.updateConfig?.order = .startFirst }
        }
        file.services.append(spec)
    }

    // What happens.

    mutating func step() {
        if random.chance(60) { editFile() }
        applyVerb()
        if random.chance(50) { somethingHappens() }
        carryOut(faults: random.chance(60), in: scope)
    }

    private mutating func editFile() {
        guard let index = file.services.indices.randomElement(using: &random) else { return }
        switch Int.random(in: 0..<12, using: &random) {
        case 0: file.services[index].environment["V"] = "\(Int.random(in: 0..<3, using: &random))"
        case 1: file.networks["n0"]?.isInternal.toggle()
        case 2: file.networks["n1"]?.driverOptions["o"] = "\(Int.random(in: 0..<3, using: &random))"
        case 3: file.volumes["v0"]?.driverOptions["o"] = "\(Int.random(in: 0..<3, using: &random))"
        case 4: machine.observed.images["busybox"] = "sha256:\(Int.random(in: 0..<4, using: &random))"
        case 5: file.services[index].heal.toggle()
        case 6 where file.services.count > 1: leaveFile(index)
        case 7: swapPorts()
        case 8: moveNetworks(index)
        case 9: file.services[index].labels["l"] = "\(Int.random(in: 0..<3, using: &random))"
        case 10: file.networks["n1"]?.name = random.chance(50) ? "demo_n1" : "demo_other"
        default: file.networks["n0"]?.labels["l"] = "\(Int.random(in: 0..<3, using: &random))"
        }
    }

    private mutating func moveNetworks(_ index: Int) {
        guard file.services[index].networkMode == nil else { return }
        file.services[index].networks = ["n0", "n1"].filter { _ in random.chance(50) }.map { key in
            var attachment = NetworkAttachment(network: key)
            if random.chance(30) { attachment.aliases = ["a\(Int.random(in: 0..<3, using: &random))"] }
            if random.chance(20) { attachment.macAddress = "02:00:00:00:00:0\(index)" }
            return attachment
        }
    }

    private mutating func leaveFile(_ index: Int) {
        let name = file.services.remove(at: index).name
        for other in file.services.indices {
            file.services[other].dependsOn.removeAll { $0.service == name }
            if file.services[other].networkMode == .service(name) { file.services[other].networkMode = nil }
        }
    }

    private mutating func swapPorts() {
        let publishing = file.services.indices.filter { !file.services[$0].ports.isEmpty }
        guard publishing.count > 1, let last = publishing.last else { return }
        let ports = file.services[publishing[0]].ports
        file.services[publishing[0]].ports = file.services[last].ports
        file.services[last].ports = ports
    }

    private mutating func applyVerb() {
        let names = random.chance(50) ? [] : Array(file.services.map(\.name).shuffled(using: &random).prefix(1))
        let verbs: [IntentVerb] = [
            .up(UpIntent()), .up(UpIntent(removeOrphans: true)), .up(UpIntent(recreate: .force)),
            .up(UpIntent(recreate: .never)), .up(UpIntent(dependencies: false)),
            .up(UpIntent(renewAnonymousVolumes: true)), .create(UpIntent()), .start, .stop,
            .restart(dependents: true), .restart(dependents: false), .pause, .unpause,
            .kill(signal: "KILL", removeOrphans: false), .remove(stop: random.chance(50), volumes: random.chance(50)),
            .scale([names.first ?? "s0": Int.random(in: 0...3, using: &random)], dependencies: random.chance(50)),
            .down(removeOrphans: random.chance(50), volumes: random.chance(30)),
        ]
        guard let verb = random.pick(verbs) else { return }
        if case .scale(let counts, _) = verb, !canScale(counts) { return }
        let before = desired
        do {
            scope = try desired.apply(verb, project: file, services: names, observed: machine.observed).scope
            story.append("\(verb) \(names)")
        } catch {
            if desired != before { story.append("HALF EDITED by \(verb)") }
        }
    }

    mutating func apply(_ verb: IntentVerb) throws -> IntentChange {
        try desired.apply(verb, project: file, services: [], observed: machine.observed)
    }

    /// A fixed port or name and several replicas is for preflight to refuse; a job or an owner of a namespace stays single.
    private func canScale(_ counts: [String: Int]) -> Bool {
        counts.keys.allSatisfy { name in
            file.services.contains { spec in
                spec.name == name && spec.ports.isEmpty && spec.containerName == nil
                    && !file.services.contains { $0.networkMode == .service(name) }
            }
        }
    }

    private mutating func somethingHappens() {
        guard let index = machine.observed.containers.indices.randomElement(using: &random) else { return }
        let container = machine.observed.containers[index]
        let networks = machine.observed.networks.keys.sorted()
        switch Int.random(in: 0..<5, using: &random) {
        case 0 where container.state == .running:
            machine.observed.containers[index].state = .exited
            machine.observed.containers[index].exitCode = 1
            machine.observed.containers[index].health = nil
        case 1 where container.state == .running:
            machine.observed.containers[index].state = .paused
            machine.observed.containers[index].health = nil
            machine.observed.containers[index].isPausedByOthers = true
        case 2: if let name = random.pick(networks) { machine.observed.networks[name]?.damage = "bridge is gone" }
        case 3: machine.forget(container.id)
        case 4: if let name = random.pick(networks) { machine.observed.networks[name] = nil }
        default: return
        }
        story.append("something happened to \(container.name)")
    }

    /// The plan as the person's consent allows it.
    func planned(in scope: PlanScope = .all) -> Plan {
        let whole = plan(desired: desired, observed: machine.observed, in: scope)
        let names = whole.namesNeedingConsent
        return consents || names.isEmpty
            ? whole : plan(desired: desired, observed: machine.observed, keeping: Set(names), in: scope)
    }

    /// Carries the plan out in a random order that its edges allow; with faults, some actions fail, and it may break off.
    /// - Returns: how many actions ended well.
    @discardableResult
    mutating func carryOut(faults: Bool, in scope: PlanScope = .all) -> Int {
        machine.discardSuccessors()
        let plan = planned(in: scope)
        machine.scope = scope
        var done: Set<Int> = []
        var open = plan.actions
        var left = faults && random.chance(50) ? Int.random(in: 0...max(1, open.count), using: &random) : open.count
        var failed = 0
        while left > 0 {
            let ready = open.indices.filter { done.isSuperset(of: open[$0].after) }
            guard let index = ready.randomElement(using: &random) else { break }
            let action = open.remove(at: index)
            left -= 1
            if faults && random.chance(10) { continue }
            if machine.carryOut(action, desired) { done.insert(action.number) } else { failed += 1 }
        }
        if !faults, failed == 0, !open.isEmpty { machine.complain("stuck: \(open)") }
        return done.count
    }

    /// Somebody that nobody stops holds a port that the replica wants.
    func lacksPort(_ replica: Replica) -> Bool {
        let wanted = Set(desired.service(replica.service)?.spec.ports.compactMap(\.published) ?? [])
        return machine.observed.containers.contains { other in
            other.service != replica.service && !wanted.isDisjoint(with: other.template.ports.compactMap(\.published))
        }
    }

    /// Plans and carries out without faults until nothing moves.
    /// - Returns: what is still planned then.
    mutating func settle() -> Plan {
        for _ in 0..<12 where carryOut(faults: false) > 0 {}
        machine.discardSuccessors()
        return planned()
    }
}
