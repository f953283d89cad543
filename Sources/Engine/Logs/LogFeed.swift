import EngineWire
import Linux
import Monitor

/// The answer to a `LogRequest`, in pieces. It reads a piece only after the previous one has been sent.
///
/// One task uses it: it calls `next` until that returns nil.
actor LogFeed {
    /// What it needs from the engine.
    struct Surroundings: Sendable {
        let paths: EnginePaths
        let inventory: Inventory
        let machine: any Machine
        /// Rings whenever an operation ends.
        let operations: RunningOperations
        /// Whether an operation in progress is about to start or replace one of the containers.
        let isAwaited: @Sendable ([ContainerRecord]) async -> Bool
    }

    private static let batchSize = 1 << 17
    /// The number of pieces to send at once; after that, one in each `pace`.
    private static let burst = 8
    private static let pace = Duration.milliseconds(25)

    private let surroundings: Surroundings
    private let group: Subject
    private let request: LogRequest
    /// The output format; nil means newline-delimited JSON.
    private let form: (any LogForm)?
    private let merge = LogMerge()
    private let bell = Bell()
    /// The containers that existed at the beginning. The logs of others are shown in full.
    private var first: [ContainerRecord]?
    private var known: Set<String> = []
    private var watches: [String: FolderWatcher.Watch] = [:]
    private var toldEnds: [String: Int64] = [:]
    private var isOver = false
    private var ringing: [Task<Void, Never>] = []
    private var credit = LogFeed.burst
    private var lastPiece = ContinuousClock.now

    init(
        _ surroundings: Surroundings, group: Subject, request: LogRequest, as form: (any LogForm)? = nil,
        of records: [ContainerRecord]
    ) {
        self.form = form
        self.surroundings = surroundings
        self.group = group
        self.request = request
        first = records
    }

    deinit {
        for task in ringing { task.cancel() }
        surroundings.operations.forget(bell)
    }

    /// The next lines in the output format; nil at the end, or when the task is cancelled.
    func next() async -> [UInt8]? {
        if let records = first {
            first = nil
            if request.follow { ringWhenSomethingChanges() }
            await add(records, tail: request.tail, since: request.since)
        }
        while !Task.isCancelled, !isOver {
            let goesOn = request.follow ? await takeNews() : false
            for id in known where watches[id]?.takeTouched() ?? true { merge.touch(id) }
            let bytes = await LogReader.thread.runInfallible { [merge] in merge.batch(limit: Self.batchSize) }
            if !bytes.isEmpty {
                if request.follow, bytes.count < Self.batchSize { await spread() }
                return bytes
            }
            guard goesOn else { break }
            surroundings.machine.armLogWatches()
            await bell.wait()
        }
        isOver = true
        return nil
    }

    private func ringWhenSomethingChanges() {
        surroundings.operations.listen(bell)
        ringing.append(
            Task { [inventory = surroundings.inventory, group, bell] in
                while !Task.isCancelled {
                    let epoch = await inventory.currentEpoch()
                    bell.ring()
                    await inventory.change(of: group, after: epoch)
                }
            })
        guard let until = request.until else { return }
        ringing.append(
            Task { [bell] in
                try? await Task.sleep(for: .seconds(min(max(0, until - Self.now), 1e9)))
                bell.ring()
            })
    }

    private func add(_ records: [ContainerRecord], tail: Int?, since: Double?) async {
        let range = LogCursor.Range(
            tail: tail, since: since.map(Self.nanoseconds), until: request.until.map(Self.nanoseconds),
            follows: request.follow)
        for record in records {
            known.insert(record.id)
            watch(record.id)
        }
        let showsLines = request.onlyEnds != true
        await LogReader.thread.runInfallible { [merge, form, paths = surroundings.paths] in
            for record in records {
                merge.add(
                    record.id, as: form ?? LogLine.Writer(container: record.name, label: record.label),
                    path: showsLines ? paths.log(record.id) : nil, range)
            }
        }
    }

    private func watch(_ id: String) {
        guard request.follow, request.onlyEnds != true, watches[id] == nil else { return }
        watches[id] = surroundings.machine.watchLog(of: id, bell)
    }

    /// Handles changes of the containers; false when nothing more will come from them.
    private func takeNews() async -> Bool {
        let current = await surroundings.inventory.containers(of: group).filter(isChosen)
        let new = current.filter { !known.contains($0.id) }
        if !new.isEmpty { await add(new, tail: nil, since: nil) }
        for id in known.subtracting(current.map(\.id)) {
            known.remove(id)
            watches[id] = nil
            toldEnds[id] = nil
            merge.close(id)
        }
        for record in current {
            watch(record.id)
            takeEnd(of: record)
        }
        if let until = request.until, until < Self.now { return false }
        if current.contains(where: { ![.exited, .removing].contains($0.life.phase) || isOldEnd($0) }) { return true }
        return await surroundings.isAwaited(current)
    }

    private func isChosen(_ record: ContainerRecord) -> Bool {
        if record.isOneOff, !request.includeAll { return false }
        if let index = request.index, record.number != index { return false }
        return record.life.phase != .creating && record.isOf(request.services)
    }

    private func takeEnd(of record: ContainerRecord) {
        guard let ended = record.life.finishedAt, toldEnds[record.id] != ended, !isOldEnd(record),
            [.restarting, .exited, .removing].contains(record.life.phase)
        else { return }
        toldEnds[record.id] = ended
        let event = LogLine.Event.exited(
            code: record.life.exit?.code ?? 0, willRestart: record.life.phase == .restarting, cause: record.endCause)
        merge.tell(event, time: ended, of: record.id)
    }

    /// The container ended before the client began to follow, and is about to start again.
    private func isOldEnd(_ record: ContainerRecord) -> Bool {
        guard request.expectsStart, let since = request.since, let ended = record.life.finishedAt else { return false }
        return ended < Self.nanoseconds(since)
    }

    /// Waits so that a container that writes without pause fills the next piece. Many small pieces would cost more.
    private func spread() async {
        let now = ContinuousClock.now
        credit = min(Self.burst, credit + Int((now - lastPiece) / Self.pace))
        lastPiece = now
        if credit > 0 {
            credit -= 1
        } else {
            try? await Task.sleep(for: Self.pace)
        }
    }

    private static var now: Double { Double(Clock.now()) / 1e9 }

    private static func nanoseconds(_ seconds: Double) -> Int64 { Int64(max(-9e18, min(9e18, seconds * 1e9))) }
}
