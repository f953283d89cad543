import AttachStream
import EngineWire
import Glibc
import JSON
import Linux

/// Connects a client, which speaks `StreamFrame`s, with a worker on a container's files, which uses a pipe, and carries
/// a tar between them. It has two threads of its own, so a slow side does not block anything else.
final class ArchiveStream: Sendable {
    private let socket: HeldDescriptor

    /// Creates the stream and the client's end, which the caller then owns.
    static func pair() throws(SyscallError) -> (stream: ArchiveStream, client: CInt) {
        var pair = try UnixSocket.pair()
        let stream = ArchiveStream(HeldDescriptor(pair.takeFirst()))
        return (stream, pair.takeSecond().release())
    }

    private init(_ socket: HeldDescriptor) { self.socket = socket }

    /// A pipe whose content goes to the client. `wait` returns when all of it has been sent.
    func output() throws(SyscallError) -> (sink: CInt, wait: @Sendable () async -> Void) {
        var pipe = try DescriptorPair.pipe()
        let source = HeldDescriptor(pipe.takeFirst())
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        try startThread { [self] in
            pump(source)
            end.finish()
        }
        return (pipe.takeSecond().release(), { for await _ in ends {} })
    }

    private func pump(_ source: HeldDescriptor) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while let count = try? source.handle.read(into: buffer), count > 0 {
            let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            guard (try? socket.handle.write(StreamFrame(.stdout, Array(piece)).bytes)) != nil else { return }
        }
    }

    /// A pipe with everything that the client sends.
    func input() throws(SyscallError) -> CInt {
        var pipe = try DescriptorPair.pipe()
        let sink = HeldDescriptor(pipe.takeSecond())
        let source = pipe.takeFirst()
        try startThread { [self] in pour(into: sink) }
        return source.release()
    }

    /// Keeps reading after the worker has stopped, so that the client receives the reason.
    private func pour(into sink: HeldDescriptor) {
        var reader = StreamFrameReader()
        var isWanted = true
        while let bytes = try? socket.handle.readSome(), !bytes.isEmpty,
            let frames = try? reader.frames(adding: bytes)
        {
            for frame in frames {
                if frame.kind == .stdinEnd { return }
                guard frame.kind == .stdin, isWanted else { continue }
                isWanted = (try? sink.handle.write(frame.payload)) != nil
            }
        }
    }

    /// Sends the last frame; nil means success.
    func finish(_ failure: EngineFailure?) {
        let frame = failure.map { StreamFrame(.failure, [1] + ((try? encodeJSON($0)) ?? [])) } ?? .exit(code: 0)
        try? socket.handle.write(frame.bytes)
        shutdown(socket.handle.raw, CInt(SHUT_RDWR))
    }
}
