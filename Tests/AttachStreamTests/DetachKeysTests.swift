import AttachStream
import Testing

@Suite struct DetachKeysTests {
    @Test(
        "keys are read as the docker command writes them",
        arguments: [
            ("ctrl-p,ctrl-q", [16, 17]), ("a,b", [97, 98]), ("ctrl-@,ctrl-[", [0, 27]), ("ctrl-\\", [28]),
            ("ctrl-],ctrl-^,ctrl-_", [29, 30, 31]), ("DEL", [127]), ("x", [120]),
        ] as [(String, [UInt8])])
    func read(text: String, bytes: [UInt8]) { #expect(DetachKeys(text)?.bytes == bytes) }

    @Test("anything else is refused", arguments: ["", "ctrl-", "ctrl-pp", "ab", "a,,b", "a,", "ctrl-1", "del"])
    func refused(text: String) { #expect(DetachKeys(text) == nil) }

    @Test(
        "keys let go and are not input, whatever was typed before them",
        arguments: [
            ("ctrl-p,ctrl-q", [1, 16, 17, 2], [1], true), ("ctrl-p,ctrl-q", [16, 16, 17], [16], true),
            ("ctrl-p,ctrl-q", [16, 5], [16, 5], false), ("ctrl-p,ctrl-q", [17, 16], [17], false),
            ("a,a,b", [97, 97, 97, 98], [97], true), ("a,b,a,c", [97, 98, 97, 98, 97, 99], [97, 98], true),
            ("x", [1, 120], [1], true),
        ] as [(String, [UInt8], [UInt8], Bool)])
    func taken(text: String, typed: [UInt8], passed: [UInt8], isComplete: Bool) throws {
        let keys = try #require(DetachKeys(text))
        for size in 1...typed.count {
            var reader = DetachKeyReader(keys)
            var output: [UInt8] = []
            for start in stride(from: 0, to: typed.count, by: size) {
                output += reader.pass(typed[start..<min(typed.count, start + size)])
            }
            #expect(output == passed && reader.isComplete == isComplete, "by \(size)")
        }
    }

    @Test("what waited for the rest of the keys is input when nothing more comes")
    func rest() {
        var reader = DetachKeyReader(.standard)
        #expect(reader.pass([5, 16]) == [5] && reader.finish() == [16] && reader.finish().isEmpty)
    }
}
