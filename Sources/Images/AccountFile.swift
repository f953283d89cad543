import Glibc
import Linux

/// The passwd(5) or group(5) file of an image, read in pieces, because the image or the container decides its size.
struct AccountFile {
    /// The maximum size that is read.
    static let mostBytes = 16 << 20

    private let path: String

    init(_ path: String) { self.path = path }

    /// One line, with fields separated by colons.
    struct Line {
        fileprivate let bytes: Slice<UnsafeRawBufferPointer>

        /// The field at `index`; nil when there are fewer.
        subscript(index: Int) -> Slice<UnsafeRawBufferPointer>? {
            var rest = bytes
            for _ in 0..<index {
                guard let colon = rest.firstIndex(of: UInt8(ascii: ":")) else { return nil }
                rest = rest[(colon + 1)...]
            }
            return rest.prefix { $0 != UInt8(ascii: ":") }
        }

        func number(_ index: Int) -> UInt32? {
            self[index].flatMap { UInt32(String(decoding: $0, as: UTF8.self)) }
        }
    }

    /// Calls `body` with each line; does nothing when there is no such regular file.
    /// - Throws: `UserLookupError` when it is larger than `mostBytes`.
    func read(_ stack: LayerStack, _ body: (Line) -> Void) throws {
        guard let file = try stack.open(path) else { return }
        guard try file.status().st_size <= Self.mostBytes else { throw tooLarge }
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        // The beginning of a line that continues in the next piece.
        var pending: [UInt8] = []
        var total = 0
        while true {
            let count = try syscall("read", on: path) {
                chunk.withUnsafeMutableBytes { Glibc.read(file.raw, $0.baseAddress, $0.count) }
            }
            if count == 0 { break }
            total += count
            // The file may grow while it is read.
            guard total <= Self.mostBytes else { throw tooLarge }
            chunk.withUnsafeBytes { Self.lines(of: $0[..<count], &pending, body) }
        }
        if !pending.isEmpty { pending.withUnsafeBytes { body(Line(bytes: $0[...])) } }
    }

    private static func lines(
        of piece: Slice<UnsafeRawBufferPointer>, _ pending: inout [UInt8], _ body: (Line) -> Void
    ) {
        var rest = piece
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            if pending.isEmpty {
                body(Line(bytes: rest[..<end]))
            } else {
                pending.append(contentsOf: rest[..<end])
                pending.withUnsafeBytes { body(Line(bytes: $0[...])) }
                pending.removeAll(keepingCapacity: true)
            }
            rest = rest[(end + 1)...]
        }
        pending.append(contentsOf: rest)
    }

    private var tooLarge: UserLookupError {
        UserLookupError(
            description: "the image's /\(path) is larger than \(Self.mostBytes >> 20) MiB, so berth does not read it"
        )
    }
}
