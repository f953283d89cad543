import Glibc
import Linux
import Synchronization

/// A request body that is read while it arrives, so that an archive needs no room besides that of its files.
package final class StreamedBody: Sendable {
    private final class End: Sendable {
        let handle: OwnedFD
        init(_ handle: consuming OwnedFD) { self.handle = handle }
    }

    /// Each thread waits for the reader of one body.
    private static let threads = BlockingPool(name: "body", limit: 64)

    // The mutexes guard the ends of the pipe; nil after the end was taken or closed.
    private let source: Mutex<End?>
    private let sink: Mutex<End?>

    init() throws(SyscallError) {
        var pipe = try DescriptorPair.pipe()
        source = Mutex(End(pipe.takeFirst()))
        sink = Mutex(End(pipe.takeSecond()))
    }

    /// A descriptor from which the whole body can be read, for the first caller. Closing it drops the rest.
    package func take() throws(SyscallError) -> OwnedFD? {
        let end = source.withLock { source in
            defer { source = nil }
            return source
        }
        return try end?.handle.duplicate()
    }

    /// Returns when almost all bytes are read, or when nobody will read them.
    func append(_ bytes: [UInt8]) async {
        guard let end = sink.withLock({ $0 }) else { return }
        await Self.threads.runInfallible { try? end.handle.write(bytes) }
    }

    /// The body is complete.
    func finish() { sink.withLock { $0 = nil } }

    /// The request has its answer: nobody will read the rest.
    func discard() { source.withLock { $0 = nil } }
}
