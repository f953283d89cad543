import AsyncHTTPClient
import NIOHTTP1

extension ImageStore {
    /// Asks the registry `server`, in the spelling of a Docker configuration, whether it accepts the login in
    /// `credentials`.
    /// - Throws: `ImageError.unauthorized` when it does not, `ImageError.registry` when it cannot be asked.
    package nonisolated func checkLogin(
        at server: String, credentials: RegistryCredentials, network: RegistryNetwork = RegistryNetwork()
    ) async throws {
        // A reference is needed to name the registry; the repository is not used.
        let reference = try Reference("\(RegistryCredentials.host(server))/login")
        let http = try RegistryConnections(network, for: reference.domain)
        let client = RegistryClient(
            reference, credentials: credentials, insecure: network.insecure, http: http, for: .login)
        do {
            let response = try await client.perform(RegistryRequest(.GET, ""))
            guard response.status == .ok else { throw await client.failure(response, "a login") }
            await http.shutdown()
        } catch {
            await http.shutdown()
            throw error
        }
    }
}
