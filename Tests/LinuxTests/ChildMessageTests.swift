import CLinux
import Glibc
import Linux
import Testing

@Suite struct ChildMessageTests {
    @Test func theLastWordsOfAChildThatDidNotReadEverythingAreHeard() throws {
        var pair = try UnixSocket.pair(.packets)
        let parent = pair.takeFirst()
        var said = berth_message()
        said.code = ENOENT
        do {
            let child = pair.takeSecond()
            try #require(send(parent.raw, "g", 1, CInt(MSG_NOSIGNAL)) == 1)
            let size = MemoryLayout<berth_message>.size
            try #require(send(child.raw, &said, size, CInt(MSG_NOSIGNAL)) == size)
        }
        var heard = berth_message()
        var descriptor: CInt = -1
        #expect(berth_receive(parent.raw, &heard, &descriptor) == MemoryLayout<berth_message>.size)
        #expect(heard.code == ENOENT)
        #expect(berth_receive(parent.raw, &heard, &descriptor) == 0)
    }
}
