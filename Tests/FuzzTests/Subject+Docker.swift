import AttachStream
import DockerAPI
import JSON
import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import HTTPService

/// What comes from clients of Docker.
extension Subject {
    static let dockerCreate = Subject(
        "docker-create",
        texts: [
            """
            {"Image": "busybox", "Cmd": ["a"], "Env": ["A=b"], "Labels": {"a": "b"}, "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/v": {}},
             "StopTimeout": 3, "Healthcheck": {"Test": ["CMD", "x"], "Interval": 1000000000, "Retries": 2},
             "HostConfig": {"Binds": ["a:/b:ro", "/x:/y"], "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "1-9"}]}, "Memory": 1,
              "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}, "NetworkMode": "bridge", "Ulimits": [{"Name": "a", "Soft": 1, "Hard": 2}],
              "Mounts": [{"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 9}}], "Devices": [{"PathOnHost": "/dev/null"}],
              "Tmpfs": {"/x": "size=1m"}, "LogConfig": {"Type": "local", "Config": {}}, "ExtraHosts": ["a:1.2.3.4"], "Dns": ["::1"]},
             "NetworkingConfig": {"EndpointsConfig": {"n": {"IPAMConfig": {"IPv4Address": "1.2.3.4"}, "Aliases": ["x"]}}}}
            """, "{}", "null",
        ],
        words: [
            "null", "-1", "9223372036854775807", "1e99", "[]", "{}", "\"\"", "true", "container:", "host", ":", "/",
            "0-65535",
            "\"Type\": \"bind\"", "\"BlkioWeightDevice\": [{}]", "\"Sysctls\": {\"a\": \"b\"}", "65536/tcp", "/udp",
            "..",
        ]
    ) { bytes, _ in
        guard let value = try? JSONValue(parsing: bytes), let body = try? CreateBody(value, platform: nil) else {
            return nil
        }
        // What was understood can be kept.
        return (try? encodeJSON(body.template)) == nil ? "it is understood and cannot be stored" : nil
    }

