import Glibc
import JSON
import Linux

/// One entry of a log on disk.
package struct LogEntry: Hashable, Sendable {
    package var time: Int64
    package var text: String
    package var isError: Bool
    /// The writer cut the line here (16 KiB), or has not ended it yet.
    package var isPartial: Bool
    package var lost: Int = 0
}

/// Reads a container's log files (Docker's json-file lines), oldest first.
package struct LogReader: Sendable {
    let path: String
    private static let thread = BlockingPool(name: "logs", limit: 2)

    /// Entries of all files, rotated ones first; and where the newest file was left, for following it.
    func readAll() async -> (entries: [LogEntry], position: LogPosition) {
        await Self.thread.runInfallible { [path] in
            var entries: [LogEntry] = []
            for number in stride(from: 9, through: 1, by: -1) {
                guard let bytes = try? readFile("\(path).\(number)") else { continue }
                entries += Self.parse(bytes[...]).entries
            }
            var position = LogPosition(offset: 0, inode: 0)
            entries += Self.read(path, from: &position)
            return (entries, position)
        }
    }

    /// What was written after `position`; a file that was rotated meanwhile is read to its end first.
    func readNew(from position: LogPosition) async -> (entries: [LogEntry], position: LogPosition) {
        await Self.thread.runInfallible { [path] in
            var position = position
            var entries: [LogEntry] = []
            if position.inode != 0, Self.inode(path) != position.inode {
                var rotated = position
                if Self.inode("\(path).1") == position.inode { entries += Self.read("\(path).1", from: &rotated) }
                position = LogPosition(offset: 0, inode: 0)
            }
            entries += Self.read(path, from: &position)
            return (entries, position)
        }
    }

    /// The last `lines` lines as plain text, for error messages.
    static func tail(_ path: String, lines: Int) async -> [String] {
        let text = await thread.runInfallible { () -> [UInt8] in
            guard let file = try? openFile(path, O_RDONLY) else { return [] }
            let size = lseek(file.raw, 0, SEEK_END)
            let start = max(0, size - 65536)
            lseek(file.raw, start, SEEK_SET)
            guard let bytes = try? file.readToEnd(limit: 1 << 20) else { return [] }
            guard start > 0, let newline = bytes.firstIndex(of: 0x0A) else { return bytes }
            return Array(bytes[bytes.index(after: newline)...])
        }
        return parse(text[...]).entries.suffix(lines).map(\.text)
    }

    private static func inode(_ path: String) -> UInt64 {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_ino) : 0
    }

    private static func read(_ path: String, from position: inout LogPosition) -> [LogEntry] {
        guard let file = try? openFile(path, O_RDONLY) else { return [] }
        var status = stat()
        guard fstat(file.raw, &status) == 0 else { return [] }
        position.inode = UInt64(status.st_ino)
        lseek(file.raw, off_t(position.offset), SEEK_SET)
        guard let bytes = try? file.readToEnd() else { return [] }
        let (entries, used) = parse(bytes[...])
        position.offset += Int64(used)
        return entries
    }

    private struct Line: Decodable {
        var log: String
        var stream: String
        var time: String
        var lost: Int?
    }

    /// Whole lines only: what a writer has not finished stays for the next time. A damaged line is skipped.
    package static func parse(_ bytes: ArraySlice<UInt8>) -> (entries: [LogEntry], used: Int) {
        var entries: [LogEntry] = []
        var rest = bytes
        while let newline = rest.firstIndex(of: 0x0A) {
            let line = rest[..<newline]
            rest = rest[rest.index(after: newline)...]
            guard let record = try? decodeJSON(Line.self, from: line), let time = Timestamp.parse(record.time) else {
                continue
            }
            var text = Substring(record.log)
            let isWhole = text.utf8.last == 0x0A
            if isWhole { text.unicodeScalars.removeLast() }
            if isWhole, text.unicodeScalars.last == "\r" { text.unicodeScalars.removeLast() }
            entries.append(
                LogEntry(
                    time: time, text: String(text), isError: record.stream == "stderr", isPartial: !isWhole,
                    lost: record.lost ?? 0))
        }
        return (entries, bytes.count - rest.count)
    }
}

/// Where a reader stands in a log that grows and is rotated.
struct LogPosition: Hashable, Sendable {
    var offset: Int64
    var inode: UInt64
}
