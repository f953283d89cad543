import EngineClient
import Testing

/// Reads a response that arrives in pieces of `size` bytes; nil when it is not whole.
private func read(_ text: String, pieces size: Int, ends: Bool = false) throws -> (status: Int, body: String)? {
    var reader = HTTPResponseReader()
    var head: HTTPResponseReader.Head?
    var body: [UInt8] = []
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: size) {
        reader.add(Array(bytes[start..<min(start + size, bytes.count)]))
        if head == nil { head = try reader.head() }
        if head != nil { body += try reader.body() }
    }
    if ends { try reader.end() }
    guard reader.isComplete, let head else { return nil }
    return (head.status, String(decoding: body, as: UTF8.self))
}

@Test(
    "a body arrives whole, whatever its framing and however it is cut up",
    arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: 1\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:11\r\n\r\nhello world",
    ], [1, 2, 3, 7, 1000])
func wholeBody(_ text: String, _ size: Int) throws {
    let answer = try #require(try read(text, pieces: size))
    #expect(answer.status == 200)
    #expect(answer.body == "hello world")
}

@Test("without a length the body goes to the end")
func untilEnd() throws {
    #expect(try read("HTTP/1.0 404 Not Found\r\n\r\nabc", pieces: 4, ends: true)?.body == "abc")
}

@Test("an answer that ends early is an error, never a short body")
func truncatedAnswer() {
    #expect(throws: HTTPResponseReader.Malformed.self) {
        try read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", pieces: 5, ends: true)
    }
    #expect(throws: HTTPResponseReader.Malformed.self) {
        try read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", pieces: 5, ends: true)
    }
}

@Test(
    "what is no HTTP is refused",
    arguments: [
        "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    ])
func malformed(_ text: String) {
    #expect(throws: HTTPResponseReader.Malformed.self) { try read(text, pieces: 1000) }
}

@Test("after 101 the rest belongs to the new protocol")
func upgrade() throws {
    var reader = HTTPResponseReader()
    reader.add(Array("HTTP/1.1 101 Switching Protocols\r\nUpgrade: berth-stream\r\n\r\nraw".utf8))
    #expect(try reader.head()?.headers["upgrade"] == "berth-stream")
    #expect(reader.isComplete)
    #expect(reader.rest() == Array("raw".utf8))
}

@Test("what a path cannot hold is percent-encoded")
func encoding() { #expect(percentEncoded("a/b c?é~") == "a%2Fb%20c%3F%C3%A9~") }
