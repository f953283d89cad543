import Glibc
import Linux

/// Where reading a log begins.
struct LogStart: Hashable, Sendable {
    /// A place in one of the log's files.
    struct Place: Hashable, Sendable {
        var inode: UInt64
        var offset: Int64
    }

    var place: Place
    /// Records of standard output and standard error count only from these places on, because the requested lines of
    /// one stream may begin earlier than those of the other.
    var outputStart: Place?
    var errorStart: Place?

    init(_ place: Place) { self.place = place }

    /// The current end; nil while the log is empty.
    static func end(of files: LogFiles) -> Place? {
        guard let newest = files.files.first, let file = LogFiles.open(newest) else { return nil }
        return Place(inode: newest.inode, offset: file.fileSize)
    }

    /// The first record that is not older than `since`, or the oldest one if that is nil. nil while the log is empty.
    static func first(since: Int64?, in files: LogFiles) -> LogStart? {
        guard let since else { return files.files.last.map { LogStart(Place(inode: $0.inode, offset: 0)) } }
        for entry in files.files {
            guard let file = LogFiles.open(entry) else { continue }
            let size = file.fileSize
            let isOldest = entry == files.files.last
            guard isOldest || (LogLines.record(in: file, after: -1)?.record.time ?? .max) < since else { continue }
            return LogStart(Place(inode: entry.inode, offset: LogLines.offset(in: file, size: size, atLeast: since)))
        }
        return nil
    }

    /// The beginning of the last `count` lines between `since` and `until`. It searches from the end, so the time
    /// depends on those lines only, not on the size of the log. nil while the log is empty.
    static func last(_ count: Int, since: Int64?, until: Int64?, in files: LogFiles) -> LogStart? {
        guard let end = end(of: files) else { return nil }
        var search = TailSearch(count: count, since: since, end: end)
        search: for entry in files.files {
            if search.isDone { break }
            guard let file = LogFiles.open(entry) else { break }
            let size = file.fileSize
            let used = until.map { LogLines.offset(in: file, size: size, atLeast: $0 + 1) } ?? size
            LogLines.backwards(file, from: used) { offset, line in
                guard let record = LogRecord(parsing: line) else { return true }
                search.take(record, at: Place(inode: entry.inode, offset: offset), bytes: line.count)
                return !search.isDone
            }
        }
        return search.start
    }
}

/// Counts lines from the end of a log. A line may span several records, and records of both streams are mixed.
private struct TailSearch {
    /// How many bytes to search further for the beginning of a line.
    private static let patience = 1 << 20

    let count: Int
    let since: Int64?
    private var found = 0
    private var stream: [Bool: Stream] = [:]
    private var place: LogStart.Place
    private let end: LogStart.Place
    private var searched = 0
    private(set) var isDone: Bool

    private struct Stream {
        var start: LogStart.Place
        /// Its first counted record may continue a line that began earlier.
        var isOpen = true
    }

    init(count: Int, since: Int64?, end: LogStart.Place) {
        self.count = count
        self.since = since
        self.end = end
        place = end
        isDone = count <= 0
    }

    mutating func take(_ record: LogRecord, at here: LogStart.Place, bytes: Int) {
        if let since, record.time < since {
            isDone = true
            return
        }
        if var own = stream[record.isError], own.isOpen, record.isPartial {
            own.start = here
            stream[record.isError] = own
            place = here
            return
        }
        // The end of a line, or the last record of a stream, which counts as a line.
        guard found < count else {
            stream[record.isError]?.isOpen = false
            searched += bytes
            isDone = searched > Self.patience || !stream.values.contains(where: \.isOpen)
            return
        }
        found += 1
        stream[record.isError] = Stream(start: here)
        place = here
    }

    var start: LogStart {
        var start = LogStart(place)
        // A stream without a counted line has none between here and the end.
        start.outputStart = stream[false]?.start ?? end
        start.errorStart = stream[true]?.start ?? end
        return start
    }
}

/// Reads the lines of one file of a log.
enum LogLines {
    private static let step = 1 << 16
    /// The longest line that berth writes is shorter than this.
    static let limit = 1 << 20

    /// Passes whole lines and their offsets to `body`, from the last one before `end` backwards, until `body` returns
    /// false.
    static func backwards(_ file: borrowing OwnedFD, from end: Int64, _ body: (Int64, ArraySlice<UInt8>) -> Bool) {
        var position = end
        var pending: [UInt8] = []  // the end of a line, with its newline; its beginning was not read yet
        while position > 0 {
            let start = max(0, position - Int64(step))
            let data = file.bytes(at: start, count: Int(position - start)) + pending
            position = start
            // The part after the last newline is not a whole line yet.
            var lineEnd = data.lastIndex(of: 0x0A)
            while let newline = lineEnd {
                let before = data[..<newline].lastIndex(of: 0x0A)
                if before == nil, start > 0 { break }
                let first = before.map { $0 + 1 } ?? 0
                guard body(start + Int64(first), data[first..<newline]) else { return }
                lineEnd = before
            }
            guard start > 0 else { return }
            pending = lineEnd.map { Array(data[...$0]) } ?? []
            if pending.count > limit { pending = [] }
        }
    }

    /// The first record that begins after the byte at `position`; -1 starts at the first byte. nil at the end, and when
    /// nothing can be read.
    static func record(in file: borrowing OwnedFD, after position: Int64) -> (record: LogRecord, offset: Int64)? {
        let from = max(0, position)
        let data = file.bytes(at: from, count: limit / 4)
        var lineStart = 0
        if position >= 0 {
            guard let newline = data.firstIndex(of: 0x0A) else { return nil }
            lineStart = newline + 1
        }
        while let newline = data[lineStart...].firstIndex(of: 0x0A) {
            if let record = LogRecord(parsing: data[lineStart..<newline]) { return (record, from + Int64(lineStart)) }
            lineStart = newline + 1
        }
        return nil
    }

    /// The offset of the first record at or after `time`, by binary search, because a log is sorted by time; the size
    /// when there is none.
    static func offset(in file: borrowing OwnedFD, size: Int64, atLeast time: Int64) -> Int64 {
        var low: Int64 = 0  // a record begins here, and the records before it are too old
        var high = size  // records from here on are not too old
        while high - low > Int64(step) {
            let middle = low + (high - low) / 2
            if let (record, offset) = record(in: file, after: middle), offset < high, record.time < time {
                low = offset
            } else {
                high = middle
            }
        }
        let data = file.bytes(at: low, count: Int(high - low) + limit / 4)
        var lineStart = 0
        while let newline = data[lineStart...].firstIndex(of: 0x0A), low + Int64(lineStart) < size {
            if let record = LogRecord(parsing: data[lineStart..<newline]), record.time >= time {
                return low + Int64(lineStart)
            }
            lineStart = newline + 1
        }
        return size
    }
}
