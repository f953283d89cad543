import Glibc
import Images
import JSON
import Linux
import OCI
import Synchronization
import Testing

/// A registry of few words: answers each request as a function says, on a free port of the loopback interface.
final class ScriptedRegistry: Sendable {
    struct Request: Sendable {
        let method: String
        let path: String
        let headers: [String: String]
        let body: [UInt8]
        /// How many requests for this path came before.
        let repetition: Int
    }
    struct Answer: Sendable {
        /// 0: the connection breaks without an answer.
        var status = 200
        var headers: [String: String] = [:]
        var body: [UInt8] = []
        /// Bytes of the body after which the connection breaks.
        var breaksAfter: Int?
    }

    let address: String
    private let listener: CInt
    private let requests = Mutex<[Request]>([])
    private let script: @Sendable (Request) -> Answer

    init(_ script: @escaping @Sendable (Request) -> Answer) throws {
        self.script = script
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isBound = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, length) == 0 && listen(listener, 16) == 0
                    && getsockname(listener, pointer, &length) == 0
            }
        }
        try #require(isBound)
        address = "127.0.0.1:\(UInt16(bigEndian: name.sin_port))"
    }

    /// What was asked for so far.
    var log: [Request] { requests.withLock { $0 } }

    /// Serves while `body` runs.
    func serve(_ body: (String) async throws -> Void) async throws {
        let pool = BlockingPool(name: "registry", limit: 32)
        pool.submit { [self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                pool.submit { self.answer(connection) }
            }
        }
        defer { shutdown(listener, Int32(SHUT_RDWR)) }
        try await body(address)
    }

    deinit { close(listener) }

    private func answer(_ connection: CInt) {
        let file = OwnedFD(owning: connection)
        guard let request = read(file) else { return }
        let answer = script(request)
        guard answer.status > 0 else { return }
        var head = "HTTP/1.1 \(answer.status) X\r\nConnection: close\r\nContent-Length: \(answer.body.count)\r\n"
        for (name, value) in answer.headers { head += "\(name): \(value)\r\n" }
        _ = Array((head + "\r\n").utf8).withUnsafeBytes {
            send(file.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        let body = answer.body.prefix(answer.breaksAfter ?? answer.body.count)
        var sent = 0
        let bytes = Array(body)
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(file.raw, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    private func read(_ file: borrowing OwnedFD) -> Request? {
        var text: [UInt8] = []
        var byte: UInt8 = 0
        while !text.suffix(4).elementsEqual(Array("\r\n\r\n".utf8)) {
            guard Glibc.read(file.raw, &byte, 1) == 1, text.count < 16384 else { return nil }
            text.append(byte)
            if text.count == 1 && byte == 0x16 { return nil }  // a TLS handshake
        }
        let lines = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline)
        let words = (lines.first ?? "").split(separator: " ").map(String.init)
        guard words.count == 3 else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " }) }
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        var body: [UInt8] = []
        while body.count < length {
            let piece = try? file.readBeginning(length - body.count)
            guard let piece, !piece.isEmpty else { return nil }
            body += piece
        }
        let whole = body
        return requests.withLock { requests in
            let before = requests.filter { $0.path == words[1] }.count
            let request = Request(
                method: words[0], path: words[1], headers: headers, body: whole, repetition: before)
            requests.append(request)
            return request
        }
    }
}

/// An image as a registry holds it, each document under the path it is asked for.
struct ServedImage: Sendable {
    let layers: [[UInt8]]
    let manifest: [UInt8]
    var documents: [String: (type: String, body: [UInt8])] = [:]

    init(_ repository: String, tag: String, layers: [[UInt8]], platform: Platform = .host, promise: [[UInt8]]? = nil)
        throws
    {
        self.layers = layers
        let config = ImageConfig(
            architecture: platform.architecture, os: platform.os,
            rootfs: .init(diffIDs: layers.map { digest(of: $0) }))
        let configBytes = try encodeJSON(config)
        let content = Manifest(
            config: Descriptor(
                mediaType: MediaType.config, digest: digest(of: configBytes), size: Int64(configBytes.count)),
            layers: (promise ?? layers).map {
                Descriptor(mediaType: MediaType.layer, digest: digest(of: $0), size: Int64($0.count))
            })
        manifest = try encodeJSON(content)
        let base = "/v2/\(repository)"
        documents["\(base)/manifests/\(tag)"] = (MediaType.manifest, manifest)
        documents["\(base)/manifests/\(digest(of: manifest))"] = (MediaType.manifest, manifest)
        documents["\(base)/blobs/\(digest(of: configBytes))"] = ("application/octet-stream", configBytes)
        for (layer, promised) in zip(layers, content.layers) {
            documents["\(base)/blobs/\(promised.digest)"] = ("application/octet-stream", layer)
        }
    }

    /// The plain answer to a request; ranges are honoured.
    func answer(_ request: ScriptedRegistry.Request) -> ScriptedRegistry.Answer {
        guard let document = documents[request.path] else {
            let body = #"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#
            return .init(status: 404, body: Array(body.utf8))
        }
        var answer = ScriptedRegistry.Answer(headers: ["Content-Type": document.type], body: document.body)
        if let range = request.headers["range"], let start = Int(range.dropFirst("bytes=".count).prefix { $0 != "-" }) {
            answer.status = 206
            answer.body = Array(document.body.dropFirst(start))
        }
        return answer
    }
}
