import Images
import Testing

/// Which proxy leads to which host.
@Suite struct ProxyTests {
    static let environment = [
        "HTTPS_PROXY": "http://me:s%40crt@proxy.example:3128/", "http_proxy": "plain.example:81",
        "NO_PROXY": "inside.example,.only.example,10.0.0.0/8,192.0.2.1, exact.example:5000",
    ]

    static let cases: [(String, String?)] = [
        ("https://ghcr.io/v2/", "proxy.example"), ("http://ghcr.io/v2/", "plain.example"),
        ("https://inside.example/v2/", nil), ("https://a.inside.example:5000/v2/", nil),
        ("https://notinside.example/", "proxy.example"), ("https://a.only.example/", nil),
        ("https://only.example/", "proxy.example"), ("https://10.1.2.3/", nil), ("https://192.0.2.1:8443/", nil),
        ("https://192.0.2.2/", "proxy.example"), ("http://exact.example:5000/", nil),
        ("http://exact.example/", "plain.example"), ("https://localhost:5000/", nil), ("http://127.0.0.1/", nil),
        ("http://[::1]:5000/", nil), ("https://[2001:db8::1]/", "proxy.example"),
    ]

    @Test("NO_PROXY and this machine are reached directly, all else through the scheme's proxy", arguments: cases)
    func choice(url: String, host: String?) {
        #expect(ProxySettings(environment: Self.environment).proxy(for: url)?.host == host)
    }

    @Test("a proxy has host, port and login, and what is none is not used")
    func parsing() throws {
        let proxy = try #require(ProxySettings(environment: Self.environment).proxy(for: "https://x.example/"))
        #expect(proxy.port == 3128 && proxy.user == "me" && proxy.password == "s@crt")
        #expect(ProxySettings(environment: [:]).proxy(for: "https://x.example/") == nil)
        for text in ["", "socks5://h:1", "http://"] {
            #expect(ProxySettings(environment: ["https_proxy": text]).proxy(for: "https://x.example/") == nil)
        }
        let all = ProxySettings(environment: ["HTTP_PROXY": "p:1", "NO_PROXY": "*"])
        #expect(all.proxy(for: "http://x.example/") == nil)
    }

    @Test("a pull asks the proxy for a tunnel, with its login, and never resolves the registry's name itself")
    func tunnel() async throws {
        let proxy = try ScriptedRegistry { _ in .init(status: 502) }
        try await withStore { store, _ in
            try await proxy.serve { address in
                let network = RegistryNetwork(
                    proxies: ProxySettings(environment: ["https_proxy": "http://me:secret@\(address)"]))
                await #expect(throws: ImageError.self) {
                    try await store.pull(Reference("registry.invalid/a:1"), network: network)
                }
                let asked = try #require(proxy.log.first)
                #expect(asked.method == "CONNECT" && asked.path == "registry.invalid:443")
                #expect(asked.headers["proxy-authorization"] == "Basic bWU6c2VjcmV0")
            }
        }
    }
}
