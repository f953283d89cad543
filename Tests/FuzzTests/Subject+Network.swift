import EngineClient
import NameService

/// What comes in from containers and sockets.
extension Subject {
    private static let question: [UInt8] = [3, 119, 119, 119, 7, 101, 120, 97, 109, 112, 108, 101, 0, 0, 1, 0, 1]

    static let query = Subject(
        "dns-query",
        seeds: [
            [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + question,
            [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1] + question + [0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 0],
        ],
        words: ["\u{3f}", "\u{0}", "\u{0}\u{1}", "\u{3}www", "a.b", "\u{c0}\u{c}"]
    ) { bytes, mutator in
        guard let query = DNSQuery(parsing: bytes) else { return nil }
        let limit = max(DNS.plainPayload, query.payloadSize ?? 0)
        let records = (0..<mutator.number(below: 60)).map { DNSRecord.pointer("host\($0).example") }
        let answer = query.response(.noError, records: records, ttl: 30, limit: limit)
        guard answer.count <= limit else { return "an answer of \(answer.count) bytes where \(limit) fit" }
        guard let head = DNSResponseHead(parsing: answer) else { return "its own answer is none" }
        return head.id == query.id && head.answers(query.question) ? nil : "the answer is to another question"
    }

    static let answer = Subject(
        "dns-answer",
        seeds: [
            [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0] + question + [
                0xC0, 0x0C, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4,
            ]
        ],
        words: ["\u{3f}", "\u{0}", "\u{c0}\u{c}"]
    ) { bytes, _ in
        guard let head = DNSResponseHead(parsing: bytes) else { return nil }
        return head.question.count + 12 <= bytes.count ? nil : "a question that is longer than the message"
    }

    static let http = Subject(
        "http",
        texts: [
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nraw",
            "HTTP/1.0 404 No\n\nto the end",
        ],
        words: [
            "\r\n", "\r\n\r\n", "HTTP/1.1 ", " 200 ", "Content-Length: ", "Transfer-Encoding: chunked\r\n",
            "ffffffffffffffff\r\n",
            "0\r\n", ":", "-1",
        ]
    ) { bytes, mutator in
        // What comes in pieces means the same as what comes at once.
        let whole = read([bytes])
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = 1 + mutator.number(below: min(rest.count, 12))
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        let parts = read(pieces)
        // Of a broken one, how much came before the break was noticed is chance.
        if whole.failure != nil, parts.failure != nil { return nil }
        return whole == parts ? nil : "at once \(whole), in pieces \(parts)"
    }

    private struct Reading: Equatable {
        var head: HTTPResponseReader.Head?
        var body: [UInt8] = []
        var failure: String?
    }

    private static func read(_ pieces: [[UInt8]]) -> Reading {
        var reader = HTTPResponseReader()
        var reading = Reading()
        do throws(HTTPResponseReader.Malformed) {
            for piece in pieces {
                reader.add(piece)
                if reading.head == nil { reading.head = try reader.head() }
                if reading.head != nil { reading.body += try reader.body() }
            }
            try reader.end()
        } catch {
            reading.failure = error.reason
        }
        return reading
    }
}
