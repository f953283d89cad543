import EngineWire
import Linux
import NameService
import Networking

/// How a published port leads to its container: by rules of the kernel where both ends are of one family, through a proxy where they are
/// not, and for ::1, from which no rule leads anywhere (IPv6 has no route_localnet). Pure.
package struct PortPaths {
    let port: ContainerRecord.Port
    /// The container's.
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

    /// Where the port is held, so that nobody else gets it. A UDP proxy serves ::1 alone: from a wildcard it would answer with an
    /// address that the client did not ask.
    package static func heldAddresses(_ port: ContainerRecord.Port) throws(EngineFailure) -> [IPAddress] {
        let everyV6: IPAddress = port.transport == "tcp" ? .anyV6 : .loopbackV6
        guard let text = port.hostIP else { return [.anyV4, everyV6] }
        guard let address = IPAddress(text) else {
            throw EngineFailure(
                code: .invalid, message: "\"\(text)\" is not an address on which a port can be published")
        }
        return [address == .anyV6 ? everyV6 : address]
    }

    /// The rules of the kernel that lead there.
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

    /// What is left to proxies, on addresses where the port is held.
    package var proxies: [ProxyRule] {
        guard let kind = InternetSocket.Kind(rawValue: port.transport),
            let held = try? Self.heldAddresses(port)
        else { return [] }
        return held.compactMap { listen in
            let own = listen.family == .v4 ? v4 : v6
            // Rules take all but ::1, which is among the addresses of the wildcard.
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
