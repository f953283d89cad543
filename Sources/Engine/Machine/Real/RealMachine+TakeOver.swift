import Linux
import Monitor
import NameService
import Networking
import Runtime

/// What an earlier engine still holds through others: ports and names through berth-net, links and namespaces in the
/// kernel, processes through monitors. A new engine keeps what its records know and releases the rest.
extension RealMachine {
    package func takeOver(_ containers: [ContainerRecord], _ networks: [NetworkRecord]) async throws {
        var ports: [String: [PortWish]] = [:]
        for container in containers where container.holdsPorts && !container.endpoints.isEmpty {
            let wishes = container.ports.filter { $0.hostPort != 0 }.compactMap { port -> PortWish? in
                guard var wish = try? Self.wish(for: port) else { return nil }
                wish.ports = port.hostPort...port.hostPort
                wish.preferred = nil
                return wish
            }
            if !wishes.isEmpty { ports[container.id] = wishes }
        }
        var failures: [any Error] = []
        func attempt(_ body: () async throws -> Void) async {
            do { try await body() } catch { failures.append(error) }
        }
        let ids = Set(containers.map(\.id))
        await attempt {
            try await names.takeOver(
                ports: ports, containers: Set(containers.filter(\.needsNamespace).map(\.id)),
                networks: Set(networks.map(\.name)))
        }
        await attempt { try await removeStrangeNamespaces(ids) }
        await attempt { try await removeStrangeLinks(containers, networks) }
        await attempt { try await removeStrangeCgroups(ids) }
        await attempt { try await takeOverExecs() }
        if let first = failures.first { throw first }
    }

    private func removeStrangeNamespaces(_ containers: Set<String>) async throws {
        let paths = paths
        try await blocking.run {
            for id in try folderEntries("\(paths.run)/netns") where !containers.contains(id) {
                try NetworkNamespace(path: paths.namespace(id)).remove()
            }
        }
    }

    /// Removes cgroups of unknown containers. A cgroup that still has processes belongs to somebody else, because the
    /// engine removes a container's cgroup before its record.
    private func removeStrangeCgroups(_ containers: Set<String>) async throws {
        let parent = SpecBuilder.cgroupParent(instance.suffix)
        let cgroups = cgroups
        await blocking.runInfallible {
            for folder in cgroups.mounts.map({ "\($0.mountpoint)/\(parent)" }) {
                for id in (try? folderEntries(folder)) ?? [] where id.utf8.count == 64 && !containers.contains(id) {
                    Cgroup.removeEmpty("\(folder)/\(id)")
                }
            }
        }
    }

    /// Removes interfaces that have this engine's prefixes and are in no record.
    private func removeStrangeLinks(_ containers: [ContainerRecord], _ networks: [NetworkRecord]) async throws {
        let observation = try await driver.observe()
        let known = Set(containers.flatMap(\.endpoints).map(\.hostInterface) + networks.flatMap(\.realisation.ownLinks))
        for link in observation.endpoints + observation.bridges where !known.contains(link.name) {
            try await driver.removeLink(link.name)
        }
    }

    /// Handles commands in containers. Ends a command that waits at its gate, because nobody will open it. Removes the
    /// folder of an ended command now, and of a running one when it ends.
    private func takeOverExecs() async throws {
        let paths = paths
        for id in try await blocking.run({ try folderEntries("\(paths.run)/execs") }) {
            let folder = paths.exec(id)
            guard let connection = try? await hub.adoptExec(id, in: folder) else {
                await blocking.runInfallible { try? removeTree(folder) }
                continue
            }
            Task { await self.lookAfter(connection, folder) }
        }
    }

    private func lookAfter(_ connection: MonitorConnection, _ folder: String) async {
        if case .state(let state)? = try? await connection.wait(for: .state), state.phase == .created {
            try? connection.send(.abandon)
        }
        cleanUp(connection, folder)
    }
}
