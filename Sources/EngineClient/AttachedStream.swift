import AttachStream
import EngineWire
import Linux

/// A container's streams: frames in both directions over a socket; sending never blocks.
package final class AttachedStream {
    private let socket: OwnedFD
    private var reader = StreamFrameReader()
    private var first: [UInt8]
    private var outgoing: [UInt8] = []

    init(socket: consuming OwnedFD, first: [UInt8]) {
        self.socket = socket
        self.first = first
    }

    /// For waiting with poll(2); this object still owns it.
    package var descriptor: CInt { socket.raw }
    /// Frames arrived together with the answer's head; read them before waiting.
    package var hasBuffered: Bool { !first.isEmpty }
    /// The number of bytes that wait until the engine reads.
    package var unsent: Int { outgoing.count }

    /// Queues a frame and sends as much as possible.
    package func send(_ frame: StreamFrame) throws(EngineFailure) {
        outgoing += frame.bytes
        try flush()
    }

    /// Sends as much of the queue as possible.
    package func flush() throws(EngineFailure) {
        while !outgoing.isEmpty {
            let sent: Int
            do throws(SyscallError) { sent = try socket.sendWhatFits(outgoing[...]) } catch {
                // The process may have ended meanwhile; its last frames can still be read.
                outgoing = []
                return
            }
            if sent == 0 { return }
            outgoing.removeFirst(sent)
        }
    }

    /// The frames that have arrived; waits once if there are none. nil at the end.
    package func frames() throws(EngineFailure) -> [StreamFrame]? {
        var bytes = first
        first = []
        if bytes.isEmpty {
            do throws(SyscallError) { bytes = try socket.readSome() } catch { throw EngineFailure(lost: "\(error)") }
            if bytes.isEmpty { return nil }
        }
        do throws(StreamFrameReader.TooLong) { return try reader.frames(adding: bytes) } catch {
            throw EngineFailure(lost: "a frame of \(error.length) bytes")
        }
    }
}
