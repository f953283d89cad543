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
    /// Hold ports of the host for `owner`: all of them or none, in place of all that it held before. What it held and wishes again is
    /// never free in between.
    case hold(owner: String, wishes: [PortWish])
    /// Let go of all ports that these owners hold, and of the proxies on them.
    case letGo(owners: [String])
    /// Find out, without holding any, whether `count` ports of the wish can be had: those held here count as free, for the asker
    /// knows whose they are.
    case probe(PortWish, count: Int)
    /// Carry connections, or datagrams, from a port that its owner holds to another address.
    case proxy(ProxyRule)
    case unproxy(ProxyRule)
    /// Keep a copy of the socket that the process `pid` listens on as `descriptor`, so that it lives on when that process ends;
    /// in place of one kept for the same path.
    case keep(KeptSocket, pid: Int32)
    /// Let go of the socket that is kept for this path.
    case drop(path: String)
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
    /// All wishes are held, at these ports, in their order.
    case held([UInt16])
    /// One of the wishes stands back behind somebody else; nothing was changed.
    case taken(PortClash)
    case state(NetState)
    /// In words for a person.
    case failed(String)
}

/// A port of the host to be held: the same number on each of the addresses.
package struct PortWish: Codable, Hashable, Sendable {
    /// An IPv6 wildcard or loopback address is left out on a host without IPv6, when there is another one.
    package var addresses: [IPAddress]
    /// The first free one of these is taken; 0 is any free one.
    package var ports: ClosedRange<UInt16>
    /// Taken before the others when it is free.
    package var preferred: UInt16?
    /// Taken only when no other is free: somebody is going to wish just these.
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

/// Why a wish cannot be held: somebody has its port, or for a range the last of them.
package struct PortClash: Codable, Hashable, Sendable {
    /// Which of the wishes.
    package var index: Int
    package var endpoint: SocketEndpoint
    /// Who holds it here; nil when it is another program's.
    package var owner: String?
    /// How many of a range can be had.
    package var free: Int

    package init(index: Int, endpoint: SocketEndpoint, owner: String?, free: Int = 0) {
        self.index = index
        self.endpoint = endpoint
        self.owner = owner
        self.free = free
    }
}

/// A listening UNIX socket that is kept for an engine.
package struct KeptSocket: Codable, Hashable, Sendable {
    package var path: String
    /// Of the file that it was bound to: another file may be at the path by now.
    package var device: UInt64
    package var inode: UInt64
    /// Its number in the process that has it.
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

    /// A port that is held, and for whom.
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
    /// Sockets that are kept, with their numbers here; nil is none.
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
    /// The connected control socket that the engine hands over.
    package static let controlDescriptor: Int32 = 3
    /// Bytes of the longest line either side accepts: a zone of a large project.
    package static let longestLine = 16 << 20
}
