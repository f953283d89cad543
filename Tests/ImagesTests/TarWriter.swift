/// Writes tar archives byte by byte, also those that no honest program would write.
struct TarWriter {
    private(set) var bytes: [UInt8] = []

    /// Adds a header, preceded by a pax header when `attributes` or `records` ask for one, and `data`.
    mutating func add(
        _ name: String, type: Character = "0", mode: Int = 0o644, uid: Int = 0, gid: Int = 0,
        mtime: Int = 1_700_000_000,
        link: String = "", data: [UInt8] = [], major: Int = 0, minor: Int = 0, size: Int? = nil,
        records: [(String, [UInt8])] = []
    ) {
        var records = records
        if name.utf8.count > 100 { records.append(("path", Array(name.utf8))) }
        if link.utf8.count > 100 { records.append(("linkpath", Array(link.utf8))) }
        if !records.isEmpty {
            let body = records.flatMap { Self.paxRecord($0.0, $0.1) }
            header("PaxHeader", "x", 0o644, 0, 0, mtime, "", body.count, 0, 0)
            append(body)
        }
        header(name, type, mode, uid, gid, mtime, link, size ?? data.count, major, minor)
        append(data)
    }

    mutating func file(_ name: String, _ text: String, mode: Int = 0o644, uid: Int = 0, gid: Int = 0) {
        add(name, mode: mode, uid: uid, gid: gid, data: Array(text.utf8))
    }

    mutating func folder(_ name: String, mode: Int = 0o755, uid: Int = 0, gid: Int = 0) {
        add(name, type: "5", mode: mode, uid: uid, gid: gid)
    }

    mutating func symbolicLink(_ name: String, to target: String) { add(name, type: "2", mode: 0o777, link: target) }
    mutating func hardLink(_ name: String, to target: String) { add(name, type: "1", link: target) }

    /// The archive with its end mark.
    var finished: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    /// The archive that `build` describes.
    static func archive(_ build: (inout TarWriter) -> Void) -> [UInt8] {
        var writer = TarWriter()
        build(&writer)
        return writer.finished
    }

    private mutating func append(_ data: [UInt8]) {
        bytes += data
        bytes += [UInt8](repeating: 0, count: (512 - data.count % 512) % 512)
    }

    private mutating func header(
        _ name: String, _ type: Character, _ mode: Int, _ uid: Int, _ gid: Int, _ mtime: Int, _ link: String,
        _ size: Int, _ major: Int, _ minor: Int
    ) {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int, _ length: Int) {
            for (index, byte) in text.utf8.prefix(length).enumerated() { block[offset + index] = byte }
        }
        func octal(_ number: Int, _ width: Int) -> String {
            let digits = String(number, radix: 8)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        put(name, at: 0, 100)
        put(octal(mode, 7), at: 100, 7)
        put(octal(uid, 7), at: 108, 7)
        put(octal(gid, 7), at: 116, 7)
        put(octal(size, 11), at: 124, 11)
        put(octal(mtime, 11), at: 136, 11)
        put("        ", at: 148, 8)
        put(String(type), at: 156, 1)
        put(link, at: 157, 100)
        put("ustar", at: 257, 5)
        put("00", at: 263, 2)
        put(octal(major, 7), at: 329, 7)
        put(octal(minor, 7), at: 337, 7)
        let sum = block.reduce(0) { $0 + Int($1) }
        put(octal(sum, 6) + "\0 ", at: 148, 8)
        bytes += block
    }

    /// `LENGTH KEY=VALUE\n`, where the length counts itself (POSIX pax).
    private static func paxRecord(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let body = Array(" \(key)=".utf8) + value + [0x0A]
        var length = body.count + 1
        while "\(length)".utf8.count + body.count != length { length = "\(length)".utf8.count + body.count }
        return Array("\(length)".utf8) + body
    }
}
