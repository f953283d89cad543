import HTTPService
import Linux
import NIOCore
import Testing

/// Slow, huge and many clients: each harms itself alone.
@Suite struct LimitTests {
    private func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while try await !condition() {
            guard ContinuousClock.now < end else {
                Issue.record("did not come true: \(what)")
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    @Test("a client that sends its head byte by byte is put out; others are answered meanwhile")
    func slowHead() async throws {
        var limits = ServerLimits()
        (limits.head, limits.sweep) = (.milliseconds(300), .milliseconds(50))
        try await PlainServer.with(limits) { plain in
            let slow = try plain.connect()
            let sending = Task {
                for byte in "GET /echo HTTP/1.1\r\nhost: x\r\n" + String(repeating: "a: b\r\n", count: 1000) {
                    try await slow.send(String(byte))
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            for _ in 0..<5 { #expect(try await plain.get("/echo").hasPrefix("HTTP/1.1 200")) }
            #expect(try await slow.rest() == "")
            sending.cancel()
            _ = await sending.result
        }
    }

    @Test("a connection that says nothing, rests too long, or stops in a body, is put out in its time; a stream is not")
    func idle() async throws {
        var limits = ServerLimits()
        (limits.firstRequest, limits.idle, limits.bodyPause) = (
            .seconds(2), .seconds(2), .seconds(2)
        )
        limits.sweep = .milliseconds(50)
        try await PlainServer.with(limits) { plain in
            let silent = try plain.connect()
            let resting = try plain.connect()
            try await resting.send("GET /echo HTTP/1.1\r\nhost: x\r\n\r\n")
            let stopping = try plain.connect()
            try await stopping.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nab")
            let waiting = try plain.connect()
            try await waiting.send("GET /wait HTTP/1.1\r\nhost: x\r\n\r\n")
            #expect(try await silent.rest() == "")
            #expect(try await resting.rest().hasPrefix("HTTP/1.1 200"))
            #expect(try await stopping.rest() == "")
            plain.routes.letGo()
            #expect(try await waiting.rest().hasSuffix("done"))
        }
    }

    @Test("a head without end is refused, whatever in it has no end", arguments: ["name", "value", "fields", "path"])
    func hugeHead(part: String) async throws {
        try await PlainServer.with { plain in
            let client = try plain.connect()
            try await client.send(part == "path" ? "GET /" : "GET /echo HTTP/1.1\r\nhost: x\r\n")
            if part == "value" { try await client.send("a: ") }
            let piece =
                part == "fields"
                ? String(repeating: "a: bbbbbbbb\r\n", count: 4096) : String(repeating: "a", count: 1 << 16)
            let sending = Task {
                var sent = 0
                // The server hangs up long before that.
                while sent < 1 << 30 {
                    try await client.send(piece)
                    sent += piece.utf8.count
                }
                return sent
            }
            let answer = try await client.rest()
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(answer.prefix(200))")
            await #expect(throws: (any Error).self) { try await sending.value }
            #expect(try await plain.get("/echo").hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test("beyond the limit the one that waited longest for its client goes")
    func manyIdle() async throws {
        var limits = ServerLimits()
        limits.connections = 16
        try await PlainServer.with(limits) { plain in
            let clients = try (0..<100).map { _ in try plain.connect() }
            for _ in 0..<5 { #expect(try await plain.get("/echo").hasPrefix("HTTP/1.1 200")) }
            try await eventually("there are no more than may be") { plain.server.activity.connections <= 16 }
            #expect(try await clients[0].rest() == "")
        }
    }

    @Test("when all are at work a new one is told so, and has room once one is done")
    func allBusy() async throws {
        var limits = ServerLimits()
        limits.connections = 3
        try await PlainServer.with(limits) { plain in
            let busy = try (0..<3).map { _ in try plain.connect() }
            for client in busy { try await client.send("GET /wait HTTP/1.1\r\nhost: x\r\n\r\n") }
            try await eventually("all wait") { plain.routes.waiters == 3 }
            #expect(try await plain.connect().rest().hasPrefix("HTTP/1.1 503"))
            plain.routes.letGo()
            for client in busy { #expect(try await client.head().hasPrefix("HTTP/1.1 200")) }
            #expect(try await plain.get("/echo").hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test("bodies in memory have a limit each, and one together")
    func bodies() async throws {
        var limits = ServerLimits()
        (limits.bodyBytes, limits.bufferedBytes) = (1000, 1500)
        try await PlainServer.with(limits) { plain in
            func post(_ count: Int, of length: Int) async throws -> PlainServer.Client {
                let client = try plain.connect()
                try await client.send(
                    "POST /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: \(length)\r\n\r\n"
                        + String(repeating: "x", count: count))
                return client
            }
            #expect(try await post(1000, of: 1000).rest().hasPrefix("HTTP/1.1 200"))
            #expect(try await post(1001, of: 1001).rest().hasPrefix("HTTP/1.1 413"))
            let held = try await post(999, of: 1000)
            // So that it has been read.
            #expect(try await plain.get("/echo").hasPrefix("HTTP/1.1 200"))
            #expect(try await post(600, of: 600).rest().hasPrefix("HTTP/1.1 503"))
            try await held.send("x")
            #expect(try await held.rest().hasPrefix("HTTP/1.1 200"))
            for _ in 0..<5 { #expect(try await post(1000, of: 1000).rest().hasPrefix("HTTP/1.1 200")) }
        }
    }

    @Test("two hundred that come and go leave nothing behind")
    func comingAndGoing() async throws {
        try await PlainServer.with { plain in
            try await withThrowingTaskGroup { group in
                for number in 0..<200 {
                    group.addTask {
                        let client = try plain.connect()
                        // Some go in the middle.
                        try await client.send(number % 3 == 0 ? "GET /ec" : "GET /echo HTTP/1.1\r\nhost: x\r\n\r\n")
                        if number % 3 == 1 { #expect(try await client.head().hasPrefix("HTTP/1.1 200")) }
                    }
                }
                try await group.waitForAll()
            }
            try await eventually("all have gone") { plain.server.activity.connections == 0 }
        }
    }
}
