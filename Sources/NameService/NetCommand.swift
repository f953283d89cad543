import Linux

/// What the engine asks of `berth-net`; one JSON object a line, as `NetRequest`.
package enum NetCommand: Codable, Hashable, Sendable {
    /// Answer DNS in the namespace pinned at `namespacePath`, on 127.0.0.11, at these ports if they are free. Repeated for an `id` that is
    /// served, it answers with the ports in use.
    case serve(id: String, namespacePath: String, udpPort: UInt16?, tcpPort: UInt16?)
    /// Replace what `id` may resolve.
    case zone(id: String, zone: Zone)
    /// Replace the names of a network, which zones refer to by this id; without a directory they are forgotten.
    case directory(id: String, directory: Directory?)
    /// Stop serving `id`.
    case forget(id: String)
    /// Hold ports of the host, each wish for itself.
    case reserve([PortWish])
    /// Let go of held ports, named by what they were wished as and the port they got.
    case release([PortWish])
    /// Carry connections, or datagrams, to another address.
    case proxy(ProxyRule)
    case unproxy(ProxyRule)
    /// Everything that is held and served.
    case state
    /// Let go of everything and end.
    case leave
}

package struct NetRequest: Codable, Hashable, Sendable {
    /// Chosen by the asker; the reply bears it.
    package var id: Int
    package var command: NetCommand

    package init(id: Int, command: NetCommand) {
        self.id = id
        self.command = command
    }
}

package struct NetReply: Codable, Hashable, Sendable {
    package var id: Int
    package var result: NetResult

    package init(id: Int, result: NetResult) {
        self.id = id
        self.result = result
    }
}

package enum NetResult: Codable, Hashable, Sendable {
    /// The first line of every connection, with id 0: the protocol versions spoken, and the process.
    case hello(minimum: Int, maximum: Int, pid: Int32)
    case done
    case serving(udpPort: UInt16, tcpPort: UInt16)
    /// In the order of the wishes.
    case reserved([PortOutcome])
    case state(NetState)
    /// In words for a person.
    case failed(String)
}

/// Ports of the host to be held: the same number on each of the addresses, all or none.
package struct PortWish: Codable, Hashable, Sendable {
    package var addresses: [IPAddress]
    /// 0 is any free one.
    package var port: UInt16
    /// `tcp` or `udp`.
    package var transport: InternetSocket.Kind

    package init(addresses: [IPAddress], port: UInt16, transport: InternetSocket.Kind) {
        self.addresses = addresses
        self.port = port
        self.transport = transport
    }
}

package enum PortOutcome: Codable, Hashable, Sendable {
    case held(port: UInt16)
    /// Somebody has it already; who, when /proc tells.
    case taken(address: IPAddress, port: UInt16, by: PortOwner?)
    case failed(String)
}

/// The process that uses a port.
package struct PortOwner: Codable, Hashable, Sendable {
    package var pid: Int32
    /// As in /proc/PID/comm, at most 15 bytes.
    package var program: String

    package init(pid: Int32, program: String) {
        self.pid = pid
        self.program = program
    }
}

package struct ProxyRule: Codable, Hashable, Sendable {
    package var listen: SocketEndpoint
    package var target: SocketEndpoint
    package var transport: InternetSocket.Kind

    package init(listen: SocketEndpoint, target: SocketEndpoint, transport: InternetSocket.Kind = .tcp) {
        self.listen = listen
        self.target = target
        self.transport = transport
    }
}

package struct NetState: Codable, Hashable, Sendable {
    /// Ids with the ports they are served at.
    package struct Served: Codable, Hashable, Sendable {
        package var id: String
        package var udpPort: UInt16
        package var tcpPort: UInt16

        package init(id: String, udpPort: UInt16, tcpPort: UInt16) {
            self.id = id
            self.udpPort = udpPort
            self.tcpPort = tcpPort
        }
    }

    package var served: [Served]
    package var held: [PortWish]
    package var proxies: [ProxyRule]

    package init(served: [Served] = [], held: [PortWish] = [], proxies: [ProxyRule] = []) {
        self.served = served
        self.held = held
        self.proxies = proxies
    }
}

package enum NetProtocol {
    package static let versions = 1...1
    /// The connected control socket that the engine hands over.
    package static let controlDescriptor: Int32 = 3
    /// Bytes of the longest line either side accepts: a zone of a large project.
    package static let longestLine = 16 << 20
}
