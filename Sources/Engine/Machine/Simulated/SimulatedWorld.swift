import Monitor

/// Everything on a simulated machine, and the rules that no engine may break there.
package struct SimulatedWorld: Hashable, Sendable {
    /// A container and the state of its process.
    package struct Container: Hashable, Sendable {
        package enum Phase: Hashable, Sendable {
            case made, held, running, paused
            case ended(ExitStatus)
        }

        package var name: String
        package var phase = Phase.made
        package var networks: Set<String>
        package var volumes: Set<String>
        /// The limit that it got while it ran.
        package var memory: Int64?
        /// The start of the last run, in nanoseconds since 1970.
        package var startedAt: Int64?

        package init(name: String, networks: Set<String>, volumes: Set<String>) {
            self.name = name
            self.networks = networks
            self.volumes = volumes
        }

        package var isUp: Bool { phase == .running || phase == .paused }
    }

    /// A command in a container, and its exit.
    package struct Command: Hashable, Sendable {
        package var container: String
        package var end: ExitStatus?
    }

    /// By id.
    package var containers: [String: Container] = [:]
    /// The paths of files copied into containers, by id.
    package var files: [String: Set<String>] = [:]
    package var networks: Set<String> = []
    /// Networks whose bridge somebody deleted.
    package var lostNetworks: Set<String> = []
    package var volumes: Set<String> = []
    /// The container that holds a host port.
    package var ports: [UInt16: String] = [:]
    /// What each container has published.
    package var publishedBy: [String: Set<String>] = [:]
    package var published: Set<String> { publishedBy.values.reduce(into: []) { $0.formUnion($1) } }
    /// Commands that were started in containers, by id.
    package var commands: [String: Command] = [:]
    /// The containers that each change of networks named, in order.
    package var networkChanges: [Set<String>] = []
    /// The containers that use a mounted volume, by the volume's name.
    package var mounts: [String: Set<String>] = [:]
    /// Volumes whose data was ever lost.
    package var removedVolumes: [String] = []
    /// All actions in order.
    package var journal: [String] = []
    /// Actions of an engine that would harm a real machine.
    package var violations: [String] = []

    package init() {}

    mutating func note(_ violation: String?) {
        if let violation { violations.append(violation) }
    }

    // MARK: What is done to it

    mutating func removeNetwork(_ name: String) {
        let users = containers.values.filter { $0.isUp && $0.networks.contains(name) }.map(\.name).sorted()
        note(users.isEmpty ? nil : "network \(name) was removed under \(users.joined(separator: ", "))")
        networks.remove(name)
        lostNetworks.remove(name)
    }

    mutating func unmount(_ volume: String, _ container: String) {
        mounts[volume]?.remove(container)
        if mounts[volume]?.isEmpty == true { mounts[volume] = nil }
    }

    mutating func removeVolume(_ name: String) {
        let users = containers.values.filter { $0.isUp && $0.volumes.contains(name) }.map(\.name).sorted()
        note(users.isEmpty ? nil : "volume \(name) was removed under \(users.joined(separator: ", "))")
        if volumes.remove(name) != nil { removedVolumes.append(name) }
    }

    mutating func removeContainer(_ id: String) {
        guard let container = containers.removeValue(forKey: id) else { return }
        note(container.isUp ? "\(container.name) was removed while it ran" : nil)
    }

    /// Connects a container to exactly these networks.
    mutating func attach(_ id: String, _ wanted: Set<String>) {
        let name = containers[id]?.name ?? id
        note(wanted.isSubset(of: networks) ? nil : "\(name) was attached to a network that is not there")
        containers[id]?.networks = wanted
    }

    /// Creates a process that waits at its gate. `isBeside`: it is meant to run while its predecessor still does.
    mutating func spawn(_ id: String, _ name: String, isBeside: Bool = false) {
        guard let container = containers[id] else { return note("\(name) was started and was never made") }
        switch container.phase {
        case .made, .ended: break
        case .held, .running, .paused: note("\(name) was started twice")
        }
        let twin = !isBeside && containers.contains { $0.key != id && $0.value.name == name && $0.value.isUp }
        note(twin ? "\(name) was started while another one ran in its place" : nil)
        note(container.volumes.isSubset(of: volumes) ? nil : "\(name) was started without its volumes")
        note(container.networks.isSubset(of: networks) ? nil : "\(name) was started without its networks")
        containers[id]?.phase = .held
    }

    /// Opens a gate; false when no process waits there.
    mutating func release(_ id: String, at time: Int64) -> Bool {
        guard containers[id]?.phase == .held else { return false }
        containers[id]?.phase = .running
        containers[id]?.startedAt = time
        return true
    }

    /// Ends the running process; nil when none ran.
    mutating func end(_ id: String, code: Int, signal: Int32? = nil, at time: Int64) -> ExitStatus? {
        guard containers[id]?.isUp == true else { return nil }
        let status = ExitStatus(code: code, signal: signal, isOutOfMemory: false, at: time)
        containers[id]?.phase = .ended(status)
        for (command, running) in commands where running.container == id && running.end == nil {
            commands[command]?.end = ExitStatus(code: 137, signal: 9, isOutOfMemory: false, at: time)
        }
        return status
    }
}
