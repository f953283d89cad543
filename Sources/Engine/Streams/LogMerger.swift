import EngineWire
import Glibc
import Monitor

/// Merges the logs of several containers by time, and follows them.
struct LogMerger: Sendable {
    let paths: EnginePaths
    let inventory: Inventory
    let project: String
    let request: LogRequest
    let reactor: Reactor?

    func lines(_ records: [ContainerRecord]) -> AsyncStream<LogLine> {
        AsyncStream(bufferingPolicy: .unbounded) { continuation in
            let task = Task {
                await run(records, continuation)
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func run(_ records: [ContainerRecord], _ output: AsyncStream<LogLine>.Continuation) async {
        var positions: [String: LogPosition] = [:]
        var lines: [LogLine] = []
        for record in records {
            let (entries, position) = await LogReader(path: paths.log(record.id)).readAll()
            positions[record.id] = position
            lines += chosen(entries).map { line($0, record) }
        }
        for line in lines.enumerated().sorted(by: { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }) {
            output.yield(line.element)
        }
        if request.follow { await follow(records, positions, output) }
    }

    private func chosen(_ entries: [LogEntry]) -> [LogEntry] {
        var entries = entries[...]
        if let since = request.since { entries = entries.drop { Double($0.time) / 1e9 < since } }
        if let until = request.until { entries = entries.prefix { Double($0.time) / 1e9 <= until } }
        return Array(request.tail.map { entries.suffix(max(0, $0)) } ?? entries)
    }

    private func line(_ entry: LogEntry, _ record: ContainerRecord) -> LogLine {
        let event: LogLine.Event =
            entry.lost > 0 ? .lost(entry.lost) : .text(entry.text, isError: entry.isError, isPartial: entry.isPartial)
        return LogLine(container: record.name, label: record.label, event: event, time: entry.time)
    }

    /// One task a container; containers that appear later join. Ends when all of them have ended.
    private func follow(
        _ records: [ContainerRecord], _ positions: [String: LogPosition], _ output: AsyncStream<LogLine>.Continuation
    ) async {
        await withTaskGroup(of: Void.self) { group in
            var known: Set<String> = []
            var live = Set(records.map(\.id))
            for record in records {
                known.insert(record.id)
                group.addTask { await follow(record.id, from: positions[record.id], output) }
            }
            while !Task.isCancelled {
                let epoch = await inventory.epoch(of: project)
                let current = await inventory.containers(of: project).filter(isChosen)
                for record in current where known.insert(record.id).inserted {
                    group.addTask { await follow(record.id, from: nil, output) }
                }
                live = Set(current.filter { ![.exited, .removing].contains($0.life.phase) || isOldEnd($0) }.map(\.id))
                if live.isEmpty { break }
                await inventory.change(of: project, after: epoch)
            }
        }
    }

    private func isChosen(_ record: ContainerRecord) -> Bool {
        if record.isOneOff, !request.includeAll { return false }
        if let index = request.index, record.number != index { return false }
        return record.life.phase != .creating && (request.services.isEmpty || request.services.contains(record.service))
    }

    /// Follows one container until it has ended for good.
    private func follow(_ id: String, from start: LogPosition?, _ output: AsyncStream<LogLine>.Continuation) async {
        let folder = paths.container(id)
        guard let watch = try? FileWatch(folder: folder, reactor: reactor) else { return }
        let changes = Task { [inventory, project] in
            while !Task.isCancelled {
                let epoch = await inventory.epoch(of: project)
                watch.tick()
                await inventory.change(of: project, after: epoch)
            }
        }
        defer {
            changes.cancel()
            watch.finish()
        }
        let reader = LogReader(path: paths.log(id))
        var position = start ?? .start
        var toldEnd: Int64?
        for await _ in watch.ticks {
            guard !Task.isCancelled else { return }
            let record = await inventory.container(id)
            let (entries, next) = await reader.readNew(from: position)
            position = next
            guard let record else { return }
            for entry in entries { output.yield(line(entry, record)) }
            guard let ended = record.life.finishedAt, toldEnd != ended, !isOldEnd(record) else { continue }
            switch record.life.phase {
            case .restarting: tell(record, willRestart: true, output)
            case .exited, .removing:
                tell(record, willRestart: false, output)
                return
            default: continue
            }
            toldEnd = ended
        }
    }

    /// It ended before those who follow were interested, and is about to be started again.
    private func isOldEnd(_ record: ContainerRecord) -> Bool {
        guard request.expectsStart, let since = request.since, let ended = record.life.finishedAt else { return false }
        return Double(ended) / 1e9 < since
    }

    private func tell(_ record: ContainerRecord, willRestart: Bool, _ output: AsyncStream<LogLine>.Continuation) {
        output.yield(
            LogLine(
                container: record.name, label: record.label,
                event: .exited(
                    code: record.life.exit?.code ?? 0, willRestart: willRestart,
                    cause: record.endCause),
                time: record.life.finishedAt ?? 0))
    }
}
