import AttachStream
import Glibc
import Linux
import Synchronization

/// The last part of a probe's output, at most 4 KiB.
final class ProbeOutput: Sendable {
    private struct State {
        var reader = StreamFrameReader()
        var bytes: [UInt8] = []
    }

    // The mutex guards everything: the reactor's thread fills it, the caller reads it.
    private let state = Mutex(State())
    private static let limit = 4096

    var text: String { state.withLock { String(decoding: $0.bytes, as: UTF8.self) } }

    /// Reads what is available.
    func read(_ descriptor: CInt) -> Reactor.Next {
        var chunk = [UInt8](repeating: 0, count: 8192)
        let count = recv(descriptor, &chunk, chunk.count, CInt(MSG_DONTWAIT))
        if count < 0, [.again, .interrupted].contains(Errno.current) { return .wait }
        guard count > 0 else { return .end }
        return state.withLock { state in
            guard let frames = try? state.reader.frames(adding: chunk[..<count]) else { return .end }
            for frame in frames where frame.kind == .stdout || frame.kind == .stderr { state.bytes += frame.payload }
            if state.bytes.count > Self.limit { state.bytes.removeFirst(state.bytes.count - Self.limit) }
            return .wait
        }
    }
}
