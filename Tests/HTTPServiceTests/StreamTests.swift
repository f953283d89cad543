import Testing

/// Connections that become streams.
@Suite struct StreamTests {
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
}
