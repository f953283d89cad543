import CLinux
import Glibc
import Linux

@testable import Images

/// Layers of strangers.
extension Subject {
    static let tar = Subject(
        "tar", seeds: [archive(["a/", "a/b"]), archive(["x"]), []],
        words: [
            "ustar\u{0}00", "ustar  \u{0}", "././@LongLink", "30 path=../../etc/passwd\n", "17 SCHILY.xattr.a=b\n",
            "0000777\u{0}",
            "77777777777", "GNU.sparse.map=", "../", "/", "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}",
        ]
    ) { bytes, _ in
        let limit: Int64 = 8 << 20
        do {
            let file = try memoryFile(bytes)
            let reader = try TarReader(DecompressedStream(file.raw, limit: limit))
            var entries = 0
            while let entry = try reader.next() {
                entries += 1
                guard entries < 100_000 else { return "more entries than bytes" }
                guard case .file(let size) = entry.kind else { continue }
                guard size >= 0 else { return "a file of \(size) bytes" }
                try reader.readData { piece, offset in
                    guard offset >= 0, offset <= Int64.max - Int64(piece.count) else {
                        throw Wrong(reason: "data at \(offset)")
                    }
                }
            }
        } catch let wrong as Wrong {
            return wrong.reason
        } catch {
            return nil
        }
        return nil
    }

    private struct Wrong: Error { let reason: String }

    private static func memoryFile(_ bytes: [UInt8]) throws -> OwnedFD {
        let raw = berth_memfd_create("fuzz", 0)
        guard raw >= 0 else { throw Wrong(reason: "memfd_create: \(raw)") }
        let file = OwnedFD(owning: raw)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(file.raw, $0.baseAddress, $0.count) }
            guard count > 0 else { throw Wrong(reason: "write: \(errno)") }
            rest = rest.dropFirst(count)
        }
        lseek(file.raw, 0, SEEK_SET)
        return file
    }

    /// A ustar archive (POSIX.1-2017, pax) of folders and small files.
    private static func archive(_ names: [String]) -> [UInt8] {
        names.flatMap { name -> [UInt8] in
            let content = name.hasSuffix("/") ? [] : Array("content".utf8)
            var header = [UInt8](repeating: 0, count: 512)
            func put(_ text: String, at place: Int) {
                header.replaceSubrange(place..<place + text.utf8.count, with: text.utf8)
            }
            put(name, at: 0)
            put("0000644", at: 100)
            put("0000000", at: 108)
            put("0000000", at: 116)
            put("0000000000" + String(content.count, radix: 8), at: 124)
            put("00000000000", at: 136)
            put("        ", at: 148)
            put(name.hasSuffix("/") ? "5" : "0", at: 156)
            put("ustar\u{0}00", at: 257)
            let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
            put(String(repeating: "0", count: 6 - sum.count) + sum + "\u{0} ", at: 148)
            return header + content + [UInt8](repeating: 0, count: content.isEmpty ? 0 : 512 - content.count)
        } + [UInt8](repeating: 0, count: 1024)
    }
}
