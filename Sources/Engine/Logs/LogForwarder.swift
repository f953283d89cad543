import Glibc
import JSON
import Linux
import Logging
import ProjectModel

/// Sends the output of containers to the destinations of their logging drivers.
///
/// It reads the container's log file and stores beside it how far it has sent. So when the engine or a server was down,
/// lines arrive late, and are lost only if rotation removes them first.
actor LogForwarder {
    private let paths: EnginePaths
    private let inventory: Inventory
    private let machine: any Machine
    private let defaults: ContainerDefaults
    private let log: Logger
    private var tasks: [String: Task<Void, Never>] = [:]
    /// `begin` raises it, so that a task that is about to end continues.
    private var wishes: [String: Int] = [:]
    private let pool = BlockingPool(name: "log forwarding", limit: 4)

    init(
        paths: EnginePaths, inventory: Inventory, machine: any Machine,
        defaults: ContainerDefaults = ContainerDefaults(), log: Logger
    ) {
        self.defaults = defaults
        self.paths = paths
        self.inventory = inventory
        self.machine = machine
        self.log = log
    }

    /// Forwards the output from now on, until the container has ended and everything was sent.
    func begin(_ record: ContainerRecord) {
        // Invalid options were refused when the container was created.
        guard let plan = try? LoggingPlan(defaults.logging(record.template.logging)), let destination = plan.destination
        else { return }
        wishes[record.id, default: 0] += 1
        guard tasks[record.id] == nil else { return }
        let sink = destination.sink
        tasks[record.id] = Task { await self.follow(record.id, plan, sink) }
    }

    /// Call this before a container is removed: sends the rest, within two seconds at most.
    func finish(_ id: String) async {
        guard let task = tasks[id] else { return }
        let deadline = Task {
            do { try await Task.sleep(for: .seconds(2)) } catch { return }
            task.cancel()
        }
        await task.value
        deadline.cancel()
    }

    private func follow(_ id: String, _ plan: LoggingPlan, _ sink: any LogSink) async {
        defer {
            tasks[id] = nil
            wishes[id] = nil
        }
        let bell = Bell()
        let watch = machine.watchLog(of: id, bell)
        let changes = Task { [inventory] in
            while !Task.isCancelled, await inventory.container(id) != nil {
                let epoch = await inventory.currentEpoch()
                bell.ring()
                await inventory.change(of: .container(id), after: epoch)
            }
            bell.ring()
        }
        defer { changes.cancel() }
        while !Task.isCancelled {
            let wish = wishes[id]
            // Read the phase first: if the container has ended, the next read gets its last lines.
            guard let phase = await inventory.container(id)?.life.phase else { break }
            guard await sendAll(of: id, plan, sink) else { break }
            if [.exited, .removing].contains(phase), wishes[id] == wish { break }
            machine.armLogWatches()
            await bell.wait()
        }
        withExtendedLifetime(watch) {}
    }

    /// Sends the new content of the file; false when cancelled.
    private func sendAll(of id: String, _ plan: LoggingPlan, _ sink: any LogSink) async -> Bool {
        let reader = LogReader(path: paths.log(id))
        let cursorPath = "\(paths.container(id))/forwarded.json"
        var position = await pool.runInfallible {
            (try? decodeJSON(LogPosition.self, from: readFile(cursorPath))) ?? .start
        }
        while !Task.isCancelled {
            guard let record = await inventory.container(id) else { return true }
            let step = await reader.next(after: position, limit: 1 << 17)
            guard step.position != position else { return true }
            let source = LogSource(record, plan, host: machine.hostName, engine: getpid())
            if step.hasGap {
                log.warning("\(record.name): lines were lost: the log was rotated before they could be sent")
            }
            guard await deliver(step.entries, source, sink) else { return false }
            position = step.position
            let bytes = (try? encodeJSON(position)) ?? []
            await pool.runInfallible { try? writeFileAtomically(cursorPath, bytes) }
        }
        return false
    }

    /// Retries until everything was sent, with growing pauses; false when cancelled.
    private func deliver(_ entries: [LogEntry], _ source: LogSource, _ sink: any LogSink) async -> Bool {
        var rest = entries[...]
        var pause = Duration.milliseconds(250)
        while !rest.isEmpty {
            let batch = rest
            let (sent, failure) = await pool.runInfallible { () -> (Int, String?) in
                for (index, entry) in batch.enumerated() {
                    do { try sink.send(entry, of: source) } catch { return (index, "\(error)") }
                }
                return (batch.count, nil)
            }
            rest = rest.dropFirst(sent)
            guard let failure else { continue }
            if pause == .milliseconds(250) { log.warning("\(source.name): its log cannot be sent: \(failure)") }
            do { try await Task.sleep(for: pause) } catch { return false }
            pause = min(pause * 2, .seconds(30))
        }
        return true
    }
}
