import HTTPService
import Testing

/// Streams over websockets (RFC 6455).
@Suite struct WebSocketTests {
    private static let mask: [UInt8] = [1, 2, 3, 4]

    /// A frame of up to 125 bytes as clients send it.
    private func frame(_ opcode: UInt8, _ payload: [UInt8], masked: Bool = true, isLast: Bool = true) -> [UInt8] {
        let first = (isLast ? 0x80 : 0) | opcode
        guard masked else { return [first, UInt8(payload.count)] + payload }
        return [first, 0x80 | UInt8(payload.count)] + Self.mask
            + payload.enumerated().map { $1 ^ Self.mask[$0 % 4] }
    }

    private func open(_ plain: PlainServer, _ more: [UInt8] = []) async throws -> PlainServer.Client {
        let client = try plain.connect()
        let request = """
            GET /socket HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
            sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n
            """
        try await client.send(Array(request.utf8) + more)
        let head = try await client.head().lowercased()
        #expect(head.hasPrefix("http/1.1 101"), "\(head)")
        // RFC 6455, section 1.3.
        #expect(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "\(head)")
        #expect(head.contains("upgrade: websocket"), "\(head)")
        return client
    }

    @Test("bytes go in frames both ways; a ping is answered")
    func frames() async throws {
        try await PlainServer.with { plain in
            let client = try await open(plain)
            try await client.send(frame(2, Array("hello".utf8)))
            #expect(try await client.bytes(7) == [0x82, 5] + Array("hello".utf8))
            try await client.send(frame(9, Array("p".utf8)))
            #expect(try await client.bytes(3) == [0x8A, 1] + Array("p".utf8))
            // A message in parts, with a ping between them.
            try await client.send(frame(1, Array("a".utf8), isLast: false))
            #expect(try await client.bytes(3) == [0x82, 1] + Array("a".utf8))
            try await client.send(frame(9, []) + frame(0, Array("b".utf8)))
            let both = try await client.bytes(5)
            #expect(both.count == 5 && both.contains(0x8A) && both.contains(UInt8(ascii: "b")))
        }
    }

    @Test("what comes with the request is not lost")
    func early() async throws {
        try await PlainServer.with { plain in
            let client = try await open(plain, frame(2, Array("early".utf8)))
            #expect(try await client.bytes(7) == [0x82, 5] + Array("early".utf8))
        }
    }

    @Test("a stream that ends says so; the last bytes come before that")
    func streamEnds() async throws {
        try await PlainServer.with { plain in
            let client = try await open(plain)
            try await client.send(frame(2, Array("bye!".utf8)))
            #expect(try await client.bytes(100) == [0x82, 4] + Array("bye!".utf8) + [0x88, 2, 0x03, 0xE8])
        }
    }

    @Test("a client that closes is answered, and the stream hears of it")
    func clientCloses() async throws {
        try await PlainServer.with { plain in
            let client = try await open(plain)
            try await client.send(frame(8, [0x03, 0xE8]))
            #expect(try await client.bytes(100) == [0x88, 2, 0x03, 0xE8])
        }
    }

    @Test("what is against the rules ends the connection with a reason", arguments: ["unmasked", "huge", "reserved"])
    func mistakes(kind: String) async throws {
        try await PlainServer.with { plain in
            let client = try await open(plain)
            switch kind {
            case "unmasked": try await client.send(frame(2, Array("x".utf8), masked: false))
            case "huge": try await client.send([0x82, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0] + Self.mask)
            default: try await client.send(frame(0x0B, []))
            }
            let answer = try await client.bytes(100)
            if kind != "reserved" {
                #expect(answer == [0x88, 2, 0x03, kind == "huge" ? 0xF1 : 0xEA], "\(answer)")
            }
            #expect(try await plain.get("/echo").hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test("a request that is none of a websocket gets none")
    func noWebSocket() async throws {
        try await PlainServer.with { plain in
            let answer = try await plain.get("/socket")
            #expect(!answer.hasPrefix("HTTP/1.1 101"), "\(answer)")
            #expect(try await plain.get("/echo").hasPrefix("HTTP/1.1 200"))
        }
    }
}
