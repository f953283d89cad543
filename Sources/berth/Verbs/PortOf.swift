import ArgumentParser
import Console
import EngineWire

/// `berth port`: prints the host address of a container's port.
struct PortOf: Verb {
    static let configuration = CommandConfiguration(
        commandName: "port", abstract: "Show the host address and port of a service's port")

    @Option(help: "The replica's number (default: the lowest one that runs)") var index: Int?
    @Option(name: .customLong("protocol"), help: "tcp or udp") var transport = "tcp"
    @OptionGroup(title: "Project") var global: GlobalOptions
    @Argument(help: "The service, or a container's name", completion: .services) var service: String
    @Argument(help: "The port in the container; add /udp for a UDP port") var privatePort: String

    func run(in session: Session) throws {
        let parts = privatePort.split(separator: "/", maxSplits: 1).map(String.init)
        let transport = parts.count > 1 ? parts[1] : self.transport
        guard let port = parts.first.flatMap({ UInt16($0) }) else {
            throw UsageFailure("\"\(privatePort)\" is not a port")
        }
        let container = try session.container(of: service, index: index)
        let matching = container.ports.filter { $0.target == port && $0.transport == transport }
        // One address is enough: as in docker compose, IPv4 before IPv6.
        if let found = matching.min(by: {
            $0.hostIP.contains(":") != $1.hostIP.contains(":") && !$0.hostIP.contains(":")
        }) {
            let address = found.hostIP.contains(":") ? "[\(found.hostIP)]" : found.hostIP
            return session.stdout.line("\(address):\(found.hostPort)")
        }
        let published = Set(container.ports.map { "\($0.target)/\($0.transport)" }).sorted().joined(separator: ", ")
        throw CommandFailure(
            "no port \(port)/\(transport) for container \(container.name): "
                + (published.isEmpty ? "it publishes none" : "it publishes \(published)"))
    }
}
