import NIOCore
import NIOHTTP1

/// The limits of a server. It never closes a connection while it answers on it.
package struct ServerLimits: Sendable {
    /// Connections at once. Beyond that the server closes the connection that has waited longest for its client. If all of them wait for
    /// answers, it refuses the new one.
    package var connections = 512
    /// Bytes of a body in memory.
    package var bodyBytes = 64 << 20
    /// Bytes of all bodies in memory together.
    package var bufferedBytes = 256 << 20
    /// How long a new connection may be silent.
    package var firstRequest = TimeAmount.minutes(10)
    /// How long a connection may be silent between two requests.
    package var idle = TimeAmount.minutes(10)
    /// How long the header of a request may take after its first byte.
    package var head = TimeAmount.seconds(30)
    /// How long a body may be silent.
    package var bodyPause = TimeAmount.minutes(5)
    /// How often the server looks for connections that take too long, while it has any.
    package var sweep = TimeAmount.seconds(5)

    package init() {}

    /// For addresses that everybody can reach: silent connections are closed sooner.
    package mutating func hurry() { firstRequest = .seconds(30) }

    /// A single field can hold the logins at many registries.
    static let decoder: NIOHTTPDecoderLimitConfiguration = {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 256 << 10
        limits.maxHeaderListSize = 1 << 20
        return limits
    }()
}
