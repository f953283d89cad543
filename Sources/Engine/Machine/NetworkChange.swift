import EngineWire
import Linux

/// A change to an engine's networks: rules, published ports and names. Whatever it does not name stays the same.
package struct NetworkChange: Hashable, Sendable {
    /// By name; nil for a network that was removed.
    package var networks: [String: NetworkRecord?] = [:]
    /// By id; nil for a container that was removed or does not run.
    package var containers: [String: Container?] = [:]
    /// By the name of the network; nil for a network without containers.
    package var directories: [String: Directory?] = [:]
    /// Whatever it does not name must be removed.
    package var isWhole = false

    package init() {}

    package struct Container: Hashable, Sendable {
        /// nil for a container that only has ports on which another container answers.
        package var zone: Zone?
        package var published: [Published]
    }

    /// The names of the containers on one network.
    package struct Directory: Hashable, Sendable {
        package var network: String
        /// Lower-case names to addresses, and addresses to the names for reverse lookup.
        package var names: [String: [IPAddress]] = [:]
        package var reverse: [IPAddress: String] = [:]
    }

    package struct Zone: Hashable, Sendable {
        /// The container whose namespace sends the queries.
        package var container: String
        /// Its networks; it sees their directories.
        package var directories: [String]
        /// Lower-case names to addresses: additions from its links.
        package var names: [String: [IPAddress]]
        /// The subnets of its networks.
        package var networks: [CIDR]
        package var upstreams: [IPAddress]
        package var search: [String]
        package var options: [String]
        /// Queries for outside names may go to the upstream servers.
        package var isInternal: Bool
    }

    package struct Published: Hashable, Sendable {
        package var port: ContainerRecord.Port
        /// The container's addresses: IPv4 and, if it has one, IPv6.
        package var addresses: [IPAddress]
    }
}

/// The parts of the desired state that could not be applied.
package struct NetworkFaults: Hashable, Sendable {
    /// By container: the ports or names that could not be set up. A container that the change does not name is in here
    /// only because of its network.
    package var containers: [String: EngineFailure] = [:]

    package init() {}

    /// Only the first fault of a container is reported.
    mutating func add(_ reason: String, of container: String, _ what: String) {
        guard containers[container] == nil else { return }
        containers[container] = EngineFailure(code: .failed, message: "\(what): \(reason)")
    }
}
