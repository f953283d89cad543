import Glibc
import Linux

/// Holds host ports for their owners by binding sockets. So nobody else gets the port, and a connection that neither a
/// rule nor a proxy forwards is refused at once.
final class PortHolder {
    /// A held port; closes its sockets at its end.
    final class Hold {
        let addresses: [IPAddress]
        let port: UInt16
        let transport: InternetSocket.Kind
        fileprivate let sockets: [(endpoint: SocketEndpoint, descriptor: CInt)]

        fileprivate init(
            _ addresses: [IPAddress], _ port: UInt16, _ transport: InternetSocket.Kind,
            _ sockets: [(endpoint: SocketEndpoint, descriptor: CInt)]
        ) {
            self.addresses = addresses
            self.port = port
            self.transport = transport
            self.sockets = sockets
        }

        deinit { for socket in sockets { close(socket.descriptor) } }

        fileprivate func fits(_ wish: PortWish) -> Bool {
            guard addresses == wish.addresses, transport == wish.transport else { return false }
            if let preferred = wish.preferred { return port == preferred }
            return wish.ports.contains(port) || wish.ports.lowerBound == 0
        }
    }

    /// Why a port is not held.
    enum Failure: Error, CustomStringConvertible {
        case taken(PortClash)
        /// A text for a person.
        case impossible(String)

        var description: String {
            switch self {
            case .taken(let clash): "\(clash.endpoint) is in use" + (clash.owner.map { " by \($0)" } ?? "")
            case .impossible(let reason): reason
            }
        }
    }

    private struct Number: Hashable {
        let port: UInt16
        let transport: InternetSocket.Kind

        init(_ port: UInt16, _ transport: InternetSocket.Kind) {
            self.port = port
            self.transport = transport
        }
    }

    private var byOwner: [String: [Hold]] = [:]
    /// The owners of a number, on any address.
    private var owners: [Number: Set<String>] = [:]

    var held: [NetState.Held] {
        byOwner.flatMap { owner, holds in
            holds.map { .init(owner: owner, addresses: $0.addresses, port: $0.port, transport: $0.transport) }
        }.sorted { ($0.owner, $0.port, $0.transport.rawValue) < ($1.owner, $1.port, $1.transport.rawValue) }
    }

    /// Holds everything that `owner` wishes, instead of what it held before. If something is not available, `owner`
    /// keeps the ports that it held and wishes again.
    func hold(_ wishes: [PortWish], for owner: String) throws(Failure) -> [UInt16] {
        var earlier = byOwner[owner] ?? []
        var kept: [Int: Hold] = [:]
        for (index, wish) in wishes.enumerated() {
            guard let known = earlier.firstIndex(where: { $0.fits(wish) }) else { continue }
            kept[index] = earlier.remove(at: known)
        }
        // First, because a new wish may need the same port on other addresses.
        earlier = []
        replace(kept.sorted { $0.key < $1.key }.map(\.value), of: owner)
        var holds: [Hold] = []
        for (index, wish) in wishes.enumerated() {
            if let hold = kept[index] {
                holds.append(hold)
            } else {
                holds.append(try bind(wish, index, owner, beside: holds))
            }
        }
        replace(holds, of: owner)
        return holds.map(\.port)
    }

    func letGo(of owner: String) { replace([], of: owner) }

    func letGoOfAll() { for owner in Array(byOwner.keys) { letGo(of: owner) } }

    /// The socket that `owner` holds at `endpoint`.
    func socket(at endpoint: SocketEndpoint, _ transport: InternetSocket.Kind, of owner: String) -> CInt? {
        for hold in byOwner[owner] ?? [] where hold.transport == transport {
            if let found = hold.sockets.first(where: { $0.endpoint == endpoint }) { return found.descriptor }
        }
        return nil
    }

    /// `owner` holds the port, but not at this endpoint, because the host has no such addresses.
    func isLeftOut(_ endpoint: SocketEndpoint, _ transport: InternetSocket.Kind, of owner: String) -> Bool {
        (byOwner[owner] ?? []).contains {
            $0.transport == transport && $0.port == endpoint.port && $0.addresses.contains(endpoint.address)
        }
    }

    /// Whether `count` ports of the wish are available now, apart from what is held here.
    func probe(_ wish: PortWish, count: Int) throws(Failure) {
        guard wish.ports.lowerBound > 0 else { return }
        var free = 0
        var clash: PortClash?
        for port in wish.ports where free < count {
            do throws(Failure) {
                if holder(of: wish.addresses, port, wish.transport) == nil {
                    _ = try bind(wish.addresses, port, wish.transport, 0)
                }
                free += 1
            } catch {
                guard case .taken(let found) = error else { throw error }
                clash = found
            }
        }
        guard free < count, var clash else { return }
        clash.free = free
        throw .taken(clash)
    }

    private func replace(_ holds: [Hold], of owner: String) {
        for hold in byOwner[owner] ?? [] {
            let number = Number(hold.port, hold.transport)
            owners[number]?.remove(owner)
            if owners[number]?.isEmpty == true { owners[number] = nil }
        }
        byOwner[owner] = holds.isEmpty ? nil : holds
        for hold in holds { owners[Number(hold.port, hold.transport), default: []].insert(owner) }
    }

