import AsyncHTTPClient
import Linux
import NIOCore
import NIOSSL

/// How to reach registries: which need no encryption, which proxies to use, and which authorities to trust in addition
/// to the system's own.
package struct RegistryNetwork: Sendable {
    /// Hosts (`name`, `name:port`, IPv4 networks) that need no valid certificate, or none at all.
    package var insecure: [String]
    package var proxies: ProxySettings
    /// Folders with a subfolder for each host (`name` or `name:port`): `*.crt` are authorities to trust for it,
    /// `NAME.cert` with `NAME.key` is the client certificate for it.
    package var certificates: [String]

    /// Registries with copies of Docker Hub's images, `https://HOST`; they are asked first.
    package var mirrors: [String] = []

    /// berth's own, and Docker's.
    package static let standardCertificates = ["/etc/berth/certs.d", "/etc/docker/certs.d"]

    package init(
        insecure: [String] = [], proxies: ProxySettings = ProxySettings(),
        certificates: [String] = standardCertificates
    ) {
        self.insecure = insecure
        self.proxies = proxies
        self.certificates = certificates
    }

    /// The image at each mirror of its registry, with the settings for that mirror.
    func mirrored(_ reference: Reference) -> [(Reference, RegistryNetwork)] {
        guard reference.domain == "docker.io" else { return [] }
        return mirrors.compactMap { url in
            let parts = url.split(separator: "/")
            guard parts.count == 2 else { return nil }
            let host = String(parts[1])
            let end = (reference.tag.map { ":\($0)" } ?? "") + (reference.digest.map { "@\($0)" } ?? "")
            guard let copy = try? Reference("\(host)/\(reference.path)\(end)"), copy.domain == host else { return nil }
            var network = self
            if parts[0] == "http:" { network.insecure.append(host) }
            return (copy, network)
        }
    }

    /// The TLS settings for a registry that differ from the default; nil if none do.
    /// - Throws: `ImageError.registry` for a file that cannot be read as a certificate or key.
    func tls(for domain: String) throws -> TLSConfiguration? {
        var configuration = TLSConfiguration.makeClientConfiguration()
        var isStandard = true
        if RegistryHost(domain: domain, insecure: insecure).allowsPlain {
            configuration.certificateVerification = .none
            isStandard = false
        }
        for folder in certificates.map({ "\($0)/\(domain)" }) {
            for name in (try? folderEntries(folder)) ?? [] {
                let path = "\(folder)/\(name)"
                do {
                    switch name.split(separator: ".").last {
                    case "crt":
                        let authorities = try NIOSSLCertificate.fromPEMFile(path)
                        configuration.additionalTrustRoots.append(.certificates(authorities))
                    case "cert":
                        let key = "\(path.dropLast("cert".count))key"
                        configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(path).map {
                            .certificate($0)
                        }
                        configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
                    default: continue
                    }
                } catch {
                    throw ImageError.registry(
                        "\(path), for \(domain), is not a certificate and key in PEM format: \(error)")
                }
                isStandard = false
            }
        }
        return isStandard ? nil : configuration
    }
}

/// The connections of one pull or push: with the registry's own certificates, and through the proxy of each host.
///
/// They end with the pull or push, so an idle engine has no connections, timers or threads for them.
actor RegistryConnections {
    private let network: RegistryNetwork
    private let tls: TLSConfiguration?
    private let patience: TimeAmount
    private var clients: [ProxySettings.Proxy?: HTTPClient] = [:]

    /// `patience` is the time limit for an answer, and for each further byte.
    /// - Throws: `ImageError.registry` when the registry's certificates cannot be read.
    init(_ network: RegistryNetwork, for domain: String, patience: TimeAmount = .seconds(60)) throws {
        self.network = network
        self.patience = patience
        tls = try network.tls(for: domain)
    }

    func execute(_ request: HTTPClientRequest, deadline: NIODeadline) async throws -> HTTPClientResponse {
        try await client(for: request.url).execute(request, deadline: deadline)
    }

    func shutdown() async {
        for client in clients.values { try? await client.shutdown() }
        clients = [:]
    }

    private func client(for url: String) -> HTTPClient {
        let proxy = network.proxies.proxy(for: url)
        if let client = clients[proxy] { return client }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(15), read: patience, write: patience), proxy: proxy.map(Self.proxy))
        // Several HTTP/1.1 connections transfer large blobs faster than the streams of one HTTP/2 connection.
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(configuration: configuration)
        clients[proxy] = client
        return client
    }

    private static func proxy(_ proxy: ProxySettings.Proxy) -> HTTPClient.Configuration.Proxy {
        let login = proxy.user.map { HTTPClient.Authorization.basic(username: $0, password: proxy.password ?? "") }
        return .server(host: proxy.host, port: proxy.port, authorization: login)
    }
}
