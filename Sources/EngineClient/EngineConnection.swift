import EngineWire
import JSON
import Linux

/// One blocking connection to the engine for one request and its answer.
final class EngineConnection {
    private let socket: OwnedFD
    private var reader = HTTPResponseReader()

    init(socket: consuming OwnedFD) { self.socket = socket }

    /// For waiting with poll(2); this object still owns it.
    var descriptor: CInt { socket.raw }
    var isComplete: Bool { reader.isComplete }
    /// A part of the answer has arrived.
    private(set) var hasAnswered = false

    /// The body of a request.
    enum Body {
        case none
        case bytes([UInt8])
        case stream(Upload)

        /// It cannot be sent again.
        var isStream: Bool {
            if case .stream = self { true } else { false }
        }
    }

    func send(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: Body = .none
    ) throws(EngineFailure) {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: berth\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        do throws(SyscallError) {
            switch body {
            case .none: try socket.write(Array("\(head)\r\n".utf8))
            case .bytes(let bytes):
                let length = "Content-Type: application/json\r\nContent-Length: \(bytes.count)\r\n\r\n"
                try socket.write(Array("\(head)\(length)".utf8) + bytes)
            case .stream(let upload): try stream(upload, after: head)
            }
        } catch {
            // The engine waits for the rest, so there is no answer to read.
            if error.code == .interrupted { throw EngineFailure(code: .interrupted, message: "interrupted") }
            // The engine may have answered before it read everything; its answer explains more than the broken pipe.
            if let early = try? self.head(), early.status >= 400 { throw try failure(status: early.status) }
            throw EngineFailure(lost: "\(error)")
        }
    }

    private func stream(_ upload: Upload, after head: String) throws(SyscallError) {
        let descriptor = upload.descriptor
        let size = regularFileSize(descriptor)
        let framing = size.map { "Content-Length: \($0)" } ?? "Transfer-Encoding: chunked"
        try socket.write(Array("\(head)Content-Type: application/x-tar\r\n\(framing)\r\n\r\n".utf8))
        var sent = 0
        while true {
            guard try upload.goesOn(sent, size) else {
                throw SyscallError(call: "send", object: "the archive", code: .interrupted)
            }
            var bytes = try readDescriptor(descriptor, limit: 256 << 10)
            if let size {
                // If the file grows meanwhile, send only the announced size; if it shrinks, end the connection.
                bytes = Array(bytes.prefix(size - sent))
                if bytes.isEmpty { return }
                try socket.write(bytes)
            } else if bytes.isEmpty {
                return try socket.write(Array("0\r\n\r\n".utf8))
            } else {
                try socket.write(Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [0x0D, 0x0A])
            }
            sent += bytes.count
        }
    }

    /// Waits for the answer's head.
    func head() throws(EngineFailure) -> HTTPResponseReader.Head {
        while true {
            do throws(HTTPResponseReader.Malformed) {
                if let head = try reader.head() { return head }
            } catch { throw EngineFailure(lost: error.reason) }
            guard try readMore() else { throw EngineFailure(lost: "it closed the connection without an answer") }
        }
    }

    /// Reads once, blocking if necessary, and returns the bytes of the body.
    func someBody() throws(EngineFailure) -> [UInt8] {
        do throws(HTTPResponseReader.Malformed) {
            let ready = try reader.body()
            if !ready.isEmpty || reader.isComplete { return ready }
        } catch { throw EngineFailure(lost: error.reason) }
        let more = try readMore()
        do throws(HTTPResponseReader.Malformed) {
            if !more { try reader.end() }
            return try reader.body()
        } catch { throw EngineFailure(lost: error.reason) }
    }

    func wholeBody() throws(EngineFailure) -> [UInt8] {
        var body: [UInt8] = []
        while true {
            body += try someBody()
            if reader.isComplete { return body }
        }
    }

    /// The failure in an answer with a status of 400 or above.
    func failure(status: Int) throws(EngineFailure) -> EngineFailure {
        let body = try wholeBody()
        if let failure = try? decodeJSON(EngineFailure.self, from: body) { return failure }
        if let answer = try? decodeJSON(DockerAnswer.self, from: body) { return answer.failure(status: status) }
        let text = String(decoding: body.prefix(500), as: UTF8.self)
        return EngineFailure(code: .protocolViolated, message: "the engine answered \(status): \(text)")
    }

    /// Hands over the socket after a protocol switch, with the bytes already read from it.
    func takeOver() throws(EngineFailure) -> AttachedStream {
        let first = reader.rest()
        do throws(SyscallError) { return AttachedStream(socket: try socket.duplicate(), first: first) } catch {
            throw EngineFailure(lost: "\(error)")
        }
    }

    private func readMore() throws(EngineFailure) -> Bool {
        do throws(SyscallError) {
            let bytes = try socket.readSome()
            reader.add(bytes)
            hasAnswered = hasAnswered || !bytes.isEmpty
            return !bytes.isEmpty
        } catch { throw EngineFailure(lost: "\(error)") }
    }
}

extension EngineFailure {
    /// The connection broke, or the answer was not understood.
    init(lost reason: String) {
        self.init(
            code: .engineLost, message: "the connection to the engine was lost: \(reason)",
            hint: "containers keep running; the next command starts the engine again, which adopts them")
    }
}

/// A body that is sent in pieces: a whole file, or a pipe to its end.
package struct Upload {
    package let descriptor: CInt
    /// Called before each piece, with the number of bytes sent so far and in all, nil for a pipe. If it returns false,
    /// the upload fails with the code `interrupted`.
    let goesOn: (Int, Int?) throws(SyscallError) -> Bool

    package init(
        _ descriptor: CInt, goesOn: @escaping (_ sent: Int, _ total: Int?) throws(SyscallError) -> Bool
    ) {
        self.descriptor = descriptor
        self.goesOn = goesOn
    }
}
