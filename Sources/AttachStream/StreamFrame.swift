/// A frame of an attached stream: one byte of kind, four bytes of length (big endian), then that many bytes.
///
/// The monitor speaks it on its attach socket, the engine passes it on unread, and the command line is the other end. Both directions
/// use the same form. A reader skips kinds that it does not know.
package struct StreamFrame: Hashable, Sendable {
    package var kind: Kind
    package var payload: [UInt8]

    package struct Kind: RawRepresentable, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        // To the container.
        package static let stdin = Kind(rawValue: 0)
        /// Empty payload: no more input will come.
        package static let stdinEnd = Kind(rawValue: 3)
        /// Rows, then columns: two bytes each, big endian.
        package static let resize = Kind(rawValue: 4)
        /// One byte: a signal number for the process.
        package static let signal = Kind(rawValue: 5)
        /// Empty payload: this client detaches, and the process must not notice it.
        package static let detach = Kind(rawValue: 8)

        // From the container.
        package static let stdout = Kind(rawValue: 1)
        package static let stderr = Kind(rawValue: 2)
        /// Last frame: four bytes, the exit code in the form of a shell (128 + signal), big endian.
        package static let exit = Kind(rawValue: 6)
        /// Last frame: why the process could not run, as text after one byte with the exit code (126 or 127).
        package static let failure = Kind(rawValue: 7)
    }

    /// The longest payload a reader accepts, in bytes.
    package static let payloadLimit = 1 << 20

    package init(_ kind: Kind, _ payload: [UInt8] = []) {
        self.kind = kind
        self.payload = payload
    }

    package var bytes: [UInt8] {
        let length = UInt32(payload.count)
        return [
            kind.rawValue, UInt8(length >> 24), UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF),
            UInt8(length & 0xFF),
        ]
            + payload
    }

    package static func resize(rows: UInt16, columns: UInt16) -> StreamFrame {
        StreamFrame(.resize, [UInt8(rows >> 8), UInt8(rows & 0xFF), UInt8(columns >> 8), UInt8(columns & 0xFF)])
    }

    package static func exit(code: UInt32) -> StreamFrame {
        StreamFrame(.exit, [UInt8(code >> 24), UInt8(code >> 16 & 0xFF), UInt8(code >> 8 & 0xFF), UInt8(code & 0xFF)])
    }

    /// The code of an `exit` frame; nil for another kind or a wrong length.
    package var exitCode: UInt32? {
        guard kind == .exit, payload.count == 4 else { return nil }
        return payload.reduce(0) { $0 << 8 | UInt32($1) }
    }
}

/// Splits a byte stream into frames.
package struct StreamFrameReader: Sendable {
    /// The stream announces a frame longer than `StreamFrame.payloadLimit`, so it is broken.
    package struct TooLong: Error, Hashable, Sendable, CustomStringConvertible {
        package let length: Int
        package var description: String { "a frame of \(length) bytes is too long" }
    }

    private var pending: [UInt8] = []

    package init() {}

    /// Adds bytes and returns the frames that are complete now, in order.
    package mutating func frames(adding bytes: some Sequence<UInt8>) throws(TooLong) -> [StreamFrame] {
        pending.append(contentsOf: bytes)
        var frames: [StreamFrame] = []
        var start = 0
        while pending.count - start >= 5 {
            let length = pending[start + 1..<start + 5].reduce(0) { $0 << 8 | Int($1) }
            guard length <= StreamFrame.payloadLimit else { throw TooLong(length: length) }
            guard pending.count - start >= 5 + length else { break }
            let payload = Array(pending[start + 5..<start + 5 + length])
            frames.append(StreamFrame(.init(rawValue: pending[start]), payload))
            start += 5 + length
        }
        if start > 0 { pending.removeFirst(start) }
        return frames
    }
}