    /// The preferred port, or else the first free one of the range.
    private func bind(_ wish: PortWish, _ index: Int, _ owner: String, beside own: [Hold]) throws(Failure) -> Hold {
        if wish.ports.lowerBound == 0 { return try bindAnyPort(wish, index) }
        if let port = wish.preferred, wish.ports.contains(port),
            let hold = try? bindUnlessHeld(wish, port, index, owner, beside: own)
        {
            return hold
        }
        var clash: Failure?
        let avoided = Set(wish.avoided ?? [])
        let ports = avoided.isEmpty ? Array(wish.ports) : wish.ports.filter { !avoided.contains($0) } + avoided.sorted()
        for port in ports where wish.ports.contains(port) {
            do throws(Failure) {
                return try bindUnlessHeld(wish, port, index, owner, beside: own)
            } catch {
                guard case .taken = error else { throw error }
                clash = error
            }
        }
        throw clash ?? .impossible("there is no port to hold")
    }

    private func bindUnlessHeld(
        _ wish: PortWish, _ port: UInt16, _ index: Int, _ owner: String, beside own: [Hold]
    ) throws(Failure) -> Hold {
        // Check this first: the kernel would refuse as well, but could not name the holder.
        if let holder = holder(of: wish.addresses, port, wish.transport), holder.owner != owner {
            throw .taken(PortClash(index: index, endpoint: holder.endpoint, owner: holder.owner))
        }
        if let twice = Self.overlap(own, wish.addresses, port, wish.transport) {
            throw .taken(PortClash(index: index, endpoint: twice, owner: owner))
        }
        return try bind(wish.addresses, port, wish.transport, index)
    }

    /// A number that is free on the first address may be in use on the second one; then try another.
    private func bindAnyPort(_ wish: PortWish, _ index: Int) throws(Failure) -> Hold {
        if let port = wish.preferred, let hold = try? bind(wish.addresses, port, wish.transport, index) { return hold }
        var failure = Failure.impossible("there is no free port")
        for _ in 0..<32 {
            do throws(Failure) {
                return try bind(wish.addresses, freePort(wish), wish.transport, index)
            } catch {
                failure = error
                guard case .taken = error else { break }
            }
        }
        throw failure
    }

    /// A number that the kernel considers free. It is bound explicitly afterwards, because a socket with a number from
    /// the kernel loses it when a proxy stops listening.
    private func freePort(_ wish: PortWish) throws(Failure) -> UInt16 {
        let any = try bind(wish.addresses.prefix(1).map(\.self), 0, wish.transport, 0)
        return any.port
    }

    private func holder(
        of addresses: [IPAddress], _ port: UInt16, _ transport: InternetSocket.Kind
    ) -> (owner: String, endpoint: SocketEndpoint)? {
        for owner in owners[Number(port, transport)] ?? [] {
            if let endpoint = Self.overlap(byOwner[owner] ?? [], addresses, port, transport) {
                return (owner, endpoint)
            }
        }
        return nil
    }

    /// Where one of `holds` conflicts with `port` on `addresses`.
    private static func overlap(
        _ holds: [Hold], _ addresses: [IPAddress], _ port: UInt16, _ transport: InternetSocket.Kind
    ) -> SocketEndpoint? {
        for hold in holds where hold.port == port && hold.transport == transport {
            for (endpoint, _) in hold.sockets where addresses.contains(where: { endpoint.address.isInTheWay(of: $0) }) {
                return endpoint
            }
        }
        return nil
    }

    private func bind(
        _ addresses: [IPAddress], _ port: UInt16, _ transport: InternetSocket.Kind, _ index: Int
    ) throws(Failure) -> Hold {
        var port = port
        var sockets: [(endpoint: SocketEndpoint, descriptor: CInt)] = []
        for address in addresses {
            do throws(SyscallError) {
                let socket = try Self.bound(SocketEndpoint(address, port), transport)
                if port == 0 { port = try InternetSocket.localEndpoint(socket.raw)?.port ?? 0 }
                sockets.append((SocketEndpoint(address, port), socket.release()))
            } catch {
                // EAFNOSUPPORT, EADDRNOTAVAIL: this host has no IPv6, or it is disabled.
                let lacksFamily = [97, 99].contains(error.code.rawValue) && address.family == .v6
                if lacksFamily, address.isUnspecified || address.isLoopback, addresses.count > 1 { continue }
                for socket in sockets { close(socket.descriptor) }
                if error.code == .addressInUse {
                    throw .taken(PortClash(index: index, endpoint: SocketEndpoint(address, port), owner: nil))
                }
                if error.code.rawValue == EADDRNOTAVAIL {
                    throw .impossible("this host has no address \(address.hostText) to hold port \(port) on")
                }
                throw .impossible("\(error)")
            }
        }
        guard !sockets.isEmpty else { throw .impossible("no address to hold port \(port) on") }
        return Hold(addresses, port, transport, sockets)
    }

    private static func bound(
        _ endpoint: SocketEndpoint, _ transport: InternetSocket.Kind
    ) throws(SyscallError) -> OwnedFD {
        let socket = try InternetSocket.open(endpoint.address.family, transport)
        // Only while binding: connections of an earlier server in TIME_WAIT must not block the port, but nobody who
        // sets the option too may share it afterwards.
        if transport == .tcp { try InternetSocket.setOption(socket.raw, SOL_SOCKET, SO_REUSEADDR, 1) }
        try InternetSocket.bind(socket.raw, to: endpoint)
        if transport == .tcp { try InternetSocket.setOption(socket.raw, SOL_SOCKET, SO_REUSEADDR, 0) }
        return socket
    }
}

extension IPAddress {
    /// A wildcard conflicts with every address of its family.
    fileprivate func isInTheWay(of address: IPAddress) -> Bool {
        family == address.family && (self == address || isUnspecified || address.isUnspecified)
    }
}
