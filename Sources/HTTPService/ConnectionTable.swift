import NIOCore
import Synchronization

/// The connections of a server: their number, those that wait for their client, and the memory of their bodies.
final class ConnectionTable: Sendable {
    enum Phase: Hashable {
        /// No byte yet; between two requests; in the header of a request; in its body.
        case new, idle, head, body
        /// The client waits for the server, or the connection is a stream.
        case answering
    }

    private struct Entry {
        let channel: any Channel
        var phase = Phase.new
        var since: NIODeadline
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        var bytes = 0
        var isSweeping = false
    }

    let limits: ServerLimits
    // The mutex guards all of it.
    private let state = Mutex(State())

    init(limits: ServerLimits) { self.limits = limits }

    /// Adds a connection. False if there is no room and no connection can be closed.
    func add(_ channel: any Channel) -> Bool {
        let (hasRoom, goes) = state.withLock { state -> (Bool, (any Channel)?) in
            var goes: (any Channel)?
            if state.entries.count >= limits.connections {
                let waiting = state.entries.filter { $0.value.phase != .answering }
                guard let oldest = waiting.min(by: { $0.value.since < $1.value.since }) else { return (false, nil) }
                state.entries[oldest.key] = nil
                goes = oldest.value.channel
            }
            state.entries[ObjectIdentifier(channel)] = Entry(channel: channel, since: .now())
            return (true, goes)
        }
        goes?.close(promise: nil)
        if hasRoom { sweepLater(channel.eventLoop) }
        return hasRoom
    }

    func remove(_ channel: any Channel) {
        state.withLock { _ = $0.entries.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    func note(_ phase: Phase, of channel: any Channel) {
        state.withLock { state in
            state.entries[ObjectIdentifier(channel)]?.phase = phase
            state.entries[ObjectIdentifier(channel)]?.since = .now()
        }
    }

    /// Bytes have arrived that are not yet part of a request.
    func noteArrival(at channel: any Channel) {
        state.withLock { state in
            guard let entry = state.entries[ObjectIdentifier(channel)] else { return }
            switch entry.phase {
            case .new, .idle:
                state.entries[ObjectIdentifier(channel)]?.phase = .head
                state.entries[ObjectIdentifier(channel)]?.since = .now()
            case .body: state.entries[ObjectIdentifier(channel)]?.since = .now()
            // A header that arrives byte by byte gets no extra time.
            case .head, .answering: break
            }
        }
    }

    /// Reserves memory for this many more bytes of bodies; false if there is no room.
    func reserve(_ bytes: Int) -> Bool {
        state.withLock { state in
            guard state.bytes + bytes <= limits.bufferedBytes else { return false }
            state.bytes += bytes
            return true
        }
    }

    func release(_ bytes: Int) { state.withLock { $0.bytes -= bytes } }

    // MARK: Those that take too long

    private func sweepLater(_ loop: any EventLoop) {
        let begins = state.withLock { state in
            guard !state.isSweeping, !state.entries.isEmpty else { return false }
            state.isSweeping = true
            return true
        }
        guard begins else { return }
        loop.scheduleTask(in: limits.sweep) { [weak self] in self?.sweep(loop) }
    }

    private func sweep(_ loop: any EventLoop) {
        let now = NIODeadline.now()
        let late = state.withLock { state in
            state.isSweeping = false
            let late = state.entries.filter { entry in
                guard let limit = limit(of: entry.value.phase) else { return false }
                return now - entry.value.since > limit
            }
            for key in late.keys { state.entries[key] = nil }
            return late.values.map(\.channel)
        }
        for channel in late { channel.close(promise: nil) }
        sweepLater(loop)
    }

    private func limit(of phase: Phase) -> TimeAmount? {
        switch phase {
        case .new: limits.firstRequest
        case .idle: limits.idle
        case .head: limits.head
        case .body: limits.bodyPause
        case .answering: nil
        }
    }
}

/// Sees bytes before the HTTP decoder, which reports nothing as long as the header of a request is not complete.
final class ArrivalHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let table: ConnectionTable

    init(_ table: ConnectionTable) { self.table = table }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        table.noteArrival(at: context.channel)
        context.fireChannelRead(data)
    }
}
