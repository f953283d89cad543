import NIOHTTP1

/// A request in the form that routes get.
package struct Request: Sendable {
    package let head: HTTPRequestHead
    package let body: [UInt8]
    /// The body, if it is kept on disk.
    package let file: SpoolFile?
    /// The body, if it is read while it arrives.
    package let stream: StreamedBody?

    package init(head: HTTPRequestHead, body: [UInt8], file: SpoolFile? = nil, stream: StreamedBody? = nil) {
        self.head = head
        self.body = body
        self.file = file
        self.stream = stream
    }

    /// The segments of the path, decoded.
    package var segments: [String] { path.split(separator: "/").map { Self.decoded($0) } }
    private var path: Substring { head.uri.prefix { $0 != "?" } }

    /// The items of the query in their order, not decoded.
    package var queryItems: [(name: Substring, value: Substring)] {
        guard let mark = head.uri.firstIndex(of: "?") else { return [] }
        return head.uri[head.uri.index(after: mark)...].split(separator: "&").map { item in
            let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (pair[0], pair.count > 1 ? pair[1] : "")
        }
    }

    /// The first value of a query item, decoded.
    package func query(_ name: String) -> String? {
        queryItems.first { Self.decoded($0.name) == name }.map { Self.decoded($0.value) }
    }

    /// Percent-decoding (RFC 3986, section 2.1). Everything that is not a valid escape stays. In a query `+` is a space.
    package static func decoded(_ text: Substring, asForm: Bool = false) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || asForm && $0 == UInt8(ascii: "+") }) else {
            return String(text)
        }
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            let hex = rest.prefix(2)
            if byte == UInt8(ascii: "%"), hex.count == 2,
                let value = UInt8(String(decoding: hex, as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest.removeFirst(2)
            } else {
                bytes.append(asForm && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
