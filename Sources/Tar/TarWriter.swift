import Glibc
import Linux

/// Writes a tar: ustar headers, with pax records for values that do not fit (POSIX.1-2001, pax).
package final class TarWriter {
    /// The header of an entry.
    package struct Header {
        package var path: String
        package var type: Character
        package var mode: mode_t = 0o644
        package var owner: (user: UInt32, group: UInt32) = (0, 0)
        package var modification = timespec()
        package var size: Int64 = 0
        package var link = ""
        package var device: (major: UInt32, minor: UInt32) = (0, 0)
        /// Extended attributes.
        package var attributes: [(name: String, value: [UInt8])] = []
        /// Further pax records.
        package var records: [(name: String, value: [UInt8])] = []

        /// `type` is the format's letter: `0` for a file, `5` a folder, `2` a symbolic link, `1` a hard link.
        package init(path: String, type: Character, size: Int64 = 0) {
            self.path = path
            self.type = type
            self.size = size
        }
    }

    private let sink: (UnsafeRawBufferPointer) throws -> Void
    private var buffer: [UInt8] = []
    private static let blockSize = 512
    private static let bufferSize = 256 << 10

    /// `sink` gets the bytes in pieces, which are valid until it returns.
    package init(_ sink: @escaping (UnsafeRawBufferPointer) throws -> Void) {
        self.sink = sink
        buffer.reserveCapacity(Self.bufferSize + Self.blockSize)
    }

    /// Writes to a descriptor, which the caller still owns.
    package convenience init(to output: CInt) { self.init(Self.sink(to: output, "the archive")) }

    /// A sink that writes everything to a descriptor; `name` is its name in errors.
    package static func sink(to output: CInt, _ name: String) -> (UnsafeRawBufferPointer) throws -> Void {
        { bytes in
            var done = 0
            while done < bytes.count {
                done += try syscall("write", on: name) {
                    write(output, bytes.baseAddress?.advanced(by: done), bytes.count - done)
                }
            }
        }
    }

    package func add(_ header: Header) throws {
        var records = header.records
        if header.path.utf8.count > 100 { records.append(("path", Array(header.path.utf8))) }
        if header.link.utf8.count > 100 { records.append(("linkpath", Array(header.link.utf8))) }
        if header.size >= 1 << 33 { records.append(("size", Array("\(header.size)".utf8))) }
        for (name, id) in [("uid", header.owner.user), ("gid", header.owner.group)] where id >= 1 << 21 {
            records.append((name, Array("\(id)".utf8)))
        }
        if header.modification.tv_nsec != 0 || header.modification.tv_sec < 0 {
            records.append(("mtime", Array(Self.time(header.modification).utf8)))
        }
        for (name, value) in header.attributes { records.append(("SCHILY.xattr.\(name)", value)) }
        if !records.isEmpty {
            let body = records.sorted { $0.name < $1.name }.flatMap { Self.record($0.name, $0.value) }
            try append(Self.block(Header(path: "PaxHeaders.0", type: "x", size: Int64(body.count))))
            try append(body)
            try pad(Int64(body.count))
        }
        try append(Self.block(header))
    }

    package func append(_ bytes: [UInt8]) throws {
        buffer += bytes
        if buffer.count >= Self.bufferSize { try flush() }
    }

    /// Adds content without copying it.
    package func append(_ bytes: UnsafeRawBufferPointer) throws {
        try flush()
        try sink(bytes)
    }

    /// Pads the content of an entry with `size` bytes to a full block.
    package func pad(_ size: Int64) throws {
        let rest = Int(size % Int64(Self.blockSize))
        if rest > 0 { try append([UInt8](repeating: 0, count: Self.blockSize - rest)) }
    }

    /// Writes the two empty blocks after the last entry.
    package func finish() throws {
        try append([UInt8](repeating: 0, count: 2 * Self.blockSize))
        try flush()
    }

    private func flush() throws {
        guard !buffer.isEmpty else { return }
        try buffer.withUnsafeBytes(sink)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Seconds with their fraction, without trailing zeros.
    private static func time(_ time: timespec) -> String {
        guard time.tv_nsec != 0 else { return "\(time.tv_sec)" }
        let isNegative = time.tv_sec < 0
        let seconds = isNegative ? -(time.tv_sec + 1) : time.tv_sec
        let nanoseconds = isNegative ? 1_000_000_000 - time.tv_nsec : time.tv_nsec
        let digits = "\(nanoseconds)"
        var fraction = String(repeating: "0", count: 9 - digits.utf8.count) + digits
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(isNegative ? "-" : "")\(seconds).\(fraction)"
    }

    /// `LENGTH name=value\n`, where the length includes itself.
    private static func record(_ name: String, _ value: [UInt8]) -> [UInt8] {
        let rest = [0x20] + Array(name.utf8) + [UInt8(ascii: "=")] + value + [0x0A]
        var length = rest.count
        while true {
            let digits = "\(length)".utf8
            if digits.count + rest.count == length { return Array(digits) + rest }
            length = digits.count + rest.count
        }
    }

    private static func block(_ header: Header) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: blockSize)
        func put(_ bytes: some Collection<UInt8>, at offset: Int, _ limit: Int) {
            for (index, byte) in bytes.prefix(limit).enumerated() { block[offset + index] = byte }
        }
        /// Octal digits and a NUL; a larger value needs a pax record.
        func number(_ value: UInt64, at offset: Int, _ width: Int) {
            let fits = value < UInt64(1) << UInt64(3 * (width - 1))
            let digits = String(fits ? value : 0, radix: 8)
            put((String(repeating: "0", count: width - 1 - digits.utf8.count) + digits).utf8, at: offset, width - 1)
        }
        put(header.path.utf8, at: 0, 100)
        number(UInt64(header.mode & 0o7777), at: 100, 8)
        number(UInt64(header.owner.user), at: 108, 8)
        number(UInt64(header.owner.group), at: 116, 8)
        number(UInt64(header.size), at: 124, 12)
        number(UInt64(max(0, header.modification.tv_sec)), at: 136, 12)
        put([UInt8](repeating: 0x20, count: 8), at: 148, 8)
        put([header.type.asciiValue ?? 0x30], at: 156, 1)
        put(header.link.utf8, at: 157, 100)
        put("ustar\0".utf8, at: 257, 6)
        put("00".utf8, at: 263, 2)
        number(UInt64(header.device.major), at: 329, 8)
        number(UInt64(header.device.minor), at: 337, 8)
        let sum = block.reduce(0) { $0 + UInt64($1) }
        let digits = String(sum, radix: 8)
        put((String(repeating: "0", count: 6 - digits.utf8.count) + digits + "\0 ").utf8, at: 148, 8)
        return block
    }
}
