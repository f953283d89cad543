import EngineWire
import Networking
import Synchronization

/// The latest desired state of the networks, and which part of it the name service has received.
final class AppliedNetwork: Sendable {
    private struct State {
        var networks: [String: NetworkRecord] = [:]
        var hasNewNetworks = true
        var zones: [String: NetworkChange.Zone] = [:]
        var directories: [String: NetworkChange.Directory] = [:]
        /// What the name service has received.
        var toldZones: [String: NetworkChange.Zone] = [:]
        var toldDirectories: [String: NetworkChange.Directory] = [:]
        /// Zones that it has in another version, or not at all.
        var untoldZones: Set<String> = []
        var untoldDirectories: Set<String> = []
        /// Containers that are being removed; a change derived earlier may still name them.
        var retired: Set<String> = []
        var obstacles: [EngineFailure] = []

        mutating func set(_ zone: NetworkChange.Zone?, of container: String) {
            zones[container] = zone
            // Later changes will not name it either.
            if zone == nil { retired.remove(container) }
            noteUntold(container)
        }

        mutating func noteUntold(_ container: String) {
            if zones[container] == toldZones[container] {
                untoldZones.remove(container)
            } else {
                untoldZones.insert(container)
            }
        }

        mutating func set(_ directory: NetworkChange.Directory?, of network: String) {
            directories[network] = directory
            if directory == toldDirectories[network] {
                untoldDirectories.remove(network)
            } else {
                untoldDirectories.insert(network)
            }
        }
    }

    // The mutex guards everything.
    private let state = Mutex(State())

    func merge(_ change: NetworkChange) {
        state.withLock { state in
            if change.isWhole {
                for name in state.networks.keys where change.networks[name] == nil { state.networks[name] = nil }
                for id in state.zones.keys where change.containers[id] == nil {
                    state.set(nil as NetworkChange.Zone?, of: id)
                }
                for name in state.directories.keys where change.directories[name] == nil {
                    state.set(nil as NetworkChange.Directory?, of: name)
                }
            }
            for (name, network) in change.networks {
                if state.networks[name]?.realisation != network?.realisation { state.hasNewNetworks = true }
                state.networks[name] = network
            }
            for (id, container) in change.containers { state.set(container?.zone, of: id) }
            for (name, directory) in change.directories { state.set(directory, of: name) }
        }
    }

    /// True when networks were added or removed since the last call.
    func takeNewNetworks() -> Bool {
        state.withLock { state in
            defer { state.hasNewNetworks = false }
            return state.hasNewNetworks
        }
    }

    /// The containers on the network with the interface `interface`, and the network's name.
    func members(ofNetworkAt interface: String) -> [(network: String, container: String)] {
        state.withLock { state in
            let networks = state.networks.values.filter { $0.realisation.guardedInterface == interface }.map(\.name)
            return state.zones.values.flatMap { zone in
                networks.filter(zone.directories.contains).map { ($0, zone.container) }
            }
        }
    }

    /// What the name service must still receive, by container; nil for a container that it must forget.
    var untoldZones: [(String, NetworkChange.Zone?)] {
        state.withLock { state in state.untoldZones.sorted().map { ($0, state.zones[$0]) } }
    }

    var untoldDirectories: [(String, NetworkChange.Directory?)] {
        state.withLock { state in state.untoldDirectories.sorted().map { ($0, state.directories[$0]) } }
    }

    func told(_ container: String, _ zone: NetworkChange.Zone?) {
        state.withLock { state in
            // A container that was retired meanwhile was not served.
            state.toldZones[container] = state.retired.contains(container) ? nil : zone
            state.noteUntold(container)
            if state.retired.contains(container) { state.untoldZones.remove(container) }
        }
    }

    func told(_ directory: NetworkChange.Directory?, of network: String) {
        state.withLock { state in
            state.toldDirectories[network] = directory
            if state.directories[network] == directory { state.untoldDirectories.remove(network) }
        }
    }

    func isServed(_ container: String) -> Bool { state.withLock { $0.toldZones[container] != nil } }
    func isRetired(_ container: String) -> Bool { state.withLock { $0.retired.contains(container) } }

    /// Call this when a container is being removed and the name service has forgotten it.
    func retire(_ container: String) {
        state.withLock { state in
            state.zones[container] = nil
            state.toldZones[container] = nil
            state.untoldZones.remove(container)
            state.retired.insert(container)
        }
    }

    var obstacles: [EngineFailure] { state.withLock { $0.obstacles } }
    /// True when they differ from before.
    func setObstacles(_ obstacles: [EngineFailure]) -> Bool {
        state.withLock { state in
            defer { state.obstacles = obstacles }
            return state.obstacles != obstacles
        }
    }

    /// Call this when the name service restarted: it must receive everything again.
    func forgetAll() {
        state.withLock { state in
            state.toldZones = [:]
            state.toldDirectories = [:]
            state.untoldZones = Set(state.zones.keys)
            state.untoldDirectories = Set(state.directories.keys)
        }
    }
}
