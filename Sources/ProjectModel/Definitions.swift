/// The definitions behind the names in a template: networks, volumes, secrets and configs by key, and their places in
/// the files.
package struct Definitions: Codable, Hashable, Sendable {
    package var workingDirectory = "/"
    package var configFiles: [String] = []
    package var environmentFiles: [String] = []
    package var networks: [String: NetworkDefinition] = [:]
    package var volumes: [String: VolumeDefinition] = [:]
    package var secrets: [String: FileObject] = [:]
    package var configs: [String: FileObject] = [:]

    package init() {}

    package init(of project: Project) {
        workingDirectory = project.workingDirectory
        configFiles = project.configFiles
        environmentFiles = project.environmentFiles
        networks = project.networks
        volumes = project.volumes
        secrets = project.secrets
        configs = project.configs
    }

    /// Only what `template` uses, so that other changes do not concern its containers.
    package func used(by template: ContainerTemplate) -> Definitions {
        var used = Definitions()
        (used.workingDirectory, used.configFiles, used.environmentFiles) = (
            workingDirectory, configFiles, environmentFiles
        )
        for attachment in template.networks { used.networks[attachment.network] = networks[attachment.network] }
        for case .volume(let source?, _, _) in template.volumes.map(\.kind) { used.volumes[source] = volumes[source] }
        for secret in template.secrets { used.secrets[secret.source] = secrets[secret.source] }
        for config in template.configs { used.configs[config.source] = configs[config.source] }
        return used
    }
}
