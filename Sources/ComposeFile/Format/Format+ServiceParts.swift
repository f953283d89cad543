extension Format {
    static let dependency = Record(
        "a dependency",
        [
            Attribute(
                "condition", .choice("service_started", "service_healthy", "service_completed_successfully"),
                required: true, "The state that the dependency must reach."),
            Attribute("restart", .boolean, default: "false", "It is restarted when the dependency is."),
            Attribute("required", .boolean, default: "true", "A missing dependency is an error."),
        ])

    static let extends = Record(
        "an extends", extensions: false,
        [
            Attribute("file", .text, example: "common.yaml", "The file that contains the service."),
            Attribute("service", .text, required: true, "The service to extend."),
        ])

    static let envFile = Record(
        "an env_file", extensions: false,
        [
            Attribute("path", .text, required: true, "The file."),
            Attribute("required", .boolean, default: "true", "A missing file is an error."),
            Attribute("format", .text, example: "raw", "raw: values are used as written."),
        ])

    static let port = Record(
        "a port",
        [
            Attribute("name", .text, "A name for people."),
            Attribute(
                "mode", .text(.words("mode of a port", ["ingress", "host"])), default: "ingress", "host or ingress."),
            Attribute(
                "host_ip", .text(.hostAddress), example: "127.0.0.1",
                "The host's address on which the port is published."),
            Attribute("target", .integer(in: 1...65535), "The port in the container."),
            Attribute(
                "published", Shape([.integer, .string], grammar: .publishedPort), example: "\"8080\"",
                "The port on the host, or a range."),
            Attribute("protocol", .text(.transport), default: "tcp", "tcp, udp or sctp."),
            Attribute("app_protocol", .text, example: "http", "The application protocol, for people."),
        ])

    static let networkAttachment = Record(
        "a network attachment",
        [
            Attribute("aliases", .distinctTexts(.alias), merge: .uniqueText, "More names on the network."),
            Attribute(
                "driver_opts", .driverOptions,
                example: "{com.docker.network.endpoint.sysctls: net.ipv4.conf.IFNAME.log_martians=1}",
                "Options for the driver."),
            Attribute(
                "gw_priority", Shape(.number, meaning: .integer), default: "0",
                "The default route uses the network with the highest priority."),
            Attribute(
                "interface_name", .text(.interfaceName), example: "eth1", "The interface's name in the container."),
            Attribute("ipv4_address", .text(.ipv4), example: "172.28.0.10", "A fixed IPv4 address."),
            Attribute("ipv6_address", .text(.ipv6), "A fixed IPv6 address."),
            Attribute("link_local_ips", .distinctTexts(.anyAddress), merge: .uniqueText, "Link-local addresses."),
            Attribute("mac_address", .text(.hardwareAddress), "A fixed hardware address."),
            Attribute(
                "priority", Shape(.number, meaning: .integer), default: "0", "The order of attaching, high first."),
        ])

    static let serviceVolume = Record(
        "a volume mount", isJudged: true,
        [
            Attribute(
                "type", .choice("bind", "volume", "tmpfs", "cluster", "npipe", "image"), required: true,
                "What to mount."),
            Attribute("source", .text, "A host path, or the key of a volume."),
            Attribute("target", .text(.containerPath), example: "/data", "Where to mount it."),
            Attribute("read_only", .boolean, default: "false", "It is read-only."),
            Attribute("consistency", .text, standing: .noEffect("macOS"), "How soon changes must be visible."),
            Attribute(
                "bind",
                .mapping(
                    Record(
                        "bind options",
                        [
                            Attribute(
                                "selinux", .choice("z", "Z"), standing: .noEffect("engines that confine by SELinux"),
                                "The SELinux label: shared or private."),
                            Attribute(
                                "propagation",
                                .text(
                                    .words(
                                        "mount propagation",
                                        ["private", "rprivate", "shared", "rshared", "slave", "rslave"])),
                                default: "rprivate", "Mount propagation."),
                            Attribute("create_host_path", .boolean, default: "true", "berth creates a missing folder."),
                            Attribute(
                                "recursive", .choice("enabled", "disabled", "writable", "readonly"),
                                default: "enabled", "How mounts below it are treated."),
                        ])), "Options of a bind mount."),
            Attribute(
                "volume",
                .mapping(
                    Record(
                        "volume options",
                        [
                            Attribute(
                                "labels", .labels, merge: .members, standing: .notYet,
                                "Labels on an anonymous volume."),
                            Attribute(
                                "nocopy", .boolean, default: "false", "Do not copy the image's files into a new volume."
                            ),
                            Attribute("subpath", .text(.subpath), "The folder in the volume to mount."),
                        ])), "Options of a volume."),
            Attribute(
                "tmpfs",
                .mapping(
                    Record(
                        "tmpfs options",
                        [
                            Attribute("size", .size, "The size, in bytes or with a unit."),
                            Attribute("mode", Shape([.number, .string], meaning: .modeBits), "Permission bits."),
                        ])), "Options of a tmpfs mount."),
            Attribute(
                "image",
                .mapping(
                    Record("image options", [Attribute("subpath", .text(.subpath), "The folder in the image.")])),
                "Options of an image mount."),
        ])

    static let fileReference = Record(
        "a secret or config mount",
        [
            Attribute("source", .text, "The key of the secret or config."),
            Attribute("target", .text, "The file's path in the container."),
            Attribute("uid", .text(.ownerNumber), "The file's owner, a number."),
            Attribute("gid", .text(.ownerNumber), "The file's group, a number."),
            Attribute("mode", .fileMode, default: "0444", "The file's permission bits, octal."),
        ])

    static let device = Record(
        "a device",
        [
            Attribute("source", .text, required: true, "The device on the host."),
            Attribute("target", .text, required: true, "Its path in the container."),
            Attribute("permissions", .text(.devicePermissions), default: "rwm", "Any of r, w and m."),
        ])

    static let ulimit = Record(
        "a limit",
        [
            Attribute("soft", .integer(in: -1...Int64.max), required: true, "The soft limit."),
            Attribute("hard", .integer(in: -1...Int64.max), required: true, "The hard limit."),
        ])

    static let healthcheck = Record(
        "a health check",
        [
            Attribute(
                "test", Shape(.string, items: .text, short: .healthTest), merge: .replace,
                example: "[CMD, pg_isready]", "The command; a string is run by the shell."),
            Attribute("timeout", .probeDuration, default: "30s", "How long a check may take."),
            Attribute("interval", .probeDuration, default: "30s", "Time between checks."),
            Attribute(
                "retries", Shape([.number, .string], meaning: .integer, range: 0...Int64.max), default: "3",
                "Failures in a row."),
            Attribute("start_period", .probeDuration, default: "0s", "In this time failures do not count."),
            Attribute("start_interval", .probeDuration, default: "5s", "Time between checks in the start period."),
            Attribute("disable", .boolean, default: "false", "Disable the check, including the image's."),
        ])

    static let hook = Record(
        "a hook",
        [
            Attribute("command", .command, merge: .replace, required: true, "The command."),
            Attribute("image", .text, standing: .notYet, "The image it runs in."),
            Attribute("user", .text(.user), "The user it runs as."),
            Attribute("privileged", .boolean, default: "false", "All capabilities."),
            Attribute("working_dir", .text(.containerPath), "The working directory."),
            Attribute("environment", .variables, merge: .members, "Additional variables."),
            Attribute("per_replica", .boolean, standing: .notYet, "Runs once for each replica."),
        ])

    static let logging = Record(
        "logging",
        [
            Attribute("driver", .text, default: "json-file", "The log driver."),
            Attribute(
                "options", Shape(members: .textNumberOrNull, short: .keyValues(missing: .empty)),
                example: "{max-size: 10m}",
                "Options for the driver."),
        ])

    static let blkio = Record(
        "block device limits", extensions: false,
        [
            Attribute(
                "weight", .integer(in: 0...1000), example: "300", "Its share, 10 to 1000."),
            Attribute(
                "weight_device",
                .list(
                    of: Record(
                        "a device weight", extensions: false,
                        [
                            Attribute("path", .text, "The device."),
                            Attribute("weight", .integer(in: 0...1000), "Its share, 10 to 1000."),
                        ])), "Its share of single devices."),
            Attribute("device_read_bps", .list(of: blkioLimit), "Bytes read a second."),
            Attribute("device_read_iops", .list(of: blkioLimit), "Reads a second."),
            Attribute("device_write_bps", .list(of: blkioLimit), "Bytes written a second."),
            Attribute("device_write_iops", .list(of: blkioLimit), "Writes a second."),
        ])

    private static let blkioLimit = Record(
        "a device limit", extensions: false,
        [
            Attribute("path", .text, "The device."),
            Attribute(
                "rate", Shape([.integer, .string], meaning: .bytes, range: 0...Int64.max),
                "The rate, in bytes or with a unit."),
        ])

    static let credentialSpec = Record(
        "a credential specification",
        [
            Attribute("config", .text, "The config that holds it."),
            Attribute("file", .text, "The file that holds it."),
            Attribute("registry", .text, "The registry key that holds it."),
        ])

    static let provider = Record(
        "a provider",
        [
            Attribute("type", .text, required: true, "The provider's name."),
            Attribute(
                "options",
                Shape(members: Shape([.string, .number, .boolean], items: providerValue, short: .optionList)),
                "Options for the provider."),
        ])

    private static let providerValue = Shape([.string, .number, .boolean])

    static let modelUse = Record(
        "a model's use",
        [
            Attribute("endpoint_var", .text, "The variable for the model's address."),
            Attribute("model_var", .text, "The variable for the model's name."),
        ])

    static let deviceRequest = Record(
        "a device request",
        [
            Attribute("capabilities", .distinctTexts, example: "[gpu]", "Capabilities that the device must have."),
            Attribute("driver", .text, example: "nvidia", "The device's driver."),
            Attribute("count", Shape([.integer, .string], meaning: .deviceCount), default: "all", "How many, or all."),
            Attribute("device_ids", .distinctTexts, "Which ones."),
            Attribute("options", .labels, merge: .members, "Options for the driver."),
        ])

    static let develop = Record(
        "development settings",
        [
            Attribute("watch", .list(of: watch), "What to do when source files change.")
        ])

    static let watch = Record(
        "a watch rule",
        [
            Attribute("path", .text, required: true, "The folder to watch."),
            Attribute(
                "action", .choice("rebuild", "sync", "restart", "sync+restart", "sync+exec"), required: true,
                "What berth does when a file changes."),
            Attribute("target", .text, "Where to copy changed files."),
            Attribute("exec", .mapping(hook), "The command to run after a sync."),
            Attribute("include", .textAsTexts, "Patterns of files to watch."),
            Attribute("ignore", .textAsTexts, "Patterns of files to ignore."),
            Attribute("initial_sync", .boolean, default: "false", "Copy all files once at the start."),
        ])
}
