import Monitor
import ProjectModel

/// Containers: what they are made of, and their start.
package protocol ContainerFacet: Sendable {
    /// Writable layer, network namespace and endpoints; the folder of the container.
    func createContainer(_ container: ContainerRecord, _ image: MachineImage) async throws
    func removeContainer(_ container: ContainerRecord) async throws
    /// Makes its links to networks, and its default routes, as the record says, running or not; those that are right stay. What it
    /// knows of its own addresses follows.
    func attach(_ container: ContainerRecord, _ surroundings: Surroundings) async throws
    /// Returns when no connection that others made to it is open, `limit` at the latest. Who has just asked for its name comes still.
    func drain(_ container: ContainerRecord, within limit: Duration) async
    /// Nothing passes through its links until it is started or attached again: another one has its addresses.
    func silence(_ container: ContainerRecord) async throws
    /// Takes one of its links away.
    func detach(_ endpoint: ContainerRecord.Endpoint, from container: ContainerRecord) async throws
    /// Gives a container that runs with the limits `old` those that the record says.
    /// - Throws: `EngineFailure` for one that the kernel refuses.
    func limit(_ container: ContainerRecord, insteadOf old: Resources) async throws
    /// Starts the monitor, which makes the process up to its gate.
    /// - Throws: `EngineFailure` when the process could not be made.
    func spawn(_ container: ContainerRecord, _ image: MachineImage, _ surroundings: Surroundings) async throws
    /// The process behind the gate, or running.
    func process(of id: String) async -> ProcessIdentity?
    /// Opens the gate; returns once exec worked.
    /// - Throws: `EngineFailure` when it did not.
    func release(_ id: String) async throws
    /// Kills what waits at the gate.
    func abandon(_ id: String) async
}

/// What a container finds around it at its start.
package struct Surroundings: Hashable, Sendable {
    /// A line of /etc/hosts.
    package struct Host: Hashable, Sendable {
        package var address: String
        package var names: [String]

        package init(_ address: String, _ names: [String]) {
            self.address = address
            self.names = names
        }
    }

    /// Beyond localhost.
    package var hosts: [Host]
    package var joinedNamespaces: [String: ContainerRecord]
    /// Where its volumes are mounted, by name.
    package var volumes: [String: String]
    /// Variables that links to other containers bring; its own win.
    package var variables: [String: String]

    package init(
        hosts: [Host] = [], joinedNamespaces: [String: ContainerRecord] = [:], volumes: [String: String] = [:],
        variables: [String: String] = [:]
    ) {
        self.variables = variables
        self.hosts = hosts
        self.joinedNamespaces = joinedNamespaces
        self.volumes = volumes
    }
}
