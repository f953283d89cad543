extension Format {
    /// `services.*.deploy`: berth acts on what a single machine can do; the rest has a meaning only in a cluster.
    static let deploy = Record(
        "a deployment",
        [
            Attribute(
                "mode",
                .text(
                    .words(
                        "deployment mode", ["replicated", "global", "replicated-job", "global-job"], harmless: true)),
                standing: .noEffect("a cluster"), default: "replicated", "How it is replicated."),
            Attribute("replicas", .integer(in: 0...Int64(Int32.max)), default: "1", "How many replicas run."),
            Attribute(
                "labels", .labels, merge: .members, standing: .noEffect("a cluster"), "Labels on the service itself."),
            Attribute(
                "update_config", .mapping(rollout),
                "How berth brings replicas to a new version. By default all at once, and each stops before the new one starts."
            ),
            Attribute("rollback_config", .mapping(rollout), "How berth rolls replicas back to the previous version."),
            Attribute("resources", .mapping(resources), "Limits and reservations."),
            Attribute("restart_policy", .mapping(restartPolicy), "What happens when it exits."),
            Attribute("placement", .mapping(placement), standing: .noEffect("a cluster"), "Where it runs."),
            Attribute(
                "endpoint_mode", .text(.words("endpoint mode", ["vip", "dnsrr"], harmless: true)),
                standing: .noEffect("a cluster"), "How clients reach it."),
        ])

    static let rollout = Record(
        "a rollout",
        [
            Attribute(
                "parallelism", .integer(in: 0...Int64(Int32.max)), default: "1",
                "How many replicas berth replaces at once; 0 means all."),
            Attribute("delay", .duration, default: "0s", "Time between one group of replicas and the next."),
            Attribute(
                "failure_action",
                .text(.words("action after a failure", ["continue", "pause", "rollback"], harmless: true)),
                default: "pause", "What to do when too many replicas fail."),
            Attribute(
                "monitor", .duration, default: "5s",
                "How long berth watches a new replica after its start. A replica that ends or becomes unhealthy in this time has failed."
            ),
            Attribute("max_failure_ratio", .number, default: "0", "The share of replicas that may fail, 0 to 1."),
            Attribute(
                "order", .choice("start-first", "stop-first"), default: "stop-first",
                "Whether the new replica starts before or after the old one stops."),
        ])

    private static let resources = Record(
        "resources",
        [
            Attribute(
                "limits",
                .mapping(
                    Record(
                        "limits",
                        [
                            Attribute("cpus", .cores, example: "0.5", "Cores."),
                            Attribute(
                                "memory", Shape(.string, meaning: .bytes), example: "512M",
                                "Memory, in bytes or with a unit."),
                            Attribute("pids", .integer, "Processes."),
                        ])), "What it may use at most."),
            Attribute(
                "reservations",
                .mapping(
                    Record(
                        "reservations",
                        [
                            Attribute("cpus", .cores, standing: .noEffect("a cluster"), "Cores."),
                            Attribute(
                                "memory", Shape(.string, meaning: .bytes), "Memory, in bytes or with a unit."),
                            Attribute(
                                "generic_resources", .list(of: genericResource), standing: .noEffect("a cluster"),
                                "Other countable resources."),
                            Attribute(
                                "devices", .list(of: reservedDevice),
                                standing: .refused("its programs would not find them"), "Devices."),
                        ])), "What is reserved for it."),
        ])

    private static let genericResource = Record(
        "a resource",
        [
            Attribute(
                "discrete_resource_spec",
                .mapping(
                    Record(
                        "a countable resource",
                        [
                            Attribute("kind", .text, "Its kind."),
                            Attribute("value", .number, "How many."),
                        ])), "A countable resource.")
        ])

    private static let reservedDevice = Record(
        "a reserved device",
        deviceRequest.attributes.map { attribute in
            attribute.name == "capabilities"
                ? Attribute("capabilities", .distinctTexts, required: true, attribute.documentation) : attribute
        })

    private static let restartPolicy = Record(
        "a restart policy",
        [
            Attribute(
                "condition",
                .text(
                    .words(
                        "restart condition", ["none", "on-failure", "any", "always", "unless-stopped", "no"])),
                default: "any", example: "on-failure", "none, on-failure or any."),
            Attribute("delay", .duration, standing: .noEffect("a cluster"), "Time between attempts."),
            Attribute("max_attempts", .integer, "How many attempts are made."),
            Attribute("window", .duration, standing: .noEffect("a cluster"), "How long it must run to count."),
        ])

    private static let placement = Record(
        "placement",
        [
            Attribute("constraints", .texts, "Conditions on the machine."),
            Attribute(
                "preferences",
                .list(of: Record("a preference", [Attribute("spread", .text, "What it is spread over.")])),
                "Preferences for the machine."),
            Attribute("max_replicas_per_node", .integer, "How many replicas a machine runs."),
        ])
}
