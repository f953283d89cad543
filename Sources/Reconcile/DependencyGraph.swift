import ProjectModel

/// The dependencies between services: `depends_on`, and those that follow from shared namespaces, `volumes_from` and `links`.
///
/// It records a cycle and drops the edge that closes it, so that every walk over the graph ends.
package struct DependencyGraph: Sendable {
    /// Dependencies first, then by name: sorted by the length of the longest chain below, then by name.
    package private(set) var order: [String] = []
    /// The place in `order`.
    package private(set) var rank: [String: Int] = [:]
    /// The dependencies of each service that exist, in the file's order.
    package private(set) var needs: [String: [Dependency]] = [:]
    /// The reverse of `needs`, sorted by name.
    package private(set) var dependents: [String: [Dependent]] = [:]
    /// Each cycle once, closed: `["a", "b", "a"]`.
    package private(set) var cycles: [[String]] = []

    package struct Dependent: Hashable, Sendable {
        package let service: String
        package let restart: Bool
    }

    package init(services: [Service]) {
        let names = Set(services.map(\.name))
        for service in services {
            needs[service.name] = service.allDependencies.filter { names.contains($0.service) }
        }
        let sorted = names.sorted()
        var depth: [String: Int] = [:]
        for name in sorted where depth[name] == nil { walk(from: name, depth: &depth) }
        order = sorted.sorted { (depth[$0] ?? 0, $0) < (depth[$1] ?? 0, $1) }
        for (index, name) in order.enumerated() { rank[name] = index }
        for name in sorted {
            for need in needs[name] ?? [] {
                dependents[need.service, default: []].append(Dependent(service: name, restart: need.restart))
            }
        }
    }

    /// `names` and all their dependencies.
    package func closure(of names: some Sequence<String>) -> Set<String> {
        reach(from: names) { (needs[$0] ?? []).map(\.service) }
    }

    /// `names` and every service that restarts with one of them, directly or through another.
    package func restarting(with names: some Sequence<String>) -> Set<String> {
        reach(from: names) { (dependents[$0] ?? []).filter(\.restart).map(\.service) }
    }

    private func reach(from names: some Sequence<String>, next: (String) -> [String]) -> Set<String> {
        var found = Set(names)
        var open = Array(found)
        while let name = open.popLast() {
            for other in next(name) where found.insert(other).inserted { open.append(other) }
        }
        return found
    }

    /// Depth first, with an explicit stack, because a chain may be very long.
    private mutating func walk(from root: String, depth: inout [String: Int]) {
        var path: [(name: String, next: Int, depth: Int)] = [(root, 0, 0)]
        var onPath: Set<String> = [root]
        while let top = path.last {
            let edges = needs[top.name] ?? []
            guard top.next < edges.count else {
                depth[top.name] = top.depth
                onPath.remove(top.name)
                path.removeLast()
                if let parent = path.indices.last { path[parent].depth = max(path[parent].depth, top.depth + 1) }
                continue
            }
            let target = edges[top.next].service
            if onPath.contains(target) {
                let start = path.firstIndex { $0.name == target } ?? 0
                cycles.append(path[start...].map(\.name) + [target])
                needs[top.name]?.remove(at: top.next)
                continue
            }
            path[path.count - 1].next += 1
            if let known = depth[target] {
                path[path.count - 1].depth = max(top.depth, known + 1)
            } else {
                path.append((target, 0, 0))
                onPath.insert(target)
            }
        }
    }
}

extension ContainerTemplate {
    /// A service whose namespace this one joins, and the attribute that says so.
    struct Join: Hashable {
        let field: String
        let service: String
        /// The namespace ends with the owner's init process: when PID 1 ends, the kernel kills all others (pid_namespaces(7)).
        var endsWithOwner: Bool { field == "pid" }
    }

    /// Namespaces of other services that it joins.
    var joins: [Join] {
        var joins: [Join] = []
        if case .service(let owner) = networkMode { joins.append(Join(field: "network_mode", service: owner)) }
        for (field, value) in [("pid", pid), ("ipc", ipc), ("uts", uts), ("cgroup", cgroup)] {
            guard let value, value.hasPrefix("service:") else { continue }
            joins.append(Join(field: field, service: String(value.dropFirst("service:".count))))
        }
        return joins
    }

    /// Services that `volumes_from` names: `NAME` or `NAME:ro`; `container:NAME` is not a service.
    var volumeOwners: [String] {
        volumesFrom.compactMap { entry in
            entry.hasPrefix("container:") ? nil : entry.split(separator: ":").first.map(String.init)
        }
    }

    /// Services that must exist before a container of this one can be made.
    var creationOwners: [String] { joins.map(\.service) + volumeOwners }
}

extension Service {
    /// `depends_on`, then the dependencies that follow from other attributes, unless `depends_on` already names them.
    var allDependencies: [Dependency] {
        var all = dependsOn
        var known = Set(all.map(\.service))
        for join in template.joins where known.insert(join.service).inserted {
            all.append(Dependency(service: join.service, restart: join.endsWithOwner))
        }
        for other in template.volumeOwners + template.links.map(\.target) where known.insert(other).inserted {
            all.append(Dependency(service: other))
        }
        return all
    }
}
