import AttachStream
import EngineWire
import JSON
import Linux

/// Transfers archives over a connection of `StreamFrame`s.
extension AttachedStream {
    /// Writes everything that arrives to `descriptor`, which the caller still owns.
    /// - Throws: the failure that the engine reports; `writeFailed` when nobody reads the output.
    package func receiveArchive(into descriptor: CInt) throws(EngineFailure) {
        while let frames = try frames() {
            for frame in frames {
                switch frame.kind {
                case .stdout:
                    do throws(SyscallError) { try writeDescriptor(descriptor, frame.payload) } catch {
                        throw EngineFailure(code: .failed, message: "the archive cannot be written: \(error.code)")
                    }
                case .exit: return
                case .failure: throw Self.failure(frame)
                default: continue
                }
            }
        }
        throw EngineFailure(lost: "the archive is not complete")
    }

    /// Sends everything from `descriptor`, and waits until the engine has received it.
    package func sendArchive(from descriptor: CInt) throws(EngineFailure) {
        var isAtEnd = false
        while true {
            do throws(SyscallError) {
                var items = [Readiness(self.descriptor, for: unsent > 0 ? .both : .reading)]
                let takesMore = !isAtEnd && unsent < 1 << 20
                if takesMore { items.append(Readiness(descriptor, for: .reading)) }
                if !hasBuffered { try waitForReadiness(&items) }
                if takesMore, items[1].isReadable {
                    let bytes = try readDescriptor(descriptor, limit: 256 << 10)
                    isAtEnd = bytes.isEmpty
                    do throws(EngineFailure) {
                        try send(isAtEnd ? StreamFrame(.stdinEnd) : StreamFrame(.stdin, bytes))
                    } catch { continue }  // the reason comes next
                }
                if !hasBuffered, !items[0].isReadable {
                    if unsent > 0 { try? flush() }
                    continue
                }
            } catch {
                throw EngineFailure(code: .failed, message: "the archive cannot be read: \(error.code)")
            }
            guard let frames = try frames() else { throw EngineFailure(lost: "the engine did not accept the archive") }
            for frame in frames {
                if frame.kind == .exit { return }
                if frame.kind == .failure { throw Self.failure(frame) }
            }
        }
    }

    private static func failure(_ frame: StreamFrame) -> EngineFailure {
        (try? decodeJSON(EngineFailure.self, from: frame.payload.dropFirst()))
            ?? EngineFailure(
                code: .failed, message: String(decoding: frame.payload.dropFirst(), as: UTF8.self))
    }
}

extension EngineClient {
    package func file(_ path: String, in container: String) throws(EngineFailure) -> FileRow {
        try get("/v1/containers/\(percentEncoded(container))/file?path=\(percentEncoded(path))")
    }

    package func archive(_ request: ArchiveRequest, of container: String) throws(EngineFailure) -> AttachedStream {
        try upgrade("/v1/containers/\(percentEncoded(container))/archive", .bytes(try json(request)))
    }

    package func usage(of container: String) throws(EngineFailure) -> ContainerUsage {
        try get("/v1/containers/\(percentEncoded(container))/usage")
    }

    package func changes(of container: String) throws(EngineFailure) -> [ChangedFile] {
        try get("/v1/containers/\(percentEncoded(container))/changes")
    }

    package func commit(_ request: CommitRequest, of container: String) throws(EngineFailure) -> CommittedImage {
        try post("/v1/containers/\(percentEncoded(container))/commit", request)
    }

    package func save(images: [String]) throws(EngineFailure) -> AttachedStream {
        try upgrade("/v1/images/save", .bytes(try json(SaveRequest(names: images))))
    }
}
