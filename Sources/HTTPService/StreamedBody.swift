import Glibc
import Linux
import Synchronization

/// A request's body that is read while it arrives, so that an archive needs room only where its files go.
package final class StreamedBody: Sendable {
    private final class End: Sendable {
        let handle: OwnedFD
        init(_ handle: consuming OwnedFD) { self.handle = handle }
    }

    /// Each waits for whoever reads one body.
    private static let threads = BlockingPool(name: "body", limit: 64)

    // The mutexes guard who has which end of the pipe; nil once it was taken or closed.
    private let source: Mutex<End?>
    private let sink: Mutex<End?>

    init() throws(SyscallError) {
        var pipe = try DescriptorPair.pipe()
        source = Mutex(End(pipe.takeFirst()))
        sink = Mutex(End(pipe.takeSecond()))
    }

    /// A descriptor that has the body from its beginning to its end, for whoever comes first; closing it throws away the rest.
    package func take() throws(SyscallError) -> OwnedFD? {
        let end = source.withLock { source in
            defer { source = nil }
            return source
        }
        return try end?.handle.duplicate()
    }

    /// Returns when the bytes are read, or nearly so, or nobody will read them.
    func append(_ bytes: [UInt8]) async {
        guard let end = sink.withLock({ $0 }) else { return }
        await Self.threads.runInfallible { try? end.handle.write(bytes) }
    }

    /// Nothing more comes.
    func finish() { sink.withLock { $0 = nil } }

    /// The request was answered: what nobody took is read by nobody.
    func discard() { source.withLock { $0 = nil } }
}
