import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1

/// How often and how long to retry.
struct RetryPolicy: Sendable {
    /// Includes the first attempt.
    var attempts = 5
    /// Before the second attempt; doubled for each further one.
    var firstDelay = Duration.milliseconds(250)
    /// The longest Retry-After of a registry to respect.
    var longestDelay = Duration.seconds(60)

    func isWorthAnother(_ status: HTTPResponseStatus) -> Bool { [408, 429, 500, 502, 503, 504].contains(status.code) }

    /// A broken connection may work the next time; an unknown host name or a refused connection will not soon.
    func isWorthAnother(_ error: any Error) -> Bool {
        switch error {
        case is ImageError, is CancellationError: false
        case let error as RegistryStatus: isWorthAnother(HTTPResponseStatus(statusCode: Int(error.code)))
        case let error as HTTPClientError:
            [.remoteConnectionClosed, .readTimeout, .writeTimeout].contains(error)
        case let error as IOError: [EPIPE, ECONNRESET].contains(error.errnoCode)
        default: false
        }
    }

    /// Waits before attempt `attempt + 1`; `header` is a Retry-After in seconds.
    func wait(_ attempt: Int, after header: String?) async throws {
        let asked = header.flatMap { Int64($0) }.map { Duration.seconds(max(0, $0)) }
        // Up to a quarter more, so that clients that failed together do not retry together.
        let own = firstDelay * (1 << min(attempt - 1, 8)) * Double.random(in: 1...1.25)
        try await Task.sleep(for: min(asked ?? own, longestDelay))
    }
}
