import NIOCore
import NIOHTTP1

/// What one server bears. A connection is never put out while its answer is under way.
package struct ServerLimits: Sendable {
    /// Connections at once. Beyond them the one that has waited longest for its client goes; when all have answers under way, the
    /// new one is told so.
    package var connections = 512
    /// Bytes of one body that is kept in memory.
    package var bodyBytes = 64 << 20
    /// Bytes of all such bodies together.
    package var bufferedBytes = 256 << 20
    /// How long a new connection may say nothing.
    package var firstRequest = TimeAmount.minutes(10)
    /// How long a connection may rest between two requests.
    package var idle = TimeAmount.minutes(10)
    /// How long the head of a request may take from its first byte on.
    package var head = TimeAmount.seconds(30)
    /// How long a body may pause.
    package var bodyPause = TimeAmount.minutes(5)
    /// How often those that take too long are looked for, while there is anybody.
    package var sweep = TimeAmount.seconds(5)

    package init() {}

    /// For places that everybody can reach: whoever wants nothing does not stay.
    package mutating func hurry() { firstRequest = .seconds(30) }

    /// Log-ins to many registries stand in one field.
    static let decoder: NIOHTTPDecoderLimitConfiguration = {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 256 << 10
        limits.maxHeaderListSize = 1 << 20
        return limits
    }()
}
