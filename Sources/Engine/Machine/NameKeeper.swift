import Linux
import NameService
import Networking

/// Owns the connection to `berth-net`. Starts it with the first network, and restarts it after it was killed.
actor NameKeeper {
    private let program: String
    private let folder: String
    private let onLoss: @Sendable () -> Void
    private var client: Task<NameServiceClient, any Error>?
    /// Host ports held for containers, with the numbers they got. A restarted service must hold them again.
    private var held: [String: [PortWish]] = [:]
    /// Ports that a restarted service could not hold again, by container, with the reason.
    private var lostPorts: [String: String] = [:]
    /// By owner: the proxies that should run, and those that do.
    private var proxies: [String: Set<ProxyRule>] = [:]
    private var carried: [String: Set<ProxyRule>] = [:]
    /// Sockets that berth-net keeps open, by path, with their descriptors in this process.
    private var sockets: [String: KeptSocket] = [:]
    /// Owners whose proxies differ from what they should be. The next call tries again.
    private var behind: Set<String> = []

    init(program: String, folder: String, onLoss: @escaping @Sendable () -> Void) {
        self.program = program
        self.folder = folder
        self.onLoss = onLoss
    }

    // MARK: Names

    func serve(id: String, namespacePath: String) async throws -> (udpPort: UInt16, tcpPort: UInt16) {
        try await connected().serve(id: id, namespacePath: namespacePath)
    }

    func setZone(id: String, _ zone: Zone) async throws { _ = try await connected().request(.zone(id: id, zone: zone)) }

    func setDirectory(_ network: String, _ directory: Directory?) async throws {
        _ = try await connected().request(.directory(id: network, directory: directory))
    }

    func forget(_ id: String) async throws {
        guard client != nil else { return }
        _ = try await connected().request(.forget(id: id))
    }

    /// Makes exactly these proxies run. Returns those that could not start, with the reason, including those of owners
    /// from earlier calls. `isWhole`: remove the proxies of all other owners.
    func setProxies(_ rules: [String: Set<ProxyRule>], isWhole: Bool) async throws -> [ProxyRule: String] {
        if isWhole {
            proxies = [:]
            behind.formUnion(carried.keys)
        }
        for (owner, wanted) in rules {
            proxies[owner] = wanted.isEmpty ? nil : wanted
            if wanted != carried[owner] ?? [] { behind.insert(owner) }
        }
        guard !behind.isEmpty else { return [:] }
        guard client != nil || !proxies.isEmpty else {
            behind = []
            return [:]
        }
        let connection = try await connected()
        var failures: [ProxyRule: String] = [:]
        for owner in behind.sorted() {
            let wanted = proxies[owner] ?? []
            for rule in (carried[owner] ?? []).subtracting(wanted) {
                _ = try await connection.request(.unproxy(rule))
                carried[owner]?.remove(rule)
            }
            for rule in wanted.subtracting(carried[owner] ?? []) {
                do {
                    _ = try await connection.request(.proxy(rule))
                    carried[owner, default: []].insert(rule)
                } catch NameServiceError.refused(let words) {
                    failures[rule] = words
                }
            }
            if carried[owner]?.isEmpty == true { carried[owner] = nil }
            if carried[owner] ?? [] == proxies[owner] ?? [] { behind.remove(owner) }
        }
        return failures
    }

    // MARK: Ports

    /// Holds ports for a container, instead of those that it held before.
    func hold(_ wishes: [PortWish], for container: String) async throws -> NameServiceClient.Reservation {
        let reservation = try await connected().hold(wishes, for: container)
        lostPorts[container] = nil
        if case .held(let ports) = reservation {
            held[container] = zip(wishes, ports).map { wish, port in
                PortWish(addresses: wish.addresses, ports: port...port, transport: wish.transport)
            }
        }
        return reservation
    }

    func probe(_ wish: PortWish, count: Int) async throws -> PortClash? {
        try await connected().probe(wish, count: count)
    }

    /// Releases a container's ports and their proxies.
    func letGo(of container: String) async throws {
        held[container] = nil
        lostPorts[container] = nil
        proxies[container] = nil
        carried[container] = nil
        guard client != nil else { return }
        _ = try await connected().request(.letGo(owners: [container]))
    }

    // MARK: Sockets

    /// Keeps a listening socket of this process open after the process ends.
    func keep(_ socket: KeptSocket) async throws {
        guard sockets[socket.path] != socket else { return }
        try await connected().keep(socket)
        sockets[socket.path] = socket
    }

    /// The socket that an earlier engine kept for `path`; the caller owns its descriptor.
    func keptSocket(at path: String) async throws -> KeptSocket? {
        guard try FileLock.isHeld("\(folder)/net.lock") else { return nil }
        let kept = try await connected().keptSocket(at: path)
        sockets[path] = kept
        return kept
    }

    /// False when no socket was kept for `path`.
    @discardableResult
    func drop(_ path: String) async throws -> Bool {
        guard sockets.removeValue(forKey: path) != nil, client != nil else { return false }
        _ = try await connected().request(.drop(path: path))
        return true
    }

    // MARK: Connection

    /// Call this when an engine starts. A berth-net of an earlier engine then holds `ports`, serves `containers`, knows
    /// the names of `networks`, and releases everything else.
    func takeOver(ports: [String: [PortWish]], containers: Set<String>, networks: Set<String>) async throws {
        held = ports
        let isThere = try FileLock.isHeld("\(folder)/net.lock")
        guard isThere || !ports.isEmpty else { return }
        let connection = try await connected()
        guard !connection.isFresh else { return }
        let state = try await connection.currentState()
        let strangers = Set(state.held.map(\.owner) + state.proxies.map(\.owner)).subtracting(ports.keys)
        if !strangers.isEmpty {
            _ = try await connection.request(.letGo(owners: strangers.sorted()))
            for owner in strangers { carried[owner] = nil }
        }
        for id in state.served.map(\.id) where !containers.contains(id) {
            _ = try await connection.request(.forget(id: id))
        }
        for id in state.directories where !networks.contains(id) {
            _ = try await connection.request(.directory(id: id, directory: nil))
        }
        await holdAgain(Set(held.keys), on: connection)
    }

    /// Ports that are held already stay held.
    private func holdAgain(_ containers: Set<String>, on connection: NameServiceClient) async {
        for container in containers {
            lostPorts[container] = nil
            guard let wishes = held[container], !wishes.isEmpty else { continue }
            do {
                guard case .taken(let clash) = try await connection.hold(wishes, for: container) else { continue }
                lostPorts[container] = "port \(clash.endpoint) was taken by another program"
            } catch {
                lostPorts[container] = "\(error)"
            }
        }
    }

    /// Tries to hold lost ports again. Returns those that are still lost, with the reason.
    func holdLostPorts() async throws -> [String: String] {
        guard !lostPorts.isEmpty else { return [:] }
        await holdAgain(Set(lostPorts.keys), on: try await connected())
        return lostPorts
    }

    private func connected() async throws -> NameServiceClient {
        if let client { return try await client.value }
        let task = Task { [program, folder] in try await NameServiceClient.start(program: program, folder: folder) }
        client = task
        do {
            let connection = try await task.value
            let known = connection.isFresh ? [] : try await connection.currentState().proxies
            carried = Dictionary(grouping: known, by: \.owner).mapValues { Set($0) }
            behind.formUnion(proxies.keys)
            if connection.isFresh {
                await holdAgain(Set(held.keys), on: connection)
                for socket in sockets.values { try? await connection.keep(socket) }
            }
            Task {
                await connection.waitForEnd()
                self.lost()
            }
            return connection
        } catch {
            client = nil
            throw error
        }
    }

    /// Ends the name service, when no container is left to use it.
    func end() async {
        guard let client else { return }
        _ = try? await client.value.request(.leave)
    }

    private func lost() {
        client = nil
        carried = [:]
        behind.formUnion(proxies.keys)
        onLoss()
    }
}
