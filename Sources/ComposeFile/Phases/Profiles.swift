import YAML

/// Phase 12: selects the services: those without profiles, those of enabled profiles, named ones, and what named ones
/// need from the profiles that naming them enables.
struct Profiles {
    let enabled: [String]
    let named: [String]

    init(_ request: LoadRequest, environment: [String: String]) {
        var enabled = request.profiles
        if enabled.isEmpty, let list = environment["COMPOSE_PROFILES"] {
            enabled = list.split(separator: ",").map { item in
                let trimmed = item.drop { $0 == " " }
                return String(trimmed.reversed().drop { $0 == " " }.reversed())
            }
        }
        self.enabled = enabled
        named = request.services
    }

    /// Removes the services that are left out from `services` and returns them.
    func split(_ services: inout Mapping) -> Mapping {
        var chosen: Set<String> = []
        for entry in services.entries where isEnabled(entry.value, enabled) { chosen.insert(entry.key) }
        chooseNamed(services, &chosen)
        var disabled = Mapping()
        for entry in services.entries where !chosen.contains(entry.key) { disabled.append(entry) }
        services.removeAll { !chosen.contains($0.key) }
        return disabled
    }

    private func isEnabled(_ service: Node, _ enabled: [String]) -> Bool {
        let profiles = service["profiles"]?.texts ?? []
        return profiles.isEmpty || enabled.contains("*") || profiles.contains { enabled.contains($0) }
    }

    private func chooseNamed(_ services: Mapping, _ chosen: inout Set<String>) {
        var profiles = enabled
        for name in named where !chosen.contains(name) { profiles += services[name]?["profiles"]?.texts ?? [] }
        var open = named
        var seen: Set<String> = []
        while let name = open.popLast() {
            guard seen.insert(name).inserted, let service = services[name] else { continue }
            guard named.contains(name) || isEnabled(service, profiles) else { continue }
            chosen.insert(name)
            open += service["depends_on"]?.mapping?.keys ?? []
        }
    }
}
