import EngineWire
import NameService

/// A host port is already in use.
package struct PortTaken: Error, Hashable, Sendable, CustomStringConvertible {
    /// What uses it.
    package enum Holder: Hashable, Sendable {
        /// The same container, with another of its ports.
        case itself
        /// The container with this id.
        case container(String)
        case program(PortOwner)
        case unknown
    }

    /// With the protocol: `0.0.0.0:8080/tcp`.
    package var port: String
    package var holder: Holder
    /// The requested range; nil for a single port.
    package var range: Range?

    package struct Range: Hashable, Sendable {
        /// With the protocol: `8080-8089/tcp`.
        package var ports: String
        /// How many of them are free.
        package var free: Int

        package init(ports: String, free: Int) {
            self.ports = ports
            self.free = free
        }
    }

    package init(port: String, holder: Holder, range: Range? = nil) {
        self.port = port
        self.holder = holder
        self.range = range
    }

    /// For a caller that does not know the containers.
    package var description: String { "port \(port) is already in use" }

    /// As a failure for a person. `name` returns the name of a container.
    package func failure(name: (String) async -> String?) async -> EngineFailure {
        let who: String
        switch holder {
        case .itself: who = "this container itself"
        case .container(let id):
            if let name = await name(id) { who = "container \(name)" } else { who = "container \(id.prefix(12))" }
        case .program(let owner): who = "\(owner.program) (process \(owner.pid))"
        case .unknown: who = "another program"
        }
        guard let range else {
            return EngineFailure(
                code: .portTaken, message: "port \(port) is already in use by \(who)",
                hint: "stop it, or publish another port")
        }
        let left =
            range.free == 0
            ? "none of the ports \(range.ports) is free" : "only \(range.free) of the ports \(range.ports) are free"
        return EngineFailure(
            code: .portTaken, message: "\(left): port \(port) is in use by \(who)", hint: "publish a longer range")
    }
}
