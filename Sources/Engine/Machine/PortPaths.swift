import EngineWire
import Linux
import NameService
import Networking

/// Decides how a published port reaches its container. Kernel rules serve pairs of addresses of one family. A proxy
/// serves mixed pairs, and ::1, for which no rule works (IPv6 has no route_localnet). Pure.
package struct PortPaths {
    let port: ContainerRecord.Port
    /// The container's addresses.
    let addresses: [IPAddress]
    let container: String

    package init(port: ContainerRecord.Port, addresses: [IPAddress], container: String) {
        self.port = port
        self.addresses = addresses
        self.container = container
    }

    private var hostAddress: IPAddress? { port.hostIP.flatMap { IPAddress($0) } }
    private var v4: IPAddress? { addresses.first { $0.family == .v4 } }
    private var v6: IPAddress? { addresses.first { $0.family == .v6 } }

    /// The addresses on which to hold the port so that no other program takes it. A UDP proxy listens on ::1 only,
    /// because from a wildcard it would answer with an address that the client did not use.
    package static func heldAddresses(_ port: ContainerRecord.Port) throws(EngineFailure) -> [IPAddress] {
        let everyV6: IPAddress = port.transport == "tcp" ? .anyV6 : .loopbackV6
        guard let text = port.hostIP else { return [.anyV4, everyV6] }
        guard let address = IPAddress(text) else {
            throw EngineFailure(
                code: .invalid, message: "\"\(text)\" is not an address on which a port can be published")
        }
        return [address == .anyV6 ? everyV6 : address]
    }

    /// The kernel rules for this port.
    package var rules: [PublishedPort] {
        guard let transport = Transport(rawValue: port.transport), (try? Self.heldAddresses(port)) != nil else {
            return []
        }
        return [v4, v6].compactMap(\.self).filter(isLedByRule(to:)).map { address in
            PublishedPort(
                hostAddress: hostAddress, hostPort: port.hostPort, containerAddress: address,
                containerPort: port.target,
                transport: transport)
        }
    }

    /// The proxies for everything that rules cannot serve, on addresses where the port is held.
    package var proxies: [ProxyRule] {
        guard let kind = InternetSocket.Kind(rawValue: port.transport),
            let held = try? Self.heldAddresses(port)
        else { return [] }
        return held.compactMap { listen in
            let own = listen.family == .v4 ? v4 : v6
            // A rule for the wildcard serves every address except ::1.
            let isTaken = own.map(isLedByRule(to:)) ?? false
            guard !isTaken || listen == .anyV6 || listen == .loopbackV6, let target = own ?? v4 ?? v6 else {
                return nil
            }
            return ProxyRule(
                owner: container, listen: SocketEndpoint(listen, port.hostPort),
                target: SocketEndpoint(target, port.target), transport: kind)
        }
    }

    private func isLedByRule(to address: IPAddress) -> Bool {
        guard let hostAddress else { return true }
        return hostAddress.family == address.family && hostAddress != .loopbackV6
    }
}
