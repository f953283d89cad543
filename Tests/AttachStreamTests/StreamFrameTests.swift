import AttachStream
import Testing

@Suite struct StreamFrameTests {
    @Test func framesSurviveAnySplit() throws {
        let frames = [
            StreamFrame(.stdout, Array("hello".utf8)), StreamFrame(.stdinEnd), .resize(rows: 300, columns: 80),
            .exit(code: 137),
        ]
        let bytes = frames.flatMap(\.bytes)
        for size in 1...bytes.count {
            var reader = StreamFrameReader()
            var read: [StreamFrame] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                read += try reader.frames(adding: bytes[start..<min(start + size, bytes.count)])
            }
            #expect(read == frames)
        }
        #expect(frames[3].exitCode == 137)
    }

    @Test func aFrameThatIsTooLongIsRefusedBeforeItIsRead() {
        var reader = StreamFrameReader()
        #expect(throws: StreamFrameReader.TooLong.self) { try reader.frames(adding: [1, 0xFF, 0, 0, 0]) }
    }
}
