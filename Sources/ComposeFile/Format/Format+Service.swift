extension Format {
    /// `services.*`.
    package static let service = Record(
        "a service", isJudged: true, identity + execution + links + limits + lifecycle)

    /// The attributes in docker compose's order of output, in five parts, because the compiler needs too long for one.
    private static let identity: [Attribute] = [
        Attribute(
            "profiles", .distinctTexts, merge: .uniqueText, example: "[debug]",
            "The service is part of the project only when one of these profiles is enabled."),
        Attribute(
            "annotations", .labels, merge: .members, example: "{com.example.team: shop}",
            "Annotations in the container's runtime configuration."),
        Attribute("attach", .boolean, default: "true", "An attached `up` shows its output."),
        Attribute(
            "build", Shape(.string, record: build, short: .build), example: "./app",
            "How its image is built; a string is the build context."),
        Attribute("develop", Shape(.null, record: develop), "How `watch` follows source changes."),
        Attribute("blkio_config", .mapping(blkio), "Limits on block devices."),
        Attribute(
            "cap_add", .distinctTexts(.capability), merge: .uniqueText, example: "[NET_ADMIN]",
            "Capabilities that the container gets in addition to the default ones."),
        Attribute(
            "cap_drop", .distinctTexts(.capability), merge: .uniqueText, example: "[ALL]",
            "Default capabilities that the container does not get."),
        Attribute(
            "cgroup_parent", .text, example: "m-executor-abcd", "The parent of the container's cgroup."),
        Attribute("cgroup", .choice("host", "private"), default: "private", "The cgroup namespace."),
        Attribute(
            "cpu_count", .integer(in: 0...Int64.max), standing: .noEffect("Windows"),
            "How many processors may be used."),
        Attribute(
            "cpu_percent", .integer(in: 0...100), standing: .noEffect("Windows"),
            "The percentage of processor time that may be used."),
        Attribute("cpu_period", .wholeNumber, example: "100000", "The CFS period, in microseconds."),
        Attribute("cpu_quota", .wholeNumber, example: "50000", "The CFS quota, in microseconds a period."),
        Attribute("cpu_rt_period", .wholeNumber, "The real-time period, in microseconds."),
        Attribute("cpu_rt_runtime", .wholeNumber, "The real-time share, in microseconds."),
        Attribute("cpus", .cores, example: "0.5", "How many cores may be used; 1.5 is one and a half."),
        Attribute("cpuset", .text(.cpuSet), example: "\"0-2\"", "On which cores it may run."),
        Attribute(
            "cpu_shares", .wholeNumber(in: 0...Int64.max), default: "1024",
            "Its weight when containers compete for cores."),
        Attribute(
            "command", .command, merge: .replace, example: "[nginx, -g, \"daemon off;\"]",
            "Replaces the image's command; a string is split as a shell does."),
        Attribute("configs", .fileReferences, merge: .unique(.configTarget), "Configs to mount."),
        Attribute(
            "container_name", Shape(.string, pattern: .containerName, grammar: .containerName),
            default: "<project>-<service>-<number>",
            "The container's name; the service then cannot be scaled."),
        Attribute(
            "credential_spec", .mapping(credentialSpec), standing: .noEffect("Windows"),
            "The credential specification of a managed account."),
    ]

    private static let execution: [Attribute] = [
        Attribute(
            "depends_on",
            Shape(items: .text, uniqueItems: true, members: .mapping(dependency), names: .name, short: .dependsOn),
            example: "{db: {condition: service_healthy}}", "Services that must start before it."),
        Attribute("deploy", Shape(.null, record: deploy), "Replicas, resources and placement."),
        Attribute(
            "device_cgroup_rules", .distinctTexts(.deviceRule), merge: .distinct, example: "[\"c 1:3 mr\"]",
            "Rules for device access."),
        Attribute(
            "devices", Shape(items: Shape(.string, record: device, short: .device)), merge: .unique(.target),
            example: "[\"/dev/ttyUSB0\"]", "Devices of the host."),
        Attribute(
            "dns", Shape(.string, items: .text(.nameServer), short: .listOfOne(keptRaw: false)), merge: .uniqueText,
            example: "9.9.9.9", "Name servers."),
        Attribute("dns_opt", .distinctTexts(.resolverOption), merge: .uniqueText, "Options for the resolver."),
        Attribute(
            "dns_search", Shape(.string, items: .text(.searchDomain), short: .listOfOne(keptRaw: true)),
            merge: .uniqueText, example: "example.com", "Search domains."),
        Attribute("domainname", .text(.domainName), "The domain part of the host name."),
        Attribute(
            "entrypoint", .command, merge: .replace,
            "Replaces the image's entry point; a string is split as a shell does."),
        Attribute(
            "provider", .mapping(provider),
            standing: .refused("what the provider makes would be missing, and services depend on it"),
            "An external program that provides the service."),
        Attribute(
            "environment", .variables, merge: .members, example: "{LOG_LEVEL: debug}",
            "Environment variables; if one has no value, it comes from the caller's environment."),
        Attribute(
            "env_file", Shape(.string, items: Shape(.string, record: envFile), short: .envFiles),
            merge: .unique(.path), example: "./app.env", "Files with environment variables."),
        Attribute(
            "expose", Shape(items: Shape([.string, .number], grammar: .exposedPort), uniqueItems: true),
            merge: .uniqueText, example: "[3000]",
            "Ports for other services; they are not published."),
        Attribute("external_links", .distinctTexts, merge: .distinct, "Containers outside the project, with an alias."),
        Attribute(
            "extra_hosts", .extraHosts, merge: .extraHosts, example: "[\"gateway=host-gateway\"]",
            "Additional lines of /etc/hosts."),
        Attribute(
            "group_add", Shape(items: Shape([.string, .number], grammar: .group), uniqueItems: true), merge: .distinct,
            "Additional groups of the user, by name or number."),
        Attribute(
            "gpus", Shape(.string, allowed: ["all"], items: Shape(record: deviceRequest), short: .gpus),
            standing: .refused("its programs would find no graphics processor"), example: "all",
            "Graphics processors."),
        Attribute("hostname", .text(.hostName), "The container's host name."),
        Attribute("healthcheck", .mapping(healthcheck), "How berth checks whether it works."),
        Attribute("image", .text(.imageReference), example: "nginx:1.27", "The image's reference."),
    ]

    private static let links: [Attribute] = [
        Attribute("init", .boolean, default: "false", "Runs a small init as process 1."),
        Attribute(
            "ipc",
            .text(.namespace("IPC namespace", ["none", "private", "shareable", "host"], joins: true)),
            example: "service:db", "The IPC namespace."),
        Attribute("isolation", .text, standing: .noEffect("Windows"), "The isolation technology."),
        Attribute("labels", .labels, merge: .members, example: "{com.example.team: shop}", "Labels on the containers."),
        Attribute("label_file", .textAsTexts, "Files with labels."),
        Attribute(
            "links", .distinctTexts, merge: .uniqueText, example: "[\"db:database\"]", "Services under an alias."),
        Attribute("logging", .mapping(logging), merge: .logging, "Where its log goes."),
        Attribute("mem_limit", .bytes, example: "512m", "The memory limit, in bytes or with a unit."),
        Attribute("mem_reservation", .bytes, "The memory that is reserved for it."),
        Attribute("memswap_limit", .bytes, "Memory and swap together; -1 means no limit."),
        Attribute(
            "mem_swappiness", Shape([.number, .string], meaning: .bytes, range: -1...100),
            "How eagerly the kernel swaps it out, from 0 to 100."),
        Attribute("mac_address", .text(.hardwareAddress), "The hardware address on its first network."),
        Attribute(
            "models", Shape(items: .text, uniqueItems: true, members: Shape(.null, record: modelUse), short: .names),
            standing: .notYet, "Language models that it uses."),
        Attribute(
            "networks",
            Shape(
                items: .text, uniqueItems: true, members: Shape(.null, record: networkAttachment), names: .name,
                short: .names), default: "[default]", "The networks it attaches to."),
        Attribute("network_mode", .text, example: "host", "none, host, service:NAME or container:NAME."),
        Attribute("oom_kill_disable", .boolean, default: "false", "The kernel does not kill it when memory is short."),
        Attribute(
            "oom_score_adj", .integer(in: -1000...1000), default: "0",
            "How likely the kernel kills it when memory is short."),
        Attribute(
            "pid", Shape([.string, .null], grammar: .namespace("PID namespace", ["host"], joins: true)),
            example: "host", "The PID namespace."),
        Attribute("pids_limit", .wholeNumber, "How many processes it may have; -1 means no limit."),
        Attribute("platform", .text(.platform), example: "linux/arm64", "The image's platform."),
        Attribute(
            "ports",
            Shape(items: Shape([.number, .string], record: port), uniqueItems: true, short: .ports),
            merge: .unique(.port), example: "[\"8080:80\"]", "Ports that are published on the host."),
    ]

    private static let limits: [Attribute] = [
        Attribute("privileged", .boolean, default: "false", "All capabilities and devices."),
        Attribute(
            "pull_policy", Shape(.string, meaning: .pullPolicy), default: "missing", example: "always",
            "When the image is pulled: always, never, missing, build, daily, weekly or every_12h."),
        Attribute("pull_refresh_after", .text, standing: .notYet, "After how much time berth pulls the image again."),
        Attribute("read_only", .boolean, default: "false", "The root file system cannot be written."),
        Attribute(
            "restart", Shape(.string, meaning: .restartPolicy), default: "no", example: "unless-stopped",
            "What happens when it exits: no, always, unless-stopped or on-failure[:N]."),
        Attribute("runtime", .text, example: "runc", "The OCI runtime."),
        Attribute("scale", .integer(in: 0...Int64(Int32.max)), default: "1", "How many replicas run."),
        Attribute("secrets", .fileReferences, merge: .unique(.secretTarget), "Secrets to mount."),
        Attribute(
            "security_opt", .distinctTexts, merge: .distinct, example: "[\"no-new-privileges:true\"]",
            "Security profiles."),
        Attribute("shm_size", .size, default: "64m", "The size of /dev/shm."),
        Attribute("stdin_open", .boolean, default: "false", "Standard input is kept open."),
        Attribute("stop_grace_period", .duration, default: "10s", "Time from the stop signal to the kill."),
        Attribute(
            "stop_signal", .text(.signal), default: "SIGTERM", example: "SIGINT", "The signal that asks it to stop."),
        Attribute(
            "storage_opt", Shape(members: .scalarValue, short: .keyValues(missing: .empty)), standing: .notYet,
            example: "{size: 1G}", "Options for its root file system."),
        Attribute(
            "sysctls", .parameters, merge: .members, example: "{net.core.somaxconn: 1024}", "Kernel parameters."),
        Attribute(
            "tmpfs", Shape(.string, items: .text(.temporary), short: .listOfOne(keptRaw: true)), merge: .uniqueText,
            example: "\"/run:size=64m\"", "tmpfs mounts."),
        Attribute("tty", .boolean, default: "false", "A terminal."),
        Attribute("ulimits", .ulimits, merge: .members, example: "{nofile: 65536}", "Resource limits."),
    ]

    private static let lifecycle: [Attribute] = [
        Attribute(
            "use_api_socket", Shape([.boolean, .string], meaning: .boolean), standing: .notYet, default: "false",
            "The engine's socket inside the container."),
        Attribute("user", .text(.user), example: "1000:1000", "The user and group that it runs as."),
        Attribute("userns_mode", .text, example: "host", "The user namespace."),
        Attribute(
            "uts", .text(.namespace("UTS namespace", ["host"], joins: false)), example: "host",
            "The UTS namespace."),
        Attribute(
            "volumes", Shape(items: Shape(.string, record: serviceVolume, short: .volume), uniqueItems: true),
            merge: .unique(.target), example: "[\"data:/var/lib/data\"]", "Volumes, host folders and memory."),
        Attribute("volumes_from", .distinctTexts, merge: .distinct, "Services whose volumes are mounted too."),
        Attribute("working_dir", .text(.containerPath), example: "/app", "The working directory of its command."),
        Attribute("pre_start", .hooks, standing: .notYet, "Commands that must have ended before it starts."),
        Attribute("post_start", .hooks, "Commands that run in it after it has started."),
        Attribute("pre_stop", .hooks, "Commands that run in it before it is stopped."),
        Attribute(
            "extends", Shape(.string, record: extends, short: .extends), example: "{file: common.yaml, service: web}",
            "A service whose attributes this service inherits."),
    ]
}
