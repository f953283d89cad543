import AttachStream
import DockerAPI
import NIOCore
import Synchronization
import Testing

/// Between frames of a container and what Docker's clients read.
@Suite struct DockerStreamTests {
    private static let frames: [StreamFrame] = [
        StreamFrame(.stdout, Array("out".utf8)), StreamFrame(.stderr, Array("error".utf8)), StreamFrame(.stdout, []),
        StreamFrame(.init(rawValue: 99), [1, 2]), StreamFrame.exit(code: 7),
    ]

    /// What a client reads when the frames come in pieces of `size` bytes, and the code that was told.
    private func read(_ options: DockerStream.Options, by size: Int) -> (bytes: [UInt8], code: Int?) {
        let code = Mutex<Int?>(nil)
        let told = CodeBox()
        var stream = DockerStream(options) { told.set($0) }
        var output = ByteBuffer()
        let bytes = Self.frames.flatMap(\.bytes)
        for start in stride(from: 0, to: bytes.count, by: size) {
            var piece = ByteBuffer(bytes: bytes[start..<min(bytes.count, start + size)])
            stream.toClient(&piece, into: &output)
        }
        code.withLock { $0 = told.value }
        return (Array(buffer: output), code.withLock { $0 })
    }

    private final class CodeBox: Sendable {
        private let code = Mutex<Int?>(nil)
        func set(_ value: Int) { code.withLock { $0 = value } }
        var value: Int? { code.withLock { $0 } }
    }

    private static let framed: [UInt8] =
        [1, 0, 0, 0, 0, 0, 0, 3] + Array("out".utf8) + [2, 0, 0, 0, 0, 0, 0, 5] + Array("error".utf8)

    @Test("each piece has its head, however the bytes come", arguments: [1, 2, 3, 5, 8, 13, 1000])
    func framed(size: Int) {
        let (bytes, code) = read(.init(hasTerminal: false), by: size)
        #expect(bytes == Self.framed && code == 7)
    }

    @Test("a terminal has no heads", arguments: [1, 4, 1000])
    func terminal(size: Int) {
        #expect(read(.init(hasTerminal: true), by: size).bytes == Array("outerror".utf8))
    }

    @Test("a stream that was not asked for is left out")
    func chosen() {
        #expect(read(.init(hasTerminal: true, showsErrors: false), by: 3).bytes == Array("out".utf8))
        #expect(read(.init(hasTerminal: true, showsOutput: false), by: 3).bytes == Array("error".utf8))
    }

    private func sent(_ options: DockerStream.Options, _ pieces: [[UInt8]], ends: Bool = false) -> (
        frames: [StreamFrame], isDetached: Bool
    ) {
        var stream = DockerStream(options)
        var output = ByteBuffer()
        for piece in pieces {
            var buffer = ByteBuffer(bytes: piece)
            stream.fromClient(&buffer, into: &output)
            #expect(buffer.readableBytes == 0)
        }
        if ends { stream.clientEnded(into: &output) }
        var reader = StreamFrameReader()
        return ((try? reader.frames(adding: Array(buffer: output))) ?? [], stream.isDetached)
    }

    @Test("what a client writes becomes input, its end the input's end")
    func input() {
        let (frames, _) = sent(.init(hasTerminal: false), [Array("ab".utf8), Array("c".utf8)], ends: true)
        #expect(
            frames == [
                StreamFrame(.stdin, Array("ab".utf8)), StreamFrame(.stdin, Array("c".utf8)), StreamFrame(.stdinEnd),
            ])
        #expect(sent(.init(hasTerminal: false, takesInput: false), [[1]], ends: true).frames.isEmpty)
    }

    @Test("much at once is cut into frames that are taken")
    func long() {
        let bytes = [UInt8](repeating: 7, count: StreamFrame.payloadLimit * 2 + 5)
        let (frames, _) = sent(.init(hasTerminal: false), [bytes])
        #expect(frames.map(\.payload.count) == [StreamFrame.payloadLimit, StreamFrame.payloadLimit, 5])
    }

    @Test(
        "detach keys let go and are not input",
        arguments: [
            ([[1, 16, 17, 2]], [1], true), ([[16], [17]], [], true), ([[16, 16, 17]], [16], true),
            ([[16, 5]], [16, 5], false), ([[17, 16]], [17], false),
        ] as [([[UInt8]], [UInt8], Bool)])
    func detach(pieces: [[UInt8]], input: [UInt8], isDetached: Bool) {
        let result = sent(.init(hasTerminal: true, detachKeys: .standard), pieces)
        #expect(result.frames.flatMap(\.payload) == input && result.isDetached == isDetached)
        #expect(result.frames.contains { $0.kind == .detach } == isDetached)
    }
}
