import Linux

/// Requests of the engine to `berth-net`; one JSON object in each line, as `NetRequest`.
package enum NetCommand: Codable, Hashable, Sendable {
    /// Answer DNS queries in the namespace pinned at `namespacePath`, on 127.0.0.11, at these ports if they are free.
    /// For an `id` that is already served, returns the ports in use.
    case serve(id: String, namespacePath: String, udpPort: UInt16?, tcpPort: UInt16?)
    /// Replace the names that `id` can resolve.
    case zone(id: String, zone: Zone)
    /// Replace the names of a network; zones refer to it by this id. Without a directory, forget it.
    case directory(id: String, directory: Directory?)
    /// Stop serving `id`.
    case forget(id: String)
    /// Hold host ports for `owner`: all of them or none, instead of all that it held before. Ports that it held and
    /// wishes again are never free in between.
    case hold(owner: String, wishes: [PortWish])
    /// Release all ports of these owners, and the proxies on them.
    case letGo(owners: [String])
    /// Check whether `count` ports of the wish are available, without holding any. Ports held here count as free,
    /// because the engine knows their owners.
    case probe(PortWish, count: Int)
    /// Forward connections or datagrams from a port that its owner holds to another address.
    case proxy(ProxyRule)
    case unproxy(ProxyRule)
    /// Keep a copy of the socket that the process `pid` listens on as `descriptor`, so that it stays open when that
    /// process ends. Replaces a socket kept for the same path.
    case keep(KeptSocket, pid: Int32)
    /// Release the socket kept for this path.
    case drop(path: String)
    /// Return everything that is held and served.
    case state
    /// Release everything and exit.
    case leave
}

package struct NetRequest: Codable, Hashable, Sendable {
    /// Chosen by the sender and repeated in the reply.
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
    /// The first line of every connection, with id 0: the supported protocol versions, and the process.
    case hello(minimum: Int, maximum: Int, pid: Int32)
    case done
    case serving(udpPort: UInt16, tcpPort: UInt16)
    /// All wishes are held at these ports, in order.
    case held([UInt16])
    /// One of the wishes is not available; nothing was changed.
    case taken(PortClash)
    case state(NetState)
    /// A text for a person.
    case failed(String)
}

/// A host port to hold: the same number on each of the addresses.
package struct PortWish: Codable, Hashable, Sendable {
    /// On a host without IPv6, an IPv6 wildcard or loopback address is left out if there is another one.
    package var addresses: [IPAddress]
    /// Uses the first free one; 0 means any free one.
    package var ports: ClosedRange<UInt16>
    /// Used before the others when it is free.
    package var preferred: UInt16?
    /// Used only when no other is free, because somebody else will ask for exactly these.
    package var avoided: [UInt16]?
    package var transport: InternetSocket.Kind

    package init(
        addresses: [IPAddress], ports: ClosedRange<UInt16>, preferred: UInt16? = nil, avoided: [UInt16]? = nil,
        transport: InternetSocket.Kind
    ) {
        self.addresses = addresses
        self.ports = ports
        self.preferred = preferred
        self.avoided = avoided
        self.transport = transport
    }
}

/// Why a wish is not available: its port is in use, or for a range its last port.
package struct PortClash: Codable, Hashable, Sendable {
    /// The index of the wish.
    package var index: Int
    package var endpoint: SocketEndpoint
    /// Who holds it here; nil when another program uses it.
    package var owner: String?
    /// How many ports of a range are available.
    package var free: Int

    package init(index: Int, endpoint: SocketEndpoint, owner: String?, free: Int = 0) {
        self.index = index
        self.endpoint = endpoint
        self.owner = owner
        self.free = free
    }
}

/// A listening UNIX socket kept for an engine.
package struct KeptSocket: Codable, Hashable, Sendable {
    package var path: String
    /// Identifies the file that it was bound to; the path may lead to another file by now.
    package var device: UInt64
    package var inode: UInt64
    /// The descriptor's number in the process that has it.
    package var descriptor: Int32

    package init(path: String, device: UInt64, inode: UInt64, descriptor: Int32) {
        self.path = path
        self.device = device
        self.inode = inode
        self.descriptor = descriptor
    }
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
    /// Who holds the port.
    package var owner: String
    package var listen: SocketEndpoint
    package var target: SocketEndpoint
    package var transport: InternetSocket.Kind

    package init(
        owner: String, listen: SocketEndpoint, target: SocketEndpoint, transport: InternetSocket.Kind = .tcp
    ) {
        self.owner = owner
        self.listen = listen
        self.target = target
        self.transport = transport
    }
}

package struct NetState: Codable, Hashable, Sendable {
    /// Ids with the ports of their name servers.
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

    /// A held port and its owner.
    package struct Held: Codable, Hashable, Sendable {
        package var owner: String
        package var addresses: [IPAddress]
        package var port: UInt16
        package var transport: InternetSocket.Kind

        package init(owner: String, addresses: [IPAddress], port: UInt16, transport: InternetSocket.Kind) {
            self.owner = owner
            self.addresses = addresses
            self.port = port
            self.transport = transport
        }
    }

    package var served: [Served]
    package var held: [Held]
    package var proxies: [ProxyRule]
    /// Networks whose names are known.
    package var directories: [String]
    /// Kept sockets, with their descriptors here; nil means none.
    package var sockets: [KeptSocket]?

    package init(
        served: [Served] = [], held: [Held] = [], proxies: [ProxyRule] = [], directories: [String] = [],
        sockets: [KeptSocket]? = nil
    ) {
        self.sockets = sockets
        self.served = served
        self.held = held
        self.proxies = proxies
        self.directories = directories
    }
}

package enum NetProtocol {
    package static let versions = 2...2
    /// The connected control socket that the engine passes on.
    package static let controlDescriptor: Int32 = 3
    /// The maximum length of a line in either direction, in bytes; a zone of a large project needs this much.
    package static let longestLine = 16 << 20
}