    static let dockerQuery = Subject(
        "docker-query",
        texts: [
            "GET /v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D&limit=3",
            "GET /images/a/b:c/json?x=%zz&since=1.5&=&&", "POST /containers/create?name=a%2Fb+c",
        ],
        words: [
            "%", "%7B", "%00", "&", "=", "+", "filters=", "{\"a\":{\"b\":true}}", "?", "/", "v1.", "%C3%28", "limit=-1",
        ]
    ) { bytes, _ in
        let text = String(decoding: bytes, as: UTF8.self)
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: text)
        let request = Request(head: head, body: [])
        let query = Query(request)
        _ = request.segments.first.flatMap { APIVersion(segment: $0) }
        _ = (query.flag("all"), query.all("x"), try? query.integer("limit"), try? query.filters(["label"]))
        guard let filters = try? Filters(query.text("filters") ?? "") else { return nil }
        return filters.names.allSatisfy { filters.has($0) } ? nil : "a filter that it names and does not have"
    }

    static let dockerStream = Subject(
        "docker-stream",
        seeds: [
            StreamFrame(.stdout, Array("out".utf8)).bytes + StreamFrame(.stderr, Array("err".utf8)).bytes
                + StreamFrame.exit(code: 3).bytes, [0, 0, 0, 0, 0], [],
        ], words: ["\u{1}\u{0}\u{0}\u{0}\u{4}", "\u{2}", "\u{0}\u{0}\u{0}\u{0}", "\u{10}", "\u{11}"]
    ) { bytes, mutator in
        let options = DockerStream.Options(hasTerminal: bytes.count % 2 == 0, detachKeys: .standard)
        func read(_ pieces: [[UInt8]]) -> [[UInt8]] {
            var stream = DockerStream(options)
            var out = ByteBuffer()
            var back = ByteBuffer()
            for piece in pieces {
                var buffer = ByteBuffer(bytes: piece)
                stream.toClient(&buffer, into: &out)
                buffer = ByteBuffer(bytes: piece)
                stream.fromClient(&buffer, into: &back)
            }
            // Frames to the container depend on the pieces; what is in them does not.
            let payload = StreamFrame.payloads(of: Array(buffer: back))
            return [Array(buffer: out), payload]
        }
        return read([bytes]) == read(pieces(of: bytes, &mutator)) ? nil : "in pieces it is another"
    }

    static let httpRequest = Subject(
        "http-request",
        texts: [
            "GET /v1.41/_ping HTTP/1.1\r\nHost: d\r\n\r\n",
            "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 2\r\n\r\n{}GET /info HTTP/1.1\r\n\r\n",
            "PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;e=f\r\nabc\r\n0\r\nT: r\r\n\r\n",
            "GET /x HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw",
        ],
        words: [
            "\r\n", "\r\n\r\n", " HTTP/1.1", "Content-Length: ", "Transfer-Encoding: chunked\r\n", "Upgrade: tcp\r\n",
            "ffffffffffffffff\r\n",
            "0\r\n\r\n", "Expect: 100-continue\r\n", "CONNECT ", "\u{0}", ":", "-1", "PRI * HTTP/2.0",
        ]
    ) { bytes, mutator in
        let whole = requests([bytes])
        let parts = requests(pieces(of: bytes, &mutator))
        guard whole.hasFailed == parts.hasFailed else { return "at once \(whole), in pieces \(parts)" }
        return whole.hasFailed || whole == parts ? nil : "at once \(whole), in pieces \(parts)"
    }

    static let webSocket = Subject(
        "websocket",
        seeds: [
            [0x82, 0x83, 1, 2, 3, 4, 9, 9, 9], [0x89, 0x80, 1, 2, 3, 4], [0x88, 0x82, 0, 0, 0, 0, 3, 0xE8],
            [0x01, 0xFE, 0, 3, 1, 1, 1, 1, 7, 7, 7, 0x80, 0x80, 0, 0, 0, 0],
        ], words: ["\u{0}", "\u{7f}", "\u{82}", "\u{89}\u{80}"]
    ) { bytes, mutator in
        let (whole, parts) = (frames([bytes]), frames(pieces(of: bytes, &mutator)))
        guard whole.isOver == parts.isOver else { return "at once \(whole), in pieces \(parts)" }
        return whole.isOver || whole.data == parts.data ? nil : "at once \(whole), in pieces \(parts)"
    }

    /// The data that was in frames. After a mistake, or a frame that ends it, the connection is over: what had come before may be lost.
    private static func frames(_ pieces: [[UInt8]]) -> (data: [UInt8], isOver: Bool) {
        let channel = EmbeddedChannel()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        // A connection that is not open is never closed.
        if let address = try? SocketAddress(unixDomainSocketPath: "/x") { channel.connect(to: address, promise: nil) }
        var data: [UInt8] = []
        guard (try? WebSocketRequest.addHandlers(.binary, to: channel.pipeline.syncOperations)) != nil else {
            return (data, true)
        }
        for piece in pieces where channel.isActive {
            _ = try? channel.writeInbound(ByteBuffer(bytes: piece))
            while let buffer = try? channel.readInbound(as: ByteBuffer.self) { data += Array(buffer: buffer) }
        }
        return (data, !channel.isActive)
    }

    private struct Requests: Equatable {
        var heads: [String] = []
        var body: [UInt8] = []
        var ends = 0
        var hasFailed = false
    }

    private static func requests(_ pieces: [[UInt8]]) -> Requests {
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: ServerLimits.decoder)
        let channel = EmbeddedChannel(handler: ByteToMessageHandler(decoder))
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        var found = Requests()
        for piece in pieces {
            do { try channel.writeInbound(ByteBuffer(bytes: piece)) } catch { found.hasFailed = true }
            while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
                switch part {
                case .head(let head): found.heads.append("\(head.method) \(head.uri) \(head.headers)")
                case .body(let bytes): found.body += Array(buffer: bytes)
                case .end: found.ends += 1
                }
            }
            if found.hasFailed { break }
        }
        return found
    }

    private static func pieces(of bytes: [UInt8], _ mutator: inout Mutator) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = 1 + mutator.number(below: min(rest.count, 12))
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return pieces
    }
}

extension StreamFrame {
    /// What is in the frames at the beginning of `bytes`.
    fileprivate static func payloads(of bytes: [UInt8]) -> [UInt8] {
        var rest = bytes[...]
        var result: [UInt8] = []
        while rest.count >= 5 {
            let length = rest.dropFirst().prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(5)
            result += rest.prefix(length)
            rest = rest.dropFirst(length)
        }
        return result
    }
}
