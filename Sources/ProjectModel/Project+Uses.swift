extension Project {
    /// The objects that `services` use, by section of the file and key: the services themselves, and their networks,
    /// volumes, secrets and configs.
    package func uses(of names: Set<String>) -> [String: Set<String>] {
        var uses = ["services": names, "networks": [], "volumes": [], "secrets": [], "configs": []]
        for service in services where names.contains(service.name) {
            uses["networks"]?.formUnion(service.networks.map(\.network))
            uses["secrets"]?.formUnion(service.secrets.map(\.source))
            uses["configs"]?.formUnion(service.configs.map(\.source))
            for case .volume(let source?, _, _) in service.volumes.map(\.kind) { uses["volumes"]?.insert(source) }
        }
        return uses
    }
}
