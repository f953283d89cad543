import Linux
import NameService
import Networking

/// Owns the connection with `berth-net`, which is started with the first network and again when it was killed.
actor NameKeeper {
    private let program: String
    private let folder: String
    private let onLoss: @Sendable () -> Void
    private var client: Task<NameServiceClient, any Error>?
    /// Host ports held for containers, each with the number it has: told again to a service that was started anew.
    private var held: [String: [PortWish]] = [:]
    /// What a service that was started anew could not hold again, by container.
    private var lostPorts: [String: String] = [:]
    /// Those that are carried now; one that failed is tried again the next time.
    private var proxies: Set<ProxyRule> = []

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

    /// Exactly these are carried from now on, but for the ones that could not be: those are the answer, with the reason.
    func setProxies(_ rules: Set<ProxyRule>) async throws -> [ProxyRule: String] {
        guard client != nil || !rules.isEmpty else { return [:] }
        let connection = try await connected()
        for rule in proxies.subtracting(rules) {
            _ = try await connection.request(.unproxy(rule))
            proxies.remove(rule)
        }
        var failures: [ProxyRule: String] = [:]
        for rule in rules.subtracting(proxies) {
            do {
                _ = try await connection.request(.proxy(rule))
                proxies.insert(rule)
            } catch NameServiceError.refused(let words) {
                failures[rule] = words
            }
        }
        return failures
    }

    // MARK: Ports

    /// Holds ports for a container, in place of those that it held.
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

    /// Lets go of a container's ports and of the proxies on them.
    func letGo(of container: String) async throws {
        held[container] = nil
        lostPorts[container] = nil
        proxies = proxies.filter { $0.owner != container }
        guard client != nil else { return }
        _ = try await connected().request(.letGo(owners: [container]))
    }

    // MARK: Connection

    /// At the start of an engine: what runs beside it since an earlier one holds `ports` from now on, serves `containers` and knows
    /// the names of `networks`, and lets go of everything else.
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
            proxies = proxies.filter { !strangers.contains($0.owner) }
        }
        for id in state.served.map(\.id) where !containers.contains(id) {
            _ = try await connection.request(.forget(id: id))
        }
        for id in state.directories where !networks.contains(id) {
            _ = try await connection.request(.directory(id: id, directory: nil))
        }
        await holdAgain(Set(held.keys), on: connection)
    }

    /// What is held already stays so.
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

    /// Tries again; answers with what is lost still, and why.
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
            proxies = connection.isFresh ? [] : Set(try await connection.currentState().proxies)
            if connection.isFresh { await holdAgain(Set(held.keys), on: connection) }
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

    /// Ends the name service: nobody is left who could ask it.
    func end() async {
        guard let client else { return }
        _ = try? await client.value.request(.leave)
    }

    private func lost() {
        client = nil
        onLoss()
    }
}
