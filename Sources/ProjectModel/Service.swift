/// One service of a project (`services.*`): how many containers, from which template, and what it needs from others.
///
/// The attributes of its template look like its own, as in a file and in its JSON form.
@dynamicMemberLookup
package struct Service: Hashable, Sendable {
    package var name: String
    /// The template of each of its containers.
    package var template: ContainerTemplate
    /// How to build the image that `image` then names.
    package var build: BuildDefinition?
    package var pullPolicy: PullPolicy?
    package var profiles: [String] = []
    /// The number of replicas: `scale` or `deploy.replicas`; 1 by default.
    package var scale: Int = 1
    package var dependsOn: [Dependency] = []
    /// `up` shows its output.
    package var attach: Bool = true
    /// How to replace running replicas by a new version, and how to roll back; nil: all replicas at once.
    package var updateConfig: UpdateRules?
    package var rollbackConfig: UpdateRules?
    /// What to do when source files change (`develop.watch`), in the file's order.
    package var watch: [WatchRule] = []

    /// Unpause a container that somebody else paused (`x-berth.heal`).
    package var heal: Bool = false

    package init(name: String, image: String? = nil) {
        self.init(name: name, template: ContainerTemplate(image: image))
    }

    package init(name: String, template: ContainerTemplate) {
        self.name = name
        self.template = template
    }

    package subscript<Value>(dynamicMember member: WritableKeyPath<ContainerTemplate, Value>) -> Value {
        get { template[keyPath: member] }
        set { template[keyPath: member] = newValue }
    }

    package subscript<Value>(dynamicMember member: KeyPath<ContainerTemplate, Value>) -> Value {
        template[keyPath: member]
    }

    package var hasBuild: Bool { build != nil }

    /// Its image has a name that a registry may know, not the name that Compose gives to images that it builds.
    package func hasNamedImage(in project: String) -> Bool {
        !hasBuild || (template.image != nil && template.image != "\(project)-\(name)")
    }
}

extension Service: Codable {
    private enum CodingKeys: String, CodingKey {
        case name, profiles, scale, attach, heal, build
        case pullPolicy = "pull_policy"
        case dependsOn = "depends_on"
        case updateConfig = "update_config"
        case rollbackConfig = "rollback_config"
    }

    package init(from decoder: any Decoder) throws {
        let own = try decoder.container(keyedBy: CodingKeys.self)
        self.init(name: try own.decode(String.self, forKey: .name), template: try ContainerTemplate(from: decoder))
        build = try own.decode(BuildField.self, forKey: .build).definition
        pullPolicy = try own.decodeIfPresent(PullPolicy.self, forKey: .pullPolicy)
        profiles = try own.decode([String].self, forKey: .profiles)
        scale = try own.decode(Int.self, forKey: .scale)
        dependsOn = try own.decode([Dependency].self, forKey: .dependsOn)
        attach = try own.decode(Bool.self, forKey: .attach)
        heal = try own.decode(Bool.self, forKey: .heal)
        updateConfig = try own.decodeIfPresent(UpdateRules.self, forKey: .updateConfig)
        rollbackConfig = try own.decodeIfPresent(UpdateRules.self, forKey: .rollbackConfig)
    }

    package func encode(to encoder: any Encoder) throws {
        var own = encoder.container(keyedBy: CodingKeys.self)
        try own.encode(name, forKey: .name)
        try template.encode(to: encoder)
        try own.encode(BuildField(build), forKey: .build)
        try own.encodeIfPresent(pullPolicy, forKey: .pullPolicy)
        try own.encode(profiles, forKey: .profiles)
        try own.encode(scale, forKey: .scale)
        try own.encode(dependsOn, forKey: .dependsOn)
        try own.encode(attach, forKey: .attach)
        try own.encode(heal, forKey: .heal)
        try own.encodeIfPresent(updateConfig, forKey: .updateConfig)
        try own.encodeIfPresent(rollbackConfig, forKey: .rollbackConfig)
    }
}

/// When to pull an image.
package enum PullPolicy: Codable, Hashable, Sendable {
    case always, never, missing, build
    /// Pull again when the local copy is older than this.
    case every(Duration)
}

/// `depends_on.*`.
package struct Dependency: Codable, Hashable, Sendable {
    package var service: String
    package var condition: Condition
    /// Restart the dependent when a verb restarts or replaces this dependency.
    package var restart: Bool
    /// If false, a missing or failed dependency is only a warning.
    package var required: Bool

    package enum Condition: String, Codable, Hashable, Sendable {
        case started = "service_started"
        case healthy = "service_healthy"
        case completed = "service_completed_successfully"
    }

    package init(service: String, condition: Condition = .started, restart: Bool = false, required: Bool = true) {
        self.service = service
        self.condition = condition
        self.restart = restart
        self.required = required
    }
}
