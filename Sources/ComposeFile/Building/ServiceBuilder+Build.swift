import ProjectModel
import YAML

extension ServiceBuilder {
    /// nil for a service without a `build` section.
    func build() -> BuildDefinition? {
        guard let node = node["build"] else { return nil }
        var build = BuildDefinition(context: node.string(at: "context") ?? ".")
        build.dockerfile = node.string(at: "dockerfile")
        build.inline = node.string(at: "dockerfile_inline")
        build.arguments = variables(node["args"])
        build.target = node.string(at: "target")
        build.tags = node["tags"]?.texts ?? []
        build.labels = node["labels"].texts
        build.network = node.string(at: "network")
        build.extraHosts = Self.extraHosts(node["extra_hosts"])
        build.secrets = fileMounts(node["secrets"]) { "/run/secrets/\($0)" }
        for entry in node["ssh"]?.mapping?.entries ?? [] { build.ssh[entry.key] = .some(entry.value.string) }
        build.additionalContexts = node["additional_contexts"].texts
        build.cacheFrom = node["cache_from"]?.texts ?? []
        build.cacheTo = node["cache_to"]?.texts ?? []
        build.noCache = node["no_cache"]?.bool ?? false
        let stages = node["no_cache_filter"]
        build.noCacheFilter = stages?.string.map { [$0] } ?? stages?.texts ?? []
        build.pull = node["pull"]?.bool ?? false
        build.shmSize = bytes(node["shm_size"])
        build.ulimits = Self.ulimits(node["ulimits"])
        build.platforms = node["platforms"]?.texts ?? []
        build.privileged = node["privileged"]?.bool ?? false
        build.entitlements = node["entitlements"]?.texts ?? []
        build.provenance = node.string(at: "provenance") ?? node["provenance"]?.bool.map { "\($0)" }
        build.sbom = node.string(at: "sbom") ?? node["sbom"]?.bool.map { "\($0)" }
        return build
    }
}
