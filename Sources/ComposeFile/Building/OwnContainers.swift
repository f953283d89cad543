import ProjectModel

/// `container:NAME` with the name of one of the project's own containers means its service. So that service starts
/// first, and containers that share its namespaces are replaced with it.
struct OwnContainers {
    /// Container names that belong to exactly one service, with that service.
    private let services: [String: String]

    /// Most projects name no containers, and then no table is needed.
    static func resolve(_ all: inout [Service], project: String) {
        guard all.contains(where: namesContainer) else { return }
        OwnContainers(all, project: project).resolve(&all)
    }

    private init(_ all: [Service], project: String) {
        var services: [String: String] = [:]
        for service in all {
            services[service.containerName ?? "\(project)-\(service.name)-1"] = service.name
        }
        self.services = services
    }

    private static func namesContainer(_ service: Service) -> Bool {
        if case .container = service.networkMode { return true }
        let others = [service.pid, service.ipc].compactMap { $0 } + service.volumesFrom
        return others.contains { $0.hasPrefix("container:") }
    }

    private func resolve(_ all: inout [Service]) {
        for index in all.indices {
            let name = all[index].name
            if case .container(let container) = all[index].networkMode, let owner = owner(container, of: name) {
                all[index].networkMode = .service(owner)
            }
            all[index].pid = resolved(all[index].pid, of: name)
            all[index].ipc = resolved(all[index].ipc, of: name)
            all[index].volumesFrom = all[index].volumesFrom.map { entry in
                guard entry.hasPrefix("container:") else { return entry }
                let parts = entry.dropFirst("container:".count).split(separator: ":", maxSplits: 1)
                guard let first = parts.first, let owner = owner(String(first), of: name) else { return entry }
                return ([owner] + parts.dropFirst().map(String.init)).joined(separator: ":")
            }
        }
    }

    private func owner(_ container: String, of service: String) -> String? {
        services[container].flatMap { $0 == service ? nil : $0 }
    }

    private func resolved(_ mode: String?, of service: String) -> String? {
        guard let mode, mode.hasPrefix("container:") else { return mode }
        return owner(String(mode.dropFirst("container:".count)), of: service).map { "service:\($0)" } ?? mode
    }
}
