/// Parses an HTTP/1.1 response as its bytes arrive (RFC 9112): a head, then a body of known length, in chunks, or up to
/// the end.
package struct HTTPResponseReader: Sendable {
    package struct Head: Hashable, Sendable {
        package let status: Int
        /// By lower-case name; the last value of a name counts.
        package let headers: [String: String]
    }

    /// The bytes are not an HTTP response, or an incomplete one.
    package struct Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        package let reason: String
        package var description: String { reason }
    }

    private enum State: Sendable {
        case head
        case length(Int)
        case chunkSize
        case chunk(Int)
        case chunkEnd
        case trailer
        case untilEnd
        case complete
    }

    private static let headLimit = 64 << 10
    private var state = State.head
    private var pending: [UInt8] = []
    private var start = 0

    package init() {}

    /// The whole response was read.
    package var isComplete: Bool {
        if case .complete = state { return true }
        return false
    }

    package mutating func add(_ bytes: [UInt8]) {
        if start > 0 {
            pending.removeFirst(start)
            start = 0
        }
        pending.append(contentsOf: bytes)
    }

    /// Call this when no more bytes will come.
    /// - Throws: `Malformed` when the response is incomplete.
    package mutating func end() throws(Malformed) {
        switch state {
        case .complete: return
        case .untilEnd: state = .complete
        default: throw Malformed(reason: "the answer ends early")
        }
    }

    /// The head, once it is complete; then `body()` returns the rest.
    package mutating func head() throws(Malformed) -> Head? {
        guard case .head = state else { return nil }
        var lines: [String] = []
        var cursor = start
        while let line = line(from: &cursor) {
            guard line.isEmpty else {
                lines.append(line)
                continue
            }
            start = cursor
            let head = try Self.parse(lines)
            if head.status == 100 {
                lines = []
                continue
            }
            state = try Self.bodyState(of: head)
            return head
        }
        if pending.count - start > Self.headLimit { throw Malformed(reason: "the answer's head is too long") }
        return nil
    }

    /// The available bytes of the body; empty when more bytes are needed, or at the end.
    package mutating func body() throws(Malformed) -> [UInt8] {
        var body: [UInt8] = []
        while try step(into: &body) {}
        return body
    }

    /// The bytes after the head of an answer that switched protocols.
    package mutating func rest() -> [UInt8] {
        defer { start = pending.count }
        return Array(pending[start...])
    }

    /// One transition; false when it needs more bytes.
    private mutating func step(into body: inout [UInt8]) throws(Malformed) -> Bool {
        switch state {
        case .head, .complete: return false
        case .untilEnd:
            body.append(contentsOf: rest())
            return false
        case .length(let left):
            let rest = left - take(left, into: &body)
            state = rest == 0 ? .complete : .length(rest)
            return false
        case .chunkSize:
            guard let text = nextLine() else { return false }
            let digits = text.prefix { $0 != ";" && $0 != " " }
            guard let size = Int(digits, radix: 16), size >= 0 else { throw Malformed(reason: "bad chunk size") }
            state = size == 0 ? .trailer : .chunk(size)
        case .chunk(let left):
            let rest = left - take(left, into: &body)
            state = rest == 0 ? .chunkEnd : .chunk(rest)
            return rest == 0
        case .chunkEnd:
            guard let text = nextLine() else { return false }
            guard text.isEmpty else { throw Malformed(reason: "a chunk is longer than it said") }
            state = .chunkSize
        case .trailer:
            guard let text = nextLine() else { return false }
            if text.isEmpty { state = .complete }
        }
        return true
    }

    private mutating func take(_ limit: Int, into body: inout [UInt8]) -> Int {
        let count = min(limit, pending.count - start)
        body.append(contentsOf: pending[start..<start + count])
        start += count
        return count
    }

    private mutating func nextLine() -> String? { line(from: &start) }

    private func line(from cursor: inout Int) -> String? {
        guard let end = pending[cursor...].firstIndex(of: 0x0A) else { return nil }
        var content = pending[cursor..<end]
        if content.last == 0x0D { content.removeLast() }
        cursor = end + 1
        return String(decoding: content, as: UTF8.self)
    }

    private static func parse(_ lines: [String]) throws(Malformed) -> Head {
        let words = (lines.first ?? "").split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw Malformed(reason: "not an HTTP answer")
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw Malformed(reason: "bad header line") }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers[line[..<colon].lowercased()] = String(value)
        }
        return Head(status: status, headers: headers)
    }

    private static func bodyState(of head: Head) throws(Malformed) -> State {
        if head.status == 101 || head.status == 204 || head.status == 304 { return .complete }
        if head.headers["transfer-encoding"]?.lowercased() == "chunked" { return .chunkSize }
        guard let text = head.headers["content-length"] else { return .untilEnd }
        guard let length = Int(text), length >= 0 else { throw Malformed(reason: "bad Content-Length") }
        return length == 0 ? .complete : .length(length)
    }
}
