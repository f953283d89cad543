import Images
import Synchronization
import Testing

/// Asking registries whether they take a login.
@Suite struct LoginTests {
    private static let right = "Basic dXNlcjpwYTpzcw=="

    private func credentials(_ password: String, at address: String) -> RegistryCredentials {
        var credentials = RegistryCredentials()
        credentials.add(.password(user: "user", password: password), for: address)
        return credentials
    }

    @Test(
        "a password is right or wrong, whether the registry asks for it itself or has a server for tokens",
        arguments: [false, true])
    func passwords(hasTokens: Bool) async throws {
        let own = Mutex("")
        let registry = try ScriptedRegistry { request in
            let given = request.headers["authorization"]
            if request.path.hasPrefix("/token") {
                return .init(status: given == Self.right ? 200 : 401, body: Array(#"{"token":"T0"}"#.utf8))
            }
            guard request.path == "/v2/" else { return .init(status: 404) }
            let challenge =
                hasTokens ? "Bearer realm=\"http://\(own.withLock { $0 })/token\",service=\"s\"" : "Basic realm=\"x\""
            guard given == (hasTokens ? "Bearer T0" : Self.right) else {
                return .init(status: 401, headers: ["WWW-Authenticate": challenge])
            }
            return .init(status: 200)
        }
        own.withLock { $0 = registry.address }
        try await withStore { store, _ in
            try await registry.serve { address in
                try await store.checkLogin(
                    at: "http://\(address)/v1/", credentials: credentials("pa:ss", at: address))
                for wrong in [credentials("other", at: address), RegistryCredentials()] {
                    let error = await #expect(throws: ImageError.self) {
                        try await store.checkLogin(at: address, credentials: wrong)
                    }
                    guard case .unauthorized(let text)? = error else {
                        Issue.record("\(String(describing: error))")
                        continue
                    }
                    #expect(text.hasPrefix("login at \(address) failed"), "\(text)")
                }
            }
        }
    }

    @Test("a registry that nobody has to log in to takes everybody; one that is not there takes nobody")
    func others() async throws {
        let registry = try ScriptedRegistry { _ in .init(status: 200) }
        try await withStore { store, _ in
            try await registry.serve { address in
                try await store.checkLogin(at: address, credentials: credentials("any", at: address))
            }
            let error = await #expect(throws: ImageError.self) {
                try await store.checkLogin(at: "127.0.0.1:1", credentials: RegistryCredentials())
            }
            expectText(error, has: "cannot be reached")
        }
    }
}
