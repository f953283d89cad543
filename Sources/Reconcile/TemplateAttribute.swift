/// An attribute of a container's template, for the planner: how to compare two values, how a change reaches an existing
/// container, and which values a person may see. Nothing else declares this. A change of an undeclared attribute
/// replaces the container.
struct TemplateAttribute: Sendable {
    /// Compose's own word: the key of the template's JSON form.
    let name: String
    let form: Form
    let change: Change
    /// A reason may show its value or those of its members.
    let isShown: Bool

    /// The kind of its value; values with the same meaning compare equal.
    enum Form: Sendable {
        case value
        /// A list of texts in any order.
        case set
        /// A list of objects in any order.
        case unordered
        /// A list in any order, whose elements have this member as their key.
        case keyed(by: String)
        /// A mapping that is reported member by member.
        case members
    }

    /// How a change of it reaches a container.
    enum Change: Sendable {
        /// Fixed when the process is created: a change replaces the container.
        case anew
        /// The container runs on with the new value.
        case inPlace
        /// Each member decides.
        case byMember
    }

    init(_ name: String, _ form: Form = .value, _ change: Change = .anew, isShown: Bool = false) {
        self.name = name
        self.form = form
        self.change = change
        self.isShown = isShown
    }

    static let all: [TemplateAttribute] = [
        // What to run.
        .init("image", isShown: true),
        .init("platform", isShown: true),
        .init("command"),
        .init("entrypoint"),
        .init("environment", .members),
        .init("environment_removed", .set, isShown: true),
        .init("working_dir", isShown: true),
        .init("user", isShown: true),
        .init("group_add", .set),
        .init("tty", isShown: true),
        .init("stdin_open", isShown: true),
        .init("stdin_once", isShown: true),
        .init("console_size"),
        .init("init", isShown: true),
        // Names. Labels are known only to berth, not to the kernel.
        .init("container_name", isShown: true),
        .init("hostname", isShown: true),
        .init("domainname", isShown: true),
        .init("labels", .members, .inPlace, isShown: true),
        .init("annotations", .members, isShown: true),
        // Supervision: the engine reads these at each end, each probe and each stop.
        .init("restart", .value, .inPlace),
        .init("healthcheck", .members, .inPlace),
        .init("stop_signal", .value, .inPlace, isShown: true),
        .init("stop_grace_period", .value, .inPlace),
        .init("pre_stop", .value, .inPlace),
        .init("x-berth.stop_programs_of_shell", .value, .inPlace),
        .init("auto_remove", .value, .inPlace, isShown: true),
        .init("post_start"),
        .init("logging", .members),
        // Files.
        .init("volumes", .keyed(by: "target")),
        .init("volumes_from"),
        .init("volume_driver", isShown: true),
        .init("secrets", .keyed(by: "source")),
        .init("configs", .keyed(by: "source")),
        .init("read_only", isShown: true),
        .init("shm_size"),
        .init("storage_opt", .members, isShown: true),
        // Network: interfaces can change while the process runs; rules and names belong to the engine.
        .init("network_mode"),
        .init("networks", .keyed(by: "network"), .inPlace),
        .init("ports", .unordered, .inPlace),
        .init("publish_all_ports", isShown: true),
        .init("expose", .set, .inPlace),
        .init("links", .value, .inPlace),
        .init("external_links", .value, .inPlace),
        .init("dns"),
        .init("dns_search"),
        .init("dns_opt"),
        .init("extra_hosts"),
        .init("mac_address", isShown: true),
        // Rights.
        .init("privileged", isShown: true),
        .init("cap_add", .set),
        .init("cap_drop", .set),
        .init("security_opt", .set),
        .init("masked_paths", .set),
        .init("readonly_paths", .set),
        .init("sysctls", .members, isShown: true),
        .init("ulimits", .members),
        .init("devices", .unordered),
        .init("device_cgroup_rules", .unordered),
        .init("pid", isShown: true),
        .init("ipc", isShown: true),
        .init("uts", isShown: true),
        .init("cgroup", isShown: true),
        .init("cgroup_parent", isShown: true),
        .init("userns_mode", isShown: true),
        .init("runtime", isShown: true),
        .init("isolation", isShown: true),
        .init("resources", .members, .byMember, isShown: true),
    ]

    private static let byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }

    static func named(_ name: String) -> TemplateAttribute { byName[name] ?? TemplateAttribute(name) }
}

/// A member of `resources`: either a cgroup file, which can be written while processes are in the cgroup, or a property that a process
/// gets at its creation.
enum ResourceMember {
    private enum Change {
        case anew
        case inPlace
        /// Can change in place from one value to another, but not to "never set", which the kernel cannot express.
        case inPlaceUnlessRemoved
    }

    private static let all: [String: Change] = [
        "cpus": .inPlace,
        "cpu_shares": .inPlace,
        "cpu_quota": .inPlace,
        "cpu_period": .inPlace,
        "mem_limit": .inPlace,
        "pids_limit": .inPlace,
        "cpuset": .inPlaceUnlessRemoved,
        "mem_reservation": .inPlaceUnlessRemoved,
        "memswap_limit": .inPlaceUnlessRemoved,
        "mem_swappiness": .inPlaceUnlessRemoved,
        "blkio_weight": .inPlaceUnlessRemoved,
        // Limits of removed devices would stay.
        "blkio_config": .anew,
        // Child processes inherit it.
        "oom_score_adj": .anew,
        "oom_kill_disable": .anew,
        "cpu_rt_period": .anew,
        "cpu_rt_runtime": .anew,
    ]

    static func isInPlace(_ name: String, _ change: Divergence.Change) -> Bool {
        switch all[name] ?? .anew {
        case .anew: return false
        case .inPlace: return true
        case .inPlaceUnlessRemoved:
            if case .removed = change { return false }
            return true
        }
    }
}
