import Linux
import NameService
import Networking

/// Owns the connection with `berth-net`, which is started with the first network and again when it was killed.
actor NameKeeper {
    private let program: String
    private let folder: String
    private let onLoss: @Sendable () -> Void
    private var client: Task<NameServiceClient, any Error>?
    /// Host ports held for containers: told again to a service that was started anew.
    private var held: [String: [PortWish]] = [:]
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

    /// Exactly these are carried from now on.
    func setProxies(_ rules: Set<ProxyRule>) async throws {
        guard client != nil || !rules.isEmpty else { return }
        let connection = try await connected()
        for rule in proxies.subtracting(rules) { _ = try? await connection.request(.unproxy(rule)) }
        let missing = rules.subtracting(proxies)
        proxies = rules
        for rule in missing { _ = try await connection.request(.proxy(rule)) }
    }

    // MARK: Ports

    /// Holds one port; the caller tells whose it is with `keep`.
    func reserve(_ wish: PortWish) async throws -> PortOutcome? { try await connected().reserve([wish]).first }

    func keep(_ wishes: [PortWish], for container: String) { held[container, default: []] += wishes }

    /// Ports that a former engine holds for a container already; the others are left out.
    func adopt(_ wishes: [PortWish], for container: String) async throws {
        let known = try await connected().currentState().held
        keep(wishes.filter { known.contains($0) }, for: container)
        let missing = wishes.filter { !known.contains($0) }
        if !missing.isEmpty {
            _ = try await connected().reserve(missing)
            keep(missing, for: container)
        }
    }

    func release(_ wishes: [PortWish]) async throws {
        guard client != nil, !wishes.isEmpty else { return }
        _ = try await connected().request(.release(wishes))
    }

    func releaseAll(of container: String) async throws {
        guard let wishes = held.removeValue(forKey: container) else { return }
        try await release(wishes)
    }

    // MARK: Connection

    private func connected() async throws -> NameServiceClient {
        if let client { return try await client.value }
        let task = Task { [program, folder] in try await NameServiceClient.start(program: program, folder: folder) }
        client = task
        do {
            let connection = try await task.value
            let wishes = held.values.flatMap { $0 }
            proxies = connection.isFresh ? [] : Set(try await connection.currentState().proxies)
            if connection.isFresh, !wishes.isEmpty { _ = try await connection.reserve(wishes) }
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
