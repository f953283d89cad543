import NIOCore
import Synchronization

/// The connections of one server: how many there are, which of them wait for their client, and what their bodies hold.
final class ConnectionTable: Sendable {
    enum Phase: Hashable {
        /// Nothing was said yet; between two requests; in the head of one; in its body.
        case new, idle, head, body
        /// Whoever is connected waits for us, or the connection is a stream.
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

    /// Takes in a new connection. false: there is no room, and none can be made.
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

    /// Bytes came that belong to no part of a request yet.
    func noteArrival(at channel: any Channel) {
        state.withLock { state in
            guard let entry = state.entries[ObjectIdentifier(channel)] else { return }
            switch entry.phase {
            case .new, .idle:
                state.entries[ObjectIdentifier(channel)]?.phase = .head
                state.entries[ObjectIdentifier(channel)]?.since = .now()
            case .body: state.entries[ObjectIdentifier(channel)]?.since = .now()
            // A head that comes byte by byte gets no more time for that.
            case .head, .answering: break
            }
        }
    }

    /// Room for so many more bytes of bodies; false when there is none.
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

/// Sees bytes before they are read as HTTP: a request whose head never ends is none to the decoder.
final class ArrivalHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let table: ConnectionTable

    init(_ table: ConnectionTable) { self.table = table }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        table.noteArrival(at: context.channel)
        context.fireChannelRead(data)
    }
}
