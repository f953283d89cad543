import EngineWire
import Linux
import Logging
import Networking
import ProjectModel

/// Keeps firewall rules, published ports and names in step with the records. Callers that come during a round share the
/// next one. A round costs as much as changed since the last.
package actor NetworkSync {
    private let inventory: Inventory
    private let machine: any Machine
    private let upstreams: @Sendable () -> ResolverConfiguration
    private let log: Logger
    /// Containers that are about to run; they have names and ports already.
    private var starting: Set<String> = []
    private var requested = 0
    private var current: Round?
    /// What could not be applied, by container. A fault affects no other container.
    private(set) var faults: [String: EngineFailure] = [:]
    private var retry: Task<Void, Never>?
    /// What may not be applied yet, in addition to the inventory's changes; at first, everything.
    private var pending = Unsynced(isWhole: true)
    private var resolver: ResolverConfiguration?

    /// One application of the state, for everyone who asked before it began.
    private struct Round {
        let task: Task<Void, any Error>
        let covers: Int
    }

    init(
        inventory: Inventory, machine: any Machine, upstreams: @escaping @Sendable () -> ResolverConfiguration,
        log: Logger
    ) {
        self.inventory = inventory
        self.machine = machine
        self.upstreams = upstreams
        self.log = log
    }

    /// Sets up the names and ports of `container` before it runs.
    /// - Throws: the fault of this container. Faults of others are reported to their own callers.
    func begin(_ container: String) async throws {
        starting.insert(container)
        pending.containers.insert(container)
        try await sync()
        if let fault = faults[container] { throw fault }
    }

    func end(_ container: String) {
        starting.remove(container)
        pending.containers.insert(container)
    }

    /// Returns once a state at least as new as this call is applied.
    func sync() async throws {
        requested += 1
        let mine = requested
        while true {
            let round = current ?? begin()
            let result = await round.task.result
            if round.covers >= mine { return try result.get() }
        }
    }

    /// Removes names and ports of stopped and removed containers: retries until it succeeds, but waits only for the
    /// first attempt.
    func settle() async {
        if await !isSettled() { tryAgain() }
    }

    private func isSettled() async -> Bool {
        do {
            try await sync()
            return faults.isEmpty
        } catch {
            log.warning("names and ports could not be updated: \(error)")
            return false
        }
    }

    private func tryAgain() {
        guard retry == nil else { return }
        retry = Task {
            var pause = Duration.seconds(1)
            repeat {
                do { try await machine.sleep(pause) } catch { break }
                pause = min(.seconds(60), pause * 2)
            } while await !isSettled()
            retry = nil
        }
    }

    private func begin() -> Round {
        // The task itself removes the round at its end, so that no waiter finds the same round again.
        let task = Task {
            defer { self.current = nil }
            try await self.apply()
        }
        let round = Round(task: task, covers: requested)
        current = round
        return round
    }

    private func apply() async throws {
        var asked = pending
        pending = Unsynced()
        let resolver = upstreams()
        if resolver != self.resolver { asked.isWhole = true }
        self.resolver = resolver
        // Retry everything that has a fault.
        asked.containers.formUnion(faults.keys)
        let (change, work) = await inventory.networkChange(asked, starting: starting, resolver: resolver)
        let found: [String: EngineFailure]
        do { found = try await machine.apply(change).containers } catch {
            pending.merge(work)
            throw error
        }
        for (id, fault) in found where faults[id] != fault {
            let name = await inventory.container(id)?.name ?? String(id.prefix(12))
            log.warning("container \(name): \(fault.message)")
        }
        faults = found.merging(change.isWhole ? [:] : faults.filter { change.containers[$0.key] == nil }) { new, _ in
            new
        }
    }
}
