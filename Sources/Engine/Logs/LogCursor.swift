import Glibc
import Linux

/// A position in one container's log that moves forward and follows rotation. It holds one piece of the log, a few
/// times as large as the longest record. Only one thread uses it at a time.
///
/// It keeps the current file open, so it can read the last lines of a container even after the log was removed.
package final class LogCursor {
    /// The requested part of the log. Times are nanoseconds since 1970.
    package struct Range: Hashable, Sendable {
        package var tail: Int?
        package var since: Int64?
        package var until: Int64?
        /// Includes everything written from now on.
        package var follows: Bool

        package init(tail: Int? = nil, since: Int64? = nil, until: Int64? = nil, follows: Bool = false) {
            self.tail = tail
            self.since = since
            self.until = until
            self.follows = follows
        }
    }

    private static let step = 1 << 16

    private let path: String
    private let range: Range
    private var start: LogStart?
    /// Where it ends; nil means never.
    private var end: LogStart.Place?
    private var file: OwnedFD?
    private var inode: UInt64 = 0
    private var buffer: [UInt8] = []
    /// The index of the first byte in the buffer that was not handed out yet.
    private var next = 0
    /// The offset in the file at which the buffer ends.
    private var offset: Int64 = 0
    private var isInLongLine = false

    /// The current record.
    private(set) var head: LogRecord?
    /// Nothing more will come.
    private(set) var isFinished = false
    /// Some records were rotated away or cut off before they were read. Whoever reports the gap resets this.
    var hasGap = false

    /// `path` need not exist yet.
    init(_ path: String, _ range: Range) {
        self.path = path
        self.range = range
        let files = LogFiles(path)
        if !range.follows {
            end = LogStart.end(of: files)
            isFinished = end == nil
        }
        if let tail = range.tail {
            start = LogStart.last(tail, since: range.since, until: range.until, in: files)
        } else {
            start = LogStart.first(since: range.since, in: files)
        }
        if let start { open(at: start.place, in: files) }
    }

    /// Moves to the next record; false when there is none now.
    func advance() -> Bool {
        head = nil
        while !isFinished {
            guard let newline = buffer[next...].firstIndex(of: 0x0A) else {
                guard refill() else { return false }
                continue
            }
            let line = buffer[next..<newline]
            let place = LogStart.Place(inode: inode, offset: offset - Int64(buffer.count - next))
            next = newline + 1
            if let end, end.inode == inode, place.offset >= end.offset { break }
            if isInLongLine {
                isInLongLine = false
                continue
            }
            guard let record = LogRecord(parsing: line), isWanted(record, place) else { continue }
            if let until = range.until, record.time > until { break }
            head = record
            return true
        }
        finish()
        return false
    }

    private func finish() {
        isFinished = true
        file = nil
        buffer = []
        next = 0
    }

    private func isWanted(_ record: LogRecord, _ place: LogStart.Place) -> Bool {
        if let since = range.since, record.time < since { return false }
        guard let first = record.isError ? start?.errorStart : start?.outputStart else { return true }
        guard first.inode == place.inode else { return false }
        guard place.offset >= first.offset else { return false }
        if record.isError { start?.errorStart = nil } else { start?.outputStart = nil }
        return true
    }

    /// Reads more; false when there is nothing new.
    private func refill() -> Bool {
        if next > 0 {
            buffer.removeFirst(next)
            next = 0
        }
        if buffer.count > LogLines.limit {
            buffer = []
            isInLongLine = true
        }
        guard file != nil || openOldest() else { return false }
        return readOn() || goOn()
    }

    private func readOn() -> Bool {
        guard let bytes = file?.bytes(at: offset, count: Self.step), !bytes.isEmpty else { return false }
        offset += Int64(bytes.count)
        if buffer.isEmpty { buffer = bytes } else { buffer += bytes }
        return true
    }

    /// At the end of a file: opens the next one, if there is one.
    private func goOn() -> Bool {
        if let size = file?.fileSize, size < offset {
            // The writer keeps only this file and has truncated it.
            move(to: LogStart.Place(inode: inode, offset: 0))
            hasGap = true
            return size > 0
        }
        guard let newest = LogFiles.inode(of: path), newest != inode else { return false }
        // The file was rotated, so everything written to it is there by now.
        if readOn() { return true }
        if end?.inode == inode {
            finish()
            return false
        }
        let files = LogFiles(path)
        guard let index = files.files.firstIndex(where: { $0.inode == inode }) else {
            hasGap = true
            if let end, !files.files.contains(where: { $0.inode == end.inode }) {
                finish()
                return false
            }
            return openOldest()
        }
        guard index > 0 else { return false }
        leaveFile()
        return open(at: LogStart.Place(inode: files.files[index - 1].inode, offset: 0), in: files)
    }

    /// No more records to skip: they were all in this file.
    private func leaveFile() {
        if start?.outputStart?.inode == inode { start?.outputStart = nil }
        if start?.errorStart?.inode == inode { start?.errorStart = nil }
    }

    private func openOldest() -> Bool {
        let files = LogFiles(path)
        guard let oldest = files.files.last else { return false }
        start = nil
        return open(at: LogStart.Place(inode: oldest.inode, offset: 0), in: files)
    }

    @discardableResult
    private func open(at place: LogStart.Place, in files: LogFiles) -> Bool {
        guard let entry = files.files.first(where: { $0.inode == place.inode }) else { return false }
        if let opened = LogFiles.open(entry) {
            file = consume opened
        } else {
            // It was renamed since the files were listed.
            let again = LogFiles(path)
            guard let entry = again.files.first(where: { $0.inode == place.inode }), let opened = LogFiles.open(entry)
            else { return false }
            file = consume opened
        }
        move(to: place)
        return true
    }

    private func move(to place: LogStart.Place) {
        inode = place.inode
        offset = place.offset
        buffer = []
        next = 0
        isInLongLine = false
    }
}
