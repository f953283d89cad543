extension Format {
    /// `services.*.build`.
    static let build = Record(
        "a build",
        [
            Attribute("context", .text, default: ".", example: "./app", "The folder or URL with the sources."),
            Attribute("dockerfile", .text, default: "Dockerfile", "The Dockerfile, relative to the context."),
            Attribute("dockerfile_inline", .text, "The Dockerfile itself."),
            Attribute("entitlements", .texts, "Additional permissions for the build."),
            Attribute("args", .variables, merge: .members, example: "{VERSION: \"1.2\"}", "Build arguments."),
            Attribute("provenance", .booleanOrText, "Provenance attestation."),
            Attribute("sbom", .booleanOrText, "Bill of materials."),
            Attribute(
                "ssh", Shape(items: .text, uniqueItems: true, members: .scalarValue, short: .ssh), merge: .members,
                example: "[default]", "SSH agents and keys for the build."),
            Attribute("labels", .labels, merge: .members, "Labels on the image."),
            Attribute("cache_from", .texts, "Caches to import results of steps from."),
            Attribute("cache_to", .texts, "Caches to export results of steps to."),
            Attribute("no_cache", .boolean, default: "false", "Ignore the cache."),
            Attribute("no_cache_filter", .textOrTexts, "Stages that ignore the cache."),
            Attribute(
                "additional_contexts", .namedTexts, merge: .members, example: "{assets: ../assets}",
                "Additional contexts, by name."),
            Attribute("pull", .boolean, default: "false", "Pull base images even if they are on this machine."),
            Attribute("extra_hosts", .extraHosts, merge: .extraHosts, "Additional lines of /etc/hosts."),
            Attribute("isolation", .text, standing: .noEffect("Windows"), "The isolation technology."),
            Attribute("network", .text, example: "host", "The network of the build's steps."),
            Attribute("target", .text, "The stage to build."),
            Attribute("secrets", .fileReferences, "Secrets for the build."),
            Attribute("shm_size", .size, "The size of /dev/shm."),
            Attribute("tags", .texts(.imageName), merge: .uniqueText, "More names for the image."),
            Attribute("ulimits", .ulimits, merge: .members, "Resource limits."),
            Attribute("platforms", .texts, example: "[linux/amd64]", "The platforms to build."),
            Attribute("privileged", .boolean, default: "false", "Allow privileged build steps."),
        ])
}
