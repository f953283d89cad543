import EngineWire
import Linux

/// What is to become otherwise of an engine's networks: rules, published ports and names. What it does not name stays as it is.
package struct NetworkChange: Hashable, Sendable {
    /// By name; nil for one that is gone.
    package var networks: [String: NetworkRecord?] = [:]
    /// By id; nil for one that is gone or does not run.
    package var containers: [String: Container?] = [:]
    /// By the name of the network; nil for one that nobody is on.
    package var directories: [String: Directory?] = [:]
    /// What is not named is gone.
    package var isWhole = false

    package init() {}

    package struct Container: Hashable, Sendable {
        /// nil for one that only has ports which another container answers.
        package var zone: Zone?
        package var published: [Published]
    }

    /// The names that containers of one network have for each other.
    package struct Directory: Hashable, Sendable {
        package var network: String
        /// Lower-case name to addresses, and addresses to the name that they lead back to.
        package var names: [String: [IPAddress]] = [:]
        package var reverse: [IPAddress: String] = [:]
    }

    package struct Zone: Hashable, Sendable {
        /// The container whose namespace asks.
        package var container: String
        /// The networks that it is on, whose directories it sees.
        package var directories: [String]
        /// Lower-case name to addresses: what its links add.
        package var names: [String: [IPAddress]]
        /// The subnets of its networks.
        package var networks: [CIDR]
        package var upstreams: [IPAddress]
        package var search: [String]
        package var options: [String]
        /// Names of other networks may be asked of the upstreams.
        package var isInternal: Bool
    }

    package struct Published: Hashable, Sendable {
        package var port: ContainerRecord.Port
        /// The container's: IPv4 and, when there is one, IPv6.
        package var addresses: [IPAddress]
    }
}

/// What of the wanted state is not in force.
package struct NetworkFaults: Hashable, Sendable {
    /// By container: what of its ports or names could not be made. Containers that a change does not name are in here only when their
    /// network is at fault.
    package var containers: [String: EngineFailure] = [:]

    package init() {}

    /// The first fault of a container is the one that is told.
    mutating func add(_ reason: String, of container: String, _ what: String) {
        guard containers[container] == nil else { return }
        containers[container] = EngineFailure(code: .failed, message: "\(what): \(reason)")
    }
}
