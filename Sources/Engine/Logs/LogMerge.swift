import EngineWire
import Synchronization

/// Merges the logs of several containers by time. It reads the next record of a log only after the previous ones were taken, so its
/// memory does not depend on the size of the logs or the speed of the reader.
package final class LogMerge: Sendable {
    /// The number of records of one line (16 KiB each) to keep together even if other logs have older records: 16 MiB.
    private static let piecesTogether = 1024

    private final class Source {
        let cursor: LogCursor?
        let writer: any LogForm
        /// The log may have grown since the cursor last reached its end.
        var isFresh = true
        /// An event to report after everything written so far.
        var end: (event: LogLine.Event, time: Int64)?
        /// Nobody writes to it any more.
        var isClosed = false
        var isOver: Bool { time == nil && !isFresh && (isClosed || cursor?.isFinished == true) }

        /// The end comes before the next record, if there is one.
        var isAtEnd: Bool {
            guard let end else { return false }
            return cursor?.head.map { $0.time > end.time } ?? !isFresh
        }

        /// The time of its next record or event; nil when there is none now.
        var time: Int64? { isAtEnd ? end?.time : cursor?.head?.time }

        init(_ cursor: LogCursor?, _ writer: any LogForm) {
            self.cursor = cursor
            self.writer = writer
        }
    }

    private struct State {
        var order: [String] = []
        var sources: [String: Source] = [:]
    }

    // The mutex guards everything: one thread reads files at a time.
    private let state = Mutex(State())

    package init() {}

    /// Adds a container; a nil `path` means that it has no lines. Opens files, so do not call it on the cooperative
    /// pool.
    package func add(_ id: String, container: String, label: String, path: String?, _ range: LogCursor.Range) {
        add(id, as: LogLine.Writer(container: container, label: label), path: path, range)
    }

    /// The same, with a given output format.
    package func add(_ id: String, as form: any LogForm, path: String?, _ range: LogCursor.Range) {
        state.withLock { state in
            guard state.sources[id] == nil else { return }
            let cursor = path.map { LogCursor($0, range) }
            state.order.append(id)
            state.sources[id] = Source(cursor, form)
        }
    }

    /// Its files have changed.
    package func touch(_ id: String) { state.withLock { $0.sources[id]?.isFresh = true } }

    /// It has ended: reports `event` after the lines written so far.
    package func tell(_ event: LogLine.Event, time: Int64, of id: String) {
        state.withLock { state in
            state.sources[id]?.end = (event, time)
            state.sources[id]?.isFresh = true
        }
    }

    /// It was removed: drops it once everything it wrote was read.
    package func close(_ id: String) {
        state.withLock { state in
            state.sources[id]?.isClosed = true
            state.sources[id]?.isFresh = true
        }
    }

    /// The lines available now, about `limit` bytes at most; empty when there are none. Reads files, so do not call it
    /// on the cooperative pool.
    package func batch(limit: Int) -> [UInt8] {
        state.withLock { state in
            var output: [UInt8] = []
            let sources = state.order.compactMap { state.sources[$0] }
            for source in sources { Self.look(source, &output) }
            while output.count < limit, let (first, bound) = Self.first(sources) {
                Self.take(first, until: bound, limit, &output)
            }
            let over = state.order.filter { state.sources[$0]?.isOver == true }
            if !over.isEmpty {
                for id in over { state.sources[id] = nil }
                state.order.removeAll { state.sources[$0] == nil }
            }
            return output
        }
    }

    /// The source with the oldest next event, and the time of the oldest one of the others.
    private static func first(_ sources: [Source]) -> (Source, bound: Int64)? {
        var first: Source?
        var time = Int64.max
        var bound = Int64.max
        for source in sources {
            guard let next = source.time else { continue }
            if first == nil || next < time {
                if first != nil { bound = time }
                first = source
                time = next
            } else {
                bound = min(bound, next)
            }
        }
        return first.map { ($0, bound) }
    }

    private static func take(_ source: Source, until bound: Int64, _ limit: Int, _ output: inout [UInt8]) {
        var pieces = 0
        while let time = source.time, time <= bound || pieces > 0, output.count < limit {
            if source.isAtEnd, let end = source.end {
                source.end = nil
                source.writer.append(end.event, time: end.time, to: &output)
                pieces = 0
                continue
            }
            guard let cursor = source.cursor, let record = cursor.head else { return }
            if record.lost > 0 {
                source.writer.append(.lost(record.lost), time: record.time, to: &output)
            } else {
                source.writer.append(
                    text: record.text, isError: record.isError, isPartial: record.isPartial, time: record.time,
                    to: &output)
            }
            pieces = record.isPartial && pieces < piecesTogether ? pieces + 1 : 0
            if !cursor.advance() { source.isFresh = false }
            tellGap(source, &output)
        }
    }

    /// Finds its next record, if there may be one.
    private static func look(_ source: Source, _ output: inout [UInt8]) {
        guard source.isFresh, source.cursor?.head == nil else { return }
        if source.cursor?.advance() != true { source.isFresh = false }
        tellGap(source, &output)
    }

    private static func tellGap(_ source: Source, _ output: inout [UInt8]) {
        guard let cursor = source.cursor, cursor.hasGap else { return }
        cursor.hasGap = false
        source.writer.append(.lost(0), time: cursor.head?.time ?? 0, to: &output)
    }
}
