import Monitor
import ProjectModel

/// Creates containers and starts them.
package protocol ContainerFacet: Sendable {
    /// Creates the container's folder, writable layer, network namespace and endpoints.
    func createContainer(_ container: ContainerRecord, _ image: MachineImage) async throws
    func removeContainer(_ container: ContainerRecord) async throws
    /// Creates its links to networks and its default routes as in the record, whether it runs or not, and keeps those
    /// that are right. Then updates what the container knows about its own addresses.
    func attach(_ container: ContainerRecord, _ surroundings: Surroundings) async throws
    /// Returns when no connection from outside is open, after `limit` at the latest. A client that has just looked up
    /// the name may still connect.
    func drain(_ container: ContainerRecord, within limit: Duration) async
    /// Blocks its links until it is started or attached again, because another container has its addresses.
    func silence(_ container: ContainerRecord) async throws
    /// Removes one of its links.
    func detach(_ endpoint: ContainerRecord.Endpoint, from container: ContainerRecord) async throws
    /// Changes the limits of a running container from `old` to those in the record.
    /// - Throws: `EngineFailure` for a limit that the kernel refuses.
    func limit(_ container: ContainerRecord, insteadOf old: Resources) async throws
    /// Starts the monitor, which creates the process and holds it at the gate.
    /// - Throws: `EngineFailure` when the process could not be created.
    func spawn(_ container: ContainerRecord, _ image: MachineImage, _ surroundings: Surroundings) async throws
    /// The process, whether it waits at its gate or runs.
    func process(of id: String) async -> ProcessIdentity?
    /// Opens the gate; returns once exec succeeded.
    /// - Throws: `EngineFailure` when it failed.
    func release(_ id: String) async throws
    /// Kills the process that waits at the gate.
    func abandon(_ id: String) async
}

/// What a container needs to know at its start.
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

    /// In addition to localhost.
    package var hosts: [Host]
    package var joinedNamespaces: [String: ContainerRecord]
    /// The mount points of its volumes, by name.
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
