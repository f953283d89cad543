import Glibc
import Linux

/// One entry of a log on disk.
package struct LogEntry: Hashable, Sendable {
    package var time: Int64
    package var text: String
    package var isError: Bool
    /// The writer split the line here (at 16 KiB), or the line has not ended yet.
    package var isPartial: Bool
    package var lost: Int

    package init(time: Int64, text: String, isError: Bool = false, isPartial: Bool = false, lost: Int = 0) {
        self.time = time
        self.text = text
        self.isError = isError
        self.isPartial = isPartial
        self.lost = lost
    }
}

/// Reads a container's log files (Docker's json-file lines), oldest first.
package struct LogReader: Sendable {
    let path: String

    package init(path: String) { self.path = path }

    /// Reads may wait for the disk.
    static let thread = BlockingPool(name: "logs", limit: 4)

    /// A piece of a log.
    package struct Step: Sendable {
        package var entries: [LogEntry] = []
        /// Where the next piece begins; unchanged when there is nothing new.
        package var position: LogPosition
        /// The records in between were rotated away.
        package var hasGap = false
    }

    /// The next entries after `position`, about `limit` bytes at most; 128 KiB always hold at least one line.
    package func next(after position: LogPosition, limit: Int = 1 << 20) async -> Step {
        await Self.thread.runInfallible { [path] in
            let files = LogFiles(path).files
            guard let oldest = files.indices.last else { return Step(position: position) }
            var step = Step(position: position)
            var index = files.firstIndex { $0.inode == position.inode && Self.isSame($0.path, position) } ?? -1
            if index < 0 {
                index = oldest
                step.hasGap = position != .start
                step.position = LogPosition(offset: 0, inode: files[index].inode)
            }
            while true {
                step.entries = Self.read(files[index].path, from: &step.position, hasGap: &step.hasGap, limit)
                guard step.entries.isEmpty, index > 0 else { return step }
                index -= 1
                step.position = LogPosition(offset: 0, inode: files[index].inode)
            }
        }
    }

    /// The last `lines` lines as plain text, for error messages.
    static func tail(_ path: String, lines: Int) async -> [String] {
        let text = await thread.runInfallible { () -> [UInt8] in
            guard let file = try? openFile(path, O_RDONLY) else { return [] }
            let size = lseek(file.raw, 0, SEEK_END)
            let start = max(0, size - 65536)
            lseek(file.raw, start, SEEK_SET)
            guard let bytes = try? file.readBeginning(1 << 20) else { return [] }
            guard start > 0, let newline = bytes.firstIndex(of: 0x0A) else { return bytes }
            return Array(bytes[bytes.index(after: newline)...])
        }
        return parse(text[...]).entries.suffix(lines).map(\.text)
    }

    /// The system reuses inode numbers, so also compare the file's first line, which has a unique time.
    private static func isSame(_ path: String, _ position: LogPosition) -> Bool {
        guard position.mark != 0 else { return true }
        guard let file = try? openFile(path, O_RDONLY) else { return false }
        return mark(file) == position.mark
    }

    /// A hash (FNV-1a) of the first line; 0 when there is none yet.
    private static func mark(_ file: borrowing OwnedFD) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        while let chunk = try? file.readSome(limit: 4096), !chunk.isEmpty {
            for byte in chunk {
                if byte == 0x0A { return hash }
                hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
            }
        }
        return 0
    }

    /// Whole lines from `position` on; nothing when `path` leads to another file by now.
    private static func read(
        _ path: String, from position: inout LogPosition, hasGap: inout Bool, _ limit: Int
    ) -> [LogEntry] {
        guard let file = try? openFile(path, O_RDONLY) else { return [] }
        var status = stat()
        guard fstat(file.raw, &status) == 0, UInt64(status.st_ino) == position.inode else { return [] }
        if position.offset > Int64(status.st_size) {  // truncated: the writer keeps only this file
            position = LogPosition(offset: 0, inode: position.inode)
            hasGap = true
        }
        if position.mark == 0 { position.mark = mark(file) }
        lseek(file.raw, off_t(position.offset), SEEK_SET)
        var bytes: [UInt8] = []
        while bytes.count < limit, let chunk = try? file.readSome(limit: 1 << 17), !chunk.isEmpty { bytes += chunk }
        let (entries, used) = parse(bytes[...])
        position.offset += Int64(used)
        return entries
    }

    /// Parses whole lines only, and leaves an unfinished line for the next time. Skips a damaged line.
    package static func parse(_ bytes: ArraySlice<UInt8>) -> (entries: [LogEntry], used: Int) {
        var entries: [LogEntry] = []
        var rest = bytes
        while let newline = rest.firstIndex(of: 0x0A) {
            if let record = LogRecord(parsing: rest[..<newline]) { entries.append(LogEntry(record)) }
            rest = rest[rest.index(after: newline)...]
        }
        return (entries, bytes.count - rest.count)
    }
}

/// A reader's position in a log that grows and gets rotated.
package struct LogPosition: Codable, Hashable, Sendable {
    package var offset: Int64
    package var inode: UInt64
    /// Distinguishes the file from a later one with the same inode number; 0 while it has no lines.
    package var mark: UInt64 = 0

    /// The beginning of the oldest file.
    package static let start = LogPosition(offset: 0, inode: 0)
}
