import Glibc
import Linux
import NIOCore

/// A file as the body of a request, read in pieces, each after the previous one has been sent.
struct FilePieces: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let path: String
    let pool: BlockingPool
    /// Gets the number of bytes so far.
    let report: @Sendable (Int64) -> Void

    private static let size = 256 << 10

    func makeAsyncIterator() -> Iterator { Iterator(pieces: self) }

    struct Iterator: AsyncIteratorProtocol {
        let pieces: FilePieces
        private var file: HeldFile?
        private var done: Int64 = 0

        init(pieces: FilePieces) { self.pieces = pieces }

        mutating func next() async throws -> ByteBuffer? {
            let (path, open) = (pieces.path, file)
            pieces.report(done)
            let (held, bytes) = try await pieces.pool.run {
                let file = try open ?? HeldFile(openFile(path, O_RDONLY))
                return (file, try file.descriptor.readPiece(FilePieces.size))
            }
            file = held
            guard !bytes.isEmpty else { return nil }
            done += Int64(bytes.count)
            return ByteBuffer(bytes: bytes)
        }
    }
}

private final class HeldFile: Sendable {
    let descriptor: OwnedFD

    init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }
}
