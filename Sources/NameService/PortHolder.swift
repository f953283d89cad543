import Glibc
import Linux

/// Holds ports of the host by sockets that are bound and never listen: nobody else gets the port, and a connection that no rule leads
/// to a container is refused at once.
final class PortHolder {
    private var descriptors: [PortWish: [CInt]] = [:]

    var held: [PortWish] { Array(descriptors.keys) }

    /// Holds what is wished; what is held already stays so.
    func hold(_ wish: PortWish) -> PortOutcome {
        if descriptors[wish] != nil { return .held(port: wish.port) }
        var outcome = attempt(wish)
        // The number that the first address got may be in use at the second: another then.
        for _ in 0..<32 {
            guard wish.port == 0, case .taken = outcome else { break }
            outcome = attempt(wish)
        }
        return outcome
    }

    func release(_ wish: PortWish) {
        for descriptor in descriptors.removeValue(forKey: wish) ?? [] { close(descriptor) }
    }

    func releaseAll() { for wish in held { release(wish) } }

    private func attempt(_ wish: PortWish) -> PortOutcome {
        var wish = wish
        var sockets: [CInt] = []
        for address in wish.addresses {
            do throws(SyscallError) {
                let socket = try Self.bound(SocketEndpoint(address, wish.port), wish.transport)
                if wish.port == 0 { wish.port = try InternetSocket.localEndpoint(socket.raw)?.port ?? 0 }
                sockets.append(socket.release())
            } catch {
                for socket in sockets { close(socket) }
                guard error.code == .addressInUse else { return .failed("\(error)") }
                let endpoint = SocketEndpoint(address, wish.port)
                return .taken(address: address, port: wish.port, by: PortOwner.find(endpoint, wish.transport))
            }
        }
        guard !sockets.isEmpty else { return .failed("no address to hold port \(wish.port) on") }
        descriptors[wish] = sockets
        return .held(port: wish.port)
    }

    private static func bound(
        _ endpoint: SocketEndpoint, _ transport: InternetSocket.Kind
    ) throws(SyscallError) -> OwnedFD {
        let socket = try InternetSocket.open(endpoint.address.family, transport)
        // For the moment of binding only: connections of an earlier server that wait out their TIME_WAIT must not be in the way, but
        // nobody who sets it too may share the port afterwards.
        if transport == .tcp { try InternetSocket.setOption(socket.raw, SOL_SOCKET, SO_REUSEADDR, 1) }
        try InternetSocket.bind(socket.raw, to: endpoint)
        if transport == .tcp { try InternetSocket.setOption(socket.raw, SOL_SOCKET, SO_REUSEADDR, 0) }
        return socket
    }
}
