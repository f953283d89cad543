import AsyncHTTPClient
import Glibc
import Linux
import NIOCore
import NIOHTTP1

/// Downloads `url` (http or https) into a new file at `path`, through the proxy for this URL.
///
/// Returns the server's Last-Modified header unchanged; nil without one.
/// - Throws: `ImageError.registry` when the download fails; then no file is left.
package func downloadFile(
    _ url: String, to path: String, network: RegistryNetwork, on pool: BlockingPool
) async throws -> String? {
    var configuration = HTTPClient.Configuration(
        redirectConfiguration: .follow(max: 10, allowCycles: false),
        timeout: .init(connect: .seconds(15), read: .seconds(60)))
    configuration.httpVersion = .http1Only
    // Otherwise it hides the reason behind a timeout.
    configuration.connectionPool.retryConnectionEstablishment = false
    if let proxy = network.proxies.proxy(for: url) {
        let login = proxy.user.map { HTTPClient.Authorization.basic(username: $0, password: proxy.password ?? "") }
        configuration.proxy = .server(host: proxy.host, port: proxy.port, authorization: login)
    }
    let client = HTTPClient(configuration: configuration)
    do {
        let modified = try await fetch(url, to: path, client, pool)
        try await client.shutdown()
        return modified
    } catch {
        await pool.runInfallible { _ = unlink(path) }
        try? await client.shutdown()
        if error is CancellationError || error is ImageError { throw error }
        throw ImageError.registry("\(url) cannot be fetched: \(connectionText(error))")
    }
}

private func fetch(_ url: String, to path: String, _ client: HTTPClient, _ pool: BlockingPool) async throws -> String? {
    let response = try await client.execute(HTTPClientRequest(url: url), timeout: .hours(2))
    guard response.status == .ok else {
        throw ImageError.registry("\(url) cannot be fetched: the server answered \(response.status.code)")
    }
    let sink = try await pool.run { try BlobSink(path) }
    for try await piece in response.body {
        let bytes = Array(buffer: piece)
        try await pool.run { try sink.append(bytes) }
    }
    return response.headers.first(name: "last-modified")
}
