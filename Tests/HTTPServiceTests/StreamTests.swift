import Testing

/// Connections that become streams.
@Suite struct StreamTests {
    @Test(
        "a body is read while it arrives; what nobody reads of it is thrown away, and the connection goes on",
        .timeLimit(.minutes(1)))
    func bodyOnItsWay() async throws {
        try await PlainServer.with { plain in
            let client = try plain.connect()
            let length = 3 << 20
            try await client.send("PUT /beginning HTTP/1.1\r\nhost: x\r\ncontent-length: \(length)\r\n\r\nfirst")
            // The answer comes before the body has ended.
            _ = try await client.head()
            #expect(try await client.bytes(5) == Array("first".utf8))
            try await client.send([UInt8](repeating: 7, count: length - 5))
            try await client.send("GET /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            #expect(try await client.rest().hasPrefix("HTTP/1.1 200 OK"))
        }
    }

    @Test("a client that goes in the middle of its body ends what reads it", .timeLimit(.minutes(1)))
    func bodyCutShort() async throws {
        try await PlainServer.with { plain in
            let client = try plain.connect()
            try await client.send("PUT /whole HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nfirst")
            while !plain.routes.readsWhole { await Task.yield() }
            client.end()
            while !plain.routes.wasCancelled { await Task.yield() }
        }
    }

    @Test(
        "a client that ends its side with its request gets all that is said, however late it reads",
        .timeLimit(.minutes(1)))
    func endsAtOnce() async throws {
        try await PlainServer.with { plain in
            let client = try plain.connect()
            try await client.send("GET /flood HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: tcp\r\n\r\n")
            client.end()
            while !plain.routes.hasFlooded { await Task.yield() }
            _ = try await client.head()
            #expect(try await client.bytes(PlainRoutes.flood.count) == PlainRoutes.flood)
        }
    }

    @Test(
        "what a client says in the moment of the switch arrives, though it ends its side right after",
        .timeLimit(.minutes(1)))
    func answersAtOnce() async throws {
        try await PlainServer.with { plain in
            for _ in 0..<40 {
                try await withThrowingTaskGroup(of: [UInt8].self) { group in
                    for _ in 0..<16 {
                        group.addTask {
                            let client = try plain.connect()
                            try await client.send(
                                "POST /glue HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: tcp\r\n\r\n")
                            try await client.answerAtOnce("in\n")
                            return try await client.bytes(3)
                        }
                    }
                    for try await said in group { #expect(said.starts(with: Array("in\n".utf8))) }
                }
            }
        }
    }
}
