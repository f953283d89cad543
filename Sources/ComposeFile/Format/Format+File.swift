extension Format {
    /// The file itself.
    package static let file = Record(
        "a Compose file",
        [
            Attribute(
                "version", .text, deprecated: "it is obsolete and ignored; remove it", example: "\"3.8\"",
                "The version of the format; obsolete."),
            Attribute(
                "name", .text, default: "the name of the project directory", example: "shop",
                "The project's name: lower-case letters, digits, dashes and underscores."),
            Attribute(
                "include", Shape(items: Shape(.string, record: include, short: .include)), example: "[db.yaml]",
                "Other Compose files. Each is loaded on its own, and its elements become part of this project."),
            Attribute(
                "services", Shape(members: .mapping(service), names: .name),
                "The services of the project, by name."),
            Attribute(
                "networks", Shape(members: Shape(.null, record: network)),
                "The networks that services attach to, by key."),
            Attribute(
                "volumes", Shape(members: Shape(.null, record: volume), names: .name),
                "The named volumes of the project, by key."),
            Attribute(
                "secrets", Shape(members: .mapping(secret), names: .name),
                "Sensitive files that are mounted into services, by key."),
            Attribute(
                "configs", Shape(members: .mapping(config), names: .name),
                "Configuration files that are mounted into services, by key."),
            Attribute(
                "models", Shape(members: .mapping(model)), standing: .notYet,
                "Language models that services use, by key."),
        ])

    static let include = Record(
        "an include", extensions: false,
        [
            Attribute(
                "path", .textOrTexts, required: true, example: "../db/compose.yaml",
                "The file to include; further ones override it."),
            Attribute(
                "project_directory", .text, default: "the folder of the included file",
                "The folder that relative paths in the included file start from."),
            Attribute(
                "env_file", .textOrTexts, default: ".env in the included file's project directory",
                "Files with variables for interpolating the included file."),
        ])

    static let network = Record(
        "a network", isJudged: true,
        [
            Attribute(
                "name", .text, default: "<project>_<key>", example: "backbone",
                "The network's name on the machine, used as it is."),
            Attribute("driver", .text, default: "bridge", example: "bridge", "The network's type."),
            Attribute(
                "driver_opts", .driverOptions, example: "{com.docker.network.driver.mtu: 1400}",
                "Options for the driver."),
            Attribute("ipam", .mapping(ipam), "Address management."),
            Attribute(
                "external", externalForm, default: "false",
                "The network exists already; berth neither creates nor removes it."),
            Attribute("internal", .boolean, default: "false", "No traffic to or from outside, and no published ports."),
            Attribute("attachable", .boolean, default: "false", "Single containers may attach to it."),
            Attribute("labels", .labels, merge: .members, "Labels on the network."),
            Attribute("enable_ipv4", .boolean, default: "true", "IPv4 addresses are assigned."),
            Attribute("enable_ipv6", .boolean, default: "false", "IPv6 addresses are assigned."),
        ])

    static let externalForm = Shape(
        [.boolean, .string],
        meaning: .boolean,
        record: Record(
            "an external object",
            [
                Attribute(
                    "name", .text, deprecated: "set `name` beside `external: true` instead",
                    "The object's name on the machine.")
            ]), short: .external)

    static let ipam = Record(
        "address management",
        [
            Attribute("driver", .text, default: "default", "The address driver."),
            Attribute("config", .list(of: pool), merge: .pools, "Address pools."),
            Attribute("options", Shape(members: .text), standing: .notYet, "Options for the address driver."),
        ])

    static let pool = Record(
        "an address pool",
        [
            Attribute("subnet", .text(.subnet), example: "172.28.0.0/16", "The subnet, in CIDR form."),
            Attribute("gateway", .text(.anyAddress), example: "172.28.0.1", "The gateway's address."),
            Attribute(
                "ip_range", .text(.subnet), example: "172.28.5.0/24",
                "The part of the subnet for containers' addresses."),
            Attribute(
                "aux_addresses", Shape(members: .text(.anyAddress)), "Addresses that no container gets."),
        ])

    static let volume = Record(
        "a volume",
        [
            Attribute(
                "name", .text(.volumeName), default: "<project>_<key>", example: "shop-data",
                "The volume's name on the machine, used as it is."),
            Attribute("driver", .text, default: "local", example: "local", "The volume's driver."),
            Attribute(
                "driver_opts", .driverOptions, example: "{type: nfs, device: \":/export\"}",
                "Options for the driver."),
            Attribute(
                "external", externalForm, default: "false",
                "The volume exists already; berth neither creates nor removes it."),
            Attribute("labels", .labels, merge: .members, "Labels on the volume."),
        ])

    static let secret = Record(
        "a secret",
        [
            Attribute("name", .text, default: "<project>_<key>", "The secret's name."),
            Attribute("file", .text, example: "./password.txt", "A file with the content."),
            Attribute("environment", .text, example: "DB_PASSWORD", "A variable with the content."),
            Attribute("external", externalForm, default: "false", "The secret is stored elsewhere."),
            Attribute("labels", .labels, merge: .members, "Labels on the secret."),
            Attribute("driver", .text, standing: .notYet, "The secret's driver."),
            Attribute("driver_opts", .driverOptions, standing: .notYet, "Options for the driver."),
            Attribute("template_driver", .text, standing: .notYet, "The driver that expands templates in the content."),
        ])

    static let config = Record(
        "a config",
        [
            Attribute("name", .text, default: "<project>_<key>", "The config's name."),
            Attribute("file", .text, example: "./nginx.conf", "A file with the content."),
            Attribute("environment", .text, example: "APP_CONFIG", "A variable with the content."),
            Attribute("content", .text, example: "\"debug = true\"", "The content itself."),
            Attribute("external", externalForm, default: "false", "The config is stored elsewhere."),
            Attribute("labels", .labels, merge: .members, "Labels on the config."),
            Attribute("driver", .text, standing: .notYet, "The config's driver."),
            Attribute("driver_opts", .driverOptions, standing: .notYet, "Options for the driver."),
            Attribute("template_driver", .text, standing: .notYet, "The driver that expands templates in the content."),
        ])

    static let model = Record(
        "a model",
        [
            Attribute("name", .text, "The model's name."),
            Attribute("model", .text, required: true, example: "ai/smollm2", "The model's reference."),
            Attribute("context_size", Shape(.integer, meaning: .integer), "The context window, in tokens."),
            Attribute("runtime_flags", .texts, "Flags for the model runner."),
        ])
}
