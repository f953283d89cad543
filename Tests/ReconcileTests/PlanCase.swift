import ProjectModel
import Reconcile
import Testing

/// A row of the planner's table: two values, and the plan as text.
struct PlanCase: CustomTestStringConvertible, Sendable {
    let claim: String
    let desired: Desired
    let observed: Observed
    var keeping: Set<String> = []
    var scope: PlanScope
    let plan: String

    init(
        _ claim: String, _ scene: Scene, keeping: Set<String> = [], scope: PlanScope = .all, plan: String
    ) {
        self.claim = claim
        desired = scene.desired
        observed = scene.observed
        self.keeping = keeping
        self.scope = scope
        self.plan = plan
    }

    var testDescription: String { claim }

    func check() {
        let plan = Reconcile.plan(desired: desired, observed: observed, keeping: keeping, in: scope)
        let actual = plan.description
        #expect(actual == self.plan, "\(claim):\n\(actual)")
    }
}

/// A desired project named `demo` and a machine beside it, built in a few words.
struct Scene: Sendable {
    var desired = Desired(project: "demo")
    var observed = Observed()

    /// Adds a service that should run.
    func wanting(
        _ name: String, _ goal: DesiredService.Goal = .running, scale: Int = 1, on networks: [String] = [],
        _ edit: (inout Service) -> Void = { _ in }
    ) -> Scene {
        var scene = self
        var spec = Service(name: name, image: "busybox")
        spec.scale = scale
        spec.networks = networks.map { NetworkAttachment(network: $0) }
        edit(&spec)
        for key in networks where scene.desired.networks[key] == nil {
            scene.desired.networks[key] = NetworkDefinition(name: "demo_\(key)")
        }
        scene.desired.services.append(DesiredService(spec: spec, goal: goal))
        scene.desired.services.sort { $0.spec.name < $1.spec.name }
        return scene
    }

    /// Adds a service that mounts the named volume `key`.
    func wanting(_ name: String, mounting key: String, _ goal: DesiredService.Goal = .running) -> Scene {
        var scene = wanting(name, goal) { $0.volumes = [.named(key, at: "/data")] }
        if scene.desired.volumes[key] == nil { scene.desired.volumes[key] = VolumeDefinition(name: "demo_\(key)") }
        return scene
    }

    /// The replicas of `service` are there as they should be, networks and volumes too.
    func having(
        _ service: String, _ state: ObservedContainer.State = .running, numbers: [Int] = [1],
        _ edit: (inout ObservedContainer) -> Void = { _ in }
    ) -> Scene {
        var scene = self
        guard let wanted = desired.service(service) else { return self }
        for number in numbers {
            var container = scene.container(of: wanted, number: number, state)
            edit(&container)
            scene.observed.containers.append(container)
            scene.attach(container)
        }
        return scene
    }

    private func container(
        of wanted: DesiredService, number: Int, _ state: ObservedContainer.State
    ) -> ObservedContainer {
        let spec = wanted.spec
        var container = ObservedContainer(
            id: "\(spec.name)-\(number)", name: spec.replicaName(.numbered(service: spec.name, number), in: "demo"),
            owner: .replica(project: "demo", service: spec.name, number: number), template: spec.template,
            imageID: "sha256:aaaa", state: state)
        container.networks = desired.networks
        container.volumes = desired.volumes
        container.secrets = desired.secrets
        container.configs = desired.configs
        container.recreateRound = wanted.recreateRound
        container.restartRound = wanted.restartRound
        container.startRound = wanted.startRound
        return container
    }

    private mutating func attach(_ container: ObservedContainer) {
        for attachment in container.template.networks {
            guard let definition = desired.networks[attachment.network] else { continue }
            if observed.networks[definition.name] == nil {
                observed.networks[definition.name] = ObservedNetwork(
                    name: definition.name, project: "demo", key: attachment.network, definition: definition)
            }
            observed.networks[definition.name]?.users.append(container.id)
        }
        for case .volume(let key?, _, _) in container.template.volumes.map(\.kind) {
            guard let definition = desired.volumes[key] else { continue }
            if observed.volumes[definition.name] == nil {
                observed.volumes[definition.name] = ObservedVolume(
                    name: definition.name, project: "demo", key: key, definition: definition)
            }
            observed.volumes[definition.name]?.users.append(container.id)
        }
    }

    /// A container of `berth run`.
    func havingOneOff(_ name: String, of service: String, _ state: ObservedContainer.State = .exited) -> Scene {
        var scene = self
        var container = ObservedContainer(
            id: name, name: name, owner: .oneOff(project: "demo", service: service, name: name),
            template: ContainerTemplate(image: "busybox"),
            imageID: "sha256:aaaa", state: state)
        container.networks = desired.networks
        scene.observed.containers.append(container)
        return scene
    }

    /// Then the file or an intent changes `service`.
    func changing(_ service: String, _ edit: (inout DesiredService) -> Void) -> Scene {
        with { scene in
            for index in scene.desired.services.indices where scene.desired.services[index].spec.name == service {
                edit(&scene.desired.services[index])
            }
        }
    }

    func with(_ edit: (inout Scene) -> Void) -> Scene {
        var scene = self
        edit(&scene)
        return scene
    }
}

extension ServiceVolume {
    static func named(_ key: String, at target: String) -> ServiceVolume {
        ServiceVolume(kind: .volume(source: key, noCopy: false, subpath: nil), target: target)
    }
}
